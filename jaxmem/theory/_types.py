"""Numbers in and out of the theory: what NumPy reads as real in, float64 out, a scalar for scalars."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

RealLike: TypeAlias = ArrayLike | Sequence[float]
"""A real number or an array of them; arguments of one function broadcast."""

Real: TypeAlias = np.float64 | NDArray[np.float64]
"""float64 of the broadcast shape; for scalars a float."""
