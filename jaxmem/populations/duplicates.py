"""Repeated samples, which hide copies from every measure that compares two nearest neighbours."""

from typing import Any

import numpy as np

from jaxmem import _checks


def count_duplicates(rows: Any) -> int:
    """How many of the samples (n, d) repeat an earlier one exactly; with dtype and all, 0 and -0 differ not.

    Cost: one pass over the data, and 64 bytes a sample.
    """
    _checks.shape("rows", rows, None, None)
    array = np.asarray(rows) + 0  # -0 + 0 is 0
    return len(array) - len({row.tobytes() for row in np.ascontiguousarray(array)})
