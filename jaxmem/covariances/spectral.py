"""A covariance by its leading eigenpairs: what a fit gives."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmem import _checks
from jaxmem._typing import Covariance, Scalar, Vector
from jaxmem.covariances.bidiagonal import extreme_eigenvalues
from jaxmem.covariances.covariance import AbstractCovariance, Diagonal
from jaxmem.numerics import linear_algebra
from jaxmem.numerics.linear_algebra import product
from jaxmem.numerics.precision import with_float64

HIGHEST = jax.lax.Precision.HIGHEST


class SpectralCovariance(AbstractCovariance):
    """C = rest I + Σ_j (values_j − rest) u_j u_jᵀ: k eigenpairs, leading first, and one value for all others.

    A column of `vectors` may be zero where its value is `rest`: then it stands for nothing. Against one
    number, or for f(C), nothing is decomposed again; against a full diagonal D, `root_trace` is one more
    eigendecomposition, other methods one Householder tridiagonalisation, a quarter of the time.
    """

    values: Float[Array, "k"]
    vectors: Float[Array, "d k"]
    rest: Float[Array, ""]

    @classmethod
    @with_float64
    @_checks.real_arrays("matrix")
    def from_matrix(cls, matrix: Covariance) -> "SpectralCovariance":
        """All d eigenpairs of a symmetric positive semi-definite matrix, float64."""
        values, vectors = linear_algebra.eigh(jnp.asarray(matrix, jnp.float64))
        return cls(jnp.maximum(values[::-1], 0), vectors[:, ::-1], jnp.zeros(()))

    @property
    def dim(self) -> int:
        """d."""
        return self.vectors.shape[0]

    @with_float64
    def map(self, function: Callable[[Array], Array]) -> "SpectralCovariance":
        """f(C) for a function of numbers that works elementwise."""
        return SpectralCovariance(function(self.values), self.vectors, function(self.rest))

    @with_float64
    def in_basis(self, basis: Float[Array, "d d"] | None) -> "SpectralCovariance":
        """Vᵀ C V for the orthonormal columns of V; None stands for V = I. Cost d² k."""
        if basis is None:
            return self
        rotated = product(basis.T, self.vectors).astype(self.vectors.dtype)
        return SpectralCovariance(self.values, rotated, self.rest)

    @with_float64
    def matrix(self) -> Float[Array, "d d"]:
        """C as a dense matrix; cost d² k."""
        weighted = self.vectors * (self.values - self.rest)
        outer = product(weighted, self.vectors.T)
        return outer + self.rest * jnp.eye(self.dim, dtype=outer.dtype)

    @with_float64
    def apply(self, x: Float[Array, "*batch d"]) -> Float[Array, "*batch d"]:
        """C x, in the dtype of x; cost 2 d k a row."""
        vectors = self.vectors.astype(x.dtype)
        along = product(x, vectors) * (self.values - self.rest).astype(x.dtype)
        return product(along, vectors.T) + self.rest.astype(x.dtype) * x

    @with_float64
    def trace(self) -> Scalar:
        """Tr C."""
        return self.dim * self.rest + (self.values - self.rest).sum()

    @with_float64
    def trace_product(self, other: "SpectralCovariance") -> Scalar:
        """Tr(C C') from Σ_ij α_i β_j (u_i·v_j)², α and β the values over their rests; cost k k' d."""
        above, above_other = self.values - self.rest, other.values - other.rest
        squares = product(self.vectors.T, other.vectors) ** 2
        return (
            product(product(above, squares), above_other)
            + other.rest * self.trace()
            + self.rest * above_other.sum()
        )

    @with_float64
    def diagonal(self) -> Float[Array, "d"]:
        """C_ii; cost d k."""
        return self.rest + product(self.vectors**2, self.values - self.rest)

    @with_float64
    def log_determinant(self, shift: Diagonal = 0.0) -> Scalar:
        """log det(C + D)."""
        if jnp.ndim(shift):
            return _log_determinant(self.matrix() + jnp.diag(shift))
        others = self.dim - self.values.size
        return jnp.log(self.values + shift).sum() + (others * jnp.log(self.rest + shift) if others else 0.0)

    @with_float64
    def inverse_trace(self, weights: Diagonal) -> Scalar:
        """Tr(C^-1 D)."""
        return (weights * self._inverse(0.0).diagonal()).sum()

    @with_float64
    def inverse_quadratic(self, x: Vector, shift: Diagonal = 0.0) -> Scalar:
        """xᵀ (C + D)^-1 x; for a full diagonal det(C + D + x xᵀ) / det(C + D) − 1."""
        x = jnp.asarray(x, self.values.dtype)
        if jnp.ndim(shift):
            matrix = self.matrix() + jnp.diag(shift)
            return jnp.expm1(_log_determinant(matrix + jnp.outer(x, x)) - _log_determinant(matrix))
        return product(x, self._inverse(shift).apply(x))

    @with_float64
    def root_trace(self, weights: Diagonal = 1.0) -> Scalar:
        """Tr (D^{1/2} C D^{1/2})^{1/2}; for each null direction of C off by 1e-8 of the largest term."""
        if not jnp.ndim(weights):
            return jnp.sqrt(weights) * self.map(jnp.sqrt).trace()
        roots = jnp.sqrt(jnp.asarray(weights, self.values.dtype))
        values = linear_algebra.eigvalsh(roots[:, None] * self.matrix() * roots)
        return jnp.sqrt(jnp.maximum(values, 0)).sum()

    @with_float64
    def distance_norm(self, other: Diagonal) -> Scalar:
        """‖C − D‖."""
        if jnp.ndim(other):
            least, greatest = extreme_eigenvalues(*_tridiagonalise(self.matrix() - jnp.diag(other)))
            return jnp.maximum(greatest, -least)
        others = self.dim - self.values.size
        return jnp.abs(jnp.append(self.values, self.rest if others else self.values[0]) - other).max()

    def _inverse(self, shift: Diagonal) -> "SpectralCovariance":
        """(C + shift I)^-1, 0 in null directions, such as the `rest` of a fit without ridge at k = d."""
        return self.map(lambda value: jnp.where(value + shift > 0, 1 / (value + shift), 0))


def _tridiagonalise(matrix: Float[Array, "d d"]) -> tuple[Float[Array, "d"], Float[Array, "_"]]:
    """Diagonal and off-diagonal of Qᵀ A Q by Householder reflections; (2/3) d³ multiplications, no TPU."""
    if matrix.shape[0] == 1:
        return matrix[0], jnp.zeros(0, matrix.dtype)
    return linear_algebra.tridiagonal(matrix)


def _log_determinant(matrix: Float[Array, "d d"]) -> Scalar:
    """log det A of a positive definite A, from the pivots of its tridiagonal form."""
    diagonal, off_diagonal = _tridiagonalise(matrix)

    def step(pivot: Scalar, row: tuple[Scalar, Scalar]) -> tuple[Scalar, Scalar]:
        entry, coupling = row
        return entry - coupling**2 / pivot, pivot

    last, pivots = jax.lax.scan(step, diagonal[0], (diagonal[1:], off_diagonal))
    return jnp.log(pivots).sum() + jnp.log(last)
