"""Functions of a covariance whose directions differ greatly in size, from its matrix scaled to unit diagonal.

The product of n rows knows its entry (i, j) to a share of √(C_ii C_jj), so that with S = diag(√C_ii) the
matrix S^-1 C S^-1 is as well known, and as well conditioned, as that of isotropic data, however steep C is
along the axes. An eigendecomposition of C forgets this: it knows no eigenvalue under ε times the largest.

The Cholesky factor L of S^-1 C S^-1 + 4 √d ε I gives everything; what is added is the rounding of the matrix
itself, so that a small eigenvalue stays positive. Which C are singular is not decided here. An axis with
C_ii = 0 counts as one of variance 1.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmem._typing import Scalar
from jaxmem.numerics import linear_algebra

ROUNDING = 4.0
"""Times √d ε: the null eigenvalues that rounding leaves in a matrix of unit diagonal."""


def log_determinant(matrix: Float[Array, "d d"]) -> Scalar:
    """log det C; d³/3 multiplications."""
    scale, lower = _factor(matrix)
    return 2 * (jnp.log(scale) + jnp.log(jnp.diagonal(lower))).sum()


def inverse_diagonal(matrix: Float[Array, "d d"]) -> Float[Array, "d"]:
    """(C^-1)_ii; d³ multiplications."""
    scale, lower = _factor(matrix)
    inverse = linear_algebra.solve_lower_triangular(lower, jnp.eye(len(lower), dtype=lower.dtype))
    return (inverse**2).sum(0) / scale**2


def inverse_quadratic(matrix: Float[Array, "d d"], x: Float[Array, "d"]) -> Scalar:
    """xᵀ C^-1 x; d³/3 multiplications."""
    scale, lower = _factor(matrix)
    whitened = linear_algebra.solve_lower_triangular(lower, (x / scale)[:, None])
    return (whitened**2).sum()


def _factor(matrix: Float[Array, "d d"]) -> tuple[Float[Array, "d"], Float[Array, "d d"]]:
    """S and L."""
    variances = jnp.diagonal(matrix)
    null = variances <= 0
    scale = jnp.sqrt(jnp.where(null, 1, variances))
    rounding = ROUNDING * len(scale) ** 0.5 * jnp.finfo(matrix.dtype).eps
    unit = matrix / scale[:, None] / scale + jnp.diag(jnp.where(null, 1, rounding).astype(matrix.dtype))
    return scale, linear_algebra.cholesky(unit)
