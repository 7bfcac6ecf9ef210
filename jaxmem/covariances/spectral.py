"""A covariance by its leading eigenpairs: what a fit gives."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxmem import _checks
from jaxmem._typing import Covariance, Scalar, Vector
from jaxmem.covariances import graded
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
    eigendecomposition, `distance_norm` a Householder tridiagonalisation, a quarter of that, and other methods
    a Cholesky factor. Which values are 0 says the rank of C: small ones are not.
    """

    values: Float[Array, "k"]
    vectors: Float[Array, "d k"]
    rest: Float[Array, ""]

    product: Float[Array, "d d"] | None = None
    """C itself, where it is known better than its eigenpairs can say: as a product of rows (see `graded`)."""

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
        """C as a dense matrix; cost d² k where it is not at hand."""
        if self.product is not None:
            return self.product
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
        if self.product is not None:
            return jnp.diagonal(self.product)
        return self.rest + product(self.vectors**2, self.values - self.rest)

    @with_float64
    def log_determinant(self, shift: Diagonal = 0.0) -> Scalar:
        """log det(C + D), −inf where even the generic rank, that of C and one for each D_ii > 0, is not d."""
        if self._is_dense(shift):
            return jnp.where(self._is_regular(shift), graded.log_determinant(self._shifted(shift)), -jnp.inf)
        others = self.dim - self.values.size
        return jnp.log(self.values + shift).sum() + (others * jnp.log(self.rest + shift) if others else 0.0)

    @with_float64
    def inverse_trace(self, weights: Diagonal, shift: Diagonal = 0.0) -> Scalar:
        """Tr((C + D)^-1 W)."""
        if self._is_dense(shift):
            return (weights * graded.inverse_diagonal(self._shifted(shift))).sum()
        return (weights * self._inverse(shift).diagonal()).sum()

    @with_float64
    def inverse_quadratic(self, x: Vector, shift: Diagonal = 0.0) -> Scalar:
        """xᵀ (C + D)^-1 x."""
        x = jnp.asarray(x, self.values.dtype)
        if self._is_dense(shift):
            return graded.inverse_quadratic(self._shifted(shift), x)
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

    def _is_dense(self, shift: Diagonal) -> bool:
        """Whether functions of C + D come from its matrix: eigenpairs do not say them, or not as well."""
        return self.product is not None or jnp.ndim(shift) > 0

    def _shifted(self, shift: Diagonal) -> Float[Array, "d d"]:
        """C + D."""
        matrix = self.matrix()
        return matrix + jnp.diag(jnp.broadcast_to(jnp.asarray(shift, matrix.dtype), (self.dim,)))

    def _is_regular(self, shift: Diagonal) -> Bool[Array, ""]:
        """Whether the generic rank of C + D is d."""
        others = self.dim - self.values.size
        rank = (self.values > 0).sum() + jnp.where(self.rest > 0, others, 0)
        return rank + jnp.broadcast_to(jnp.asarray(shift) > 0, (self.dim,)).sum() >= self.dim

    def _inverse(self, shift: Diagonal) -> "SpectralCovariance":
        """(C + shift I)^-1, 0 in null directions, such as the `rest` of a fit without ridge at k = d."""
        return self.map(lambda value: jnp.where(value + shift > 0, 1 / (value + shift), 0))


def _tridiagonalise(matrix: Float[Array, "d d"]) -> tuple[Float[Array, "d"], Float[Array, "_"]]:
    """Diagonal and off-diagonal of Qᵀ A Q by Householder reflections; (2/3) d³ multiplications, no TPU."""
    if matrix.shape[0] == 1:
        return matrix[0], jnp.zeros(0, matrix.dtype)
    return linear_algebra.tridiagonal(matrix)
