"""One vocabulary of shapes, used in every signature and checked when the tests run.

Letters: n samples (N of a reference), d dimensions, k leading directions or mixture components, b a batch.
Dtypes are floating: float32 for samples and pair sums, float64 for fits, moments and theory.
"""

from typing import TypeAlias

import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

RealArray: TypeAlias = Array | np.ndarray
"""Any array a public function takes: JAX's or NumPy's."""

Key: TypeAlias = PRNGKeyArray
"""One key of jax.random, typed (jax.random.key)."""

Samples: TypeAlias = Float[RealArray, "n d"]
"""n samples, one per row."""

Reference: TypeAlias = Float[RealArray, "N d"]
"""N reference samples, one per row."""

Vector: TypeAlias = Float[RealArray, "d"]
"""A point or a mean in R^d."""

Covariance: TypeAlias = Float[RealArray, "d d"]
"""A symmetric positive semi-definite matrix."""

Scalar: TypeAlias = Float[Array, ""]
"""A real number inside a computation."""

Integer: TypeAlias = Int[Array, ""] | int
"""A whole number, traced or not."""

Mask: TypeAlias = Bool[Array, "n"]
"""Which of the rows of a padded sample count."""
