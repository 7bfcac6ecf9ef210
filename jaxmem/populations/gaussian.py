"""Gaussian populations: isotropic, spiked, power-law and of any given covariance."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Float64

from jaxmem import _checks
from jaxmem._typing import Covariance, Key, RealArray, Scalar, Vector
from jaxmem.numerics import linear_algebra
from jaxmem.numerics.precision import as_float64, with_float64
from jaxmem.numerics.randomness import stream
from jaxmem.populations.population import AbstractPopulation

HIGHEST = jax.lax.Precision.HIGHEST


class Gaussian(AbstractPopulation):
    """N(mean, V diag(eigenvalues) Vᵀ), with V None where the eigenvectors are the axes.

    A Gaussian sample with V = I costs n d numbers, any other n d² flops more. Zero eigenvalues are allowed:
    the law then lives on the affine subspace of the others, log densities are with respect to Lebesgue
    measure there and −inf elsewhere, and the score is that along the subspace.
    """

    centre: Float64[Array, "d"]
    eigenvalues: Float64[Array, "d"]
    eigenvectors: Float64[Array, "d d"] | None

    @_checks.real_arrays("mean", "eigenvalues", "eigenvectors")
    def __init__(
        self, mean: Vector, eigenvalues: Vector, eigenvectors: Float[RealArray, "d d"] | None = None
    ):
        if not _checks.is_traced(eigenvalues):
            _checks.real_numbers("eigenvalues", eigenvalues, least=0.0)
        self.centre = as_float64(mean)
        self.eigenvalues = as_float64(eigenvalues)
        self.eigenvectors = None if eigenvectors is None else as_float64(eigenvectors)

    @classmethod
    def isotropic(
        cls, dim: int, mean: Scalar | Vector | float = 0.0, variance: Scalar | float = 1.0
    ) -> "Gaussian":
        """N(mean, variance I) in R^dim; a scalar mean is that of every coordinate."""
        return cls.spiked(dim, (), mean, variance)

    @classmethod
    @with_float64
    def spiked(
        cls,
        dim: int,
        strengths: Sequence[Scalar | float] | Float[RealArray, "k"],
        mean: Scalar | Vector | float = 0.0,
        variance: Scalar | float = 1.0,
    ) -> "Gaussian":
        """Σ = variance (I + Σ_i θ_i e_i e_iᵀ): strengths θ_i > −1 are relative to the bulk.

        The spikes lie along the first axes, without loss of generality: the bulk is invariant under
        rotations, and so is every order parameter here.
        """
        _checks.positive_integer("dim", dim)
        _checks.real_number("variance", variance, least=0.0)
        if not np.iterable(strengths) or len(strengths) > dim:
            raise ValueError(f"strengths must be a list of at most dim = {dim} numbers, got {strengths}.")
        for strength in strengths:
            _checks.real_number("strengths", strength, least=-1.0)
        spikes = as_float64(list(strengths))
        return cls(_everywhere(mean, dim), variance * jnp.ones(dim).at[: spikes.size].add(spikes))

    @classmethod
    @with_float64
    def power_law(
        cls,
        dim: int,
        exponent: Scalar | float,
        mean: Scalar | Vector | float = 0.0,
        variance: Scalar | float = 1.0,
    ) -> "Gaussian":
        """Eigenvalues variance · k^−exponent along the axes k = 1..dim."""
        _checks.positive_integer("dim", dim)
        _checks.real_number("exponent", exponent)
        _checks.real_number("variance", variance, least=0.0)
        return cls(_everywhere(mean, dim), variance * jnp.arange(1.0, dim + 1) ** -as_float64(exponent))

    @classmethod
    @with_float64
    @_checks.real_arrays("mean", "covariance")
    def from_covariance(cls, mean: Vector, covariance: Covariance) -> "Gaussian":
        """N(mean, covariance); eigenvalues under d ε times the largest (ε of the input's dtype) become 0."""
        _checks.covariance("covariance", covariance)
        _checks.shape("mean", mean, np.shape(covariance)[0])
        _checks.finite("mean", mean)
        matrix = as_float64(covariance)
        eigenvalues, eigenvectors = linear_algebra.eigh((matrix + matrix.T) / 2)
        rounding = matrix.shape[0] * float(jnp.finfo(covariance.dtype).eps) * eigenvalues[-1]
        return cls(mean, jnp.where(eigenvalues > rounding, eigenvalues, 0.0)[::-1], eigenvectors[:, ::-1])

    @property
    def dim(self) -> int:
        """d."""
        return self.centre.shape[-1]

    def sample(self, key: Key, n: int) -> Float32[Array, "{n} d"]:
        """n rows of mean + V diag(√λ) ξ, float32."""
        normal = jax.random.normal(stream(key, "population"), (n, self.dim), jnp.float32)
        return self.transform(normal)

    def transform(self, normal: Float[Array, "n d"]) -> Float[Array, "n d"]:
        """The samples mean + V diag(√λ) ξ that the standard normal rows ξ stand for, in their dtype."""
        scaled = normal * jnp.sqrt(self.eigenvalues).astype(normal.dtype)
        return self.centre.astype(normal.dtype) + self._from_axes(scaled)

    def mean(self) -> Float64[Array, "d"]:
        """The mean."""
        return self.centre

    @with_float64
    def covariance(self) -> Float64[Array, "d d"]:
        """V diag(λ) Vᵀ."""
        if self.eigenvectors is None:
            return jnp.diag(self.eigenvalues)
        return jnp.matmul(self.eigenvectors * self.eigenvalues, self.eigenvectors.T, precision=HIGHEST)

    @with_float64
    @_checks.real_arrays("x")
    def log_density(self, x: Float[RealArray, "*batch d"]) -> Float64[Array, "*batch"]:
        """−½ Σ_k (z_k²/λ_k + log 2πλ_k) over λ_k > 0, with z = Vᵀ(x − mean)."""
        return self.log_density_like(as_float64(x), float(jnp.finfo(x.dtype).eps))

    def log_density_like(self, x: Float[Array, "*batch d"], rounding: float) -> Float[Array, "*batch"]:
        """log p(x) in the dtype of x, whose entries are known to relative `rounding`.

        Off the support is a null coordinate further from 0 than that rounding explains.
        """
        centred = x - self.centre.astype(x.dtype)
        along = self._to_axes(centred)
        eigenvalues = self.eigenvalues.astype(x.dtype)
        inside = eigenvalues > 0
        safe = jnp.where(inside, eigenvalues, 1)
        terms = jnp.where(inside, along**2 / safe + jnp.log(2 * jnp.pi * safe), 0).sum(-1)
        size = jnp.abs(x).max(-1) + jnp.abs(self.centre.astype(x.dtype)).max()
        slack = 4 * self.dim**0.5 * rounding * size
        outside = (jnp.where(inside, 0, jnp.abs(along)) > slack[..., None]).any(-1)
        return jnp.where(outside, -jnp.inf, -terms / 2)

    @_checks.real_arrays("x")
    def score(self, x: Float[RealArray, "*batch d"]) -> Float[Array, "*batch d"]:
        """−Σ⁺ (x − mean), in the dtype of x."""
        eigenvalues = self.eigenvalues.astype(x.dtype)
        inside = eigenvalues > 0
        precision = jnp.where(inside, 1 / jnp.where(inside, eigenvalues, 1), 0)
        return -self._from_axes(self._to_axes(jnp.asarray(x) - self.centre.astype(x.dtype)) * precision)

    @with_float64
    def noised(self, mu: Scalar | float, sigma: Scalar | float) -> "Gaussian":
        """N(μ mean, μ² Σ + σ² I)."""
        signal, noise = as_float64(mu), as_float64(sigma)
        return Gaussian(signal * self.centre, signal**2 * self.eigenvalues + noise**2, self.eigenvectors)

    def _from_axes(self, along: Float[Array, "*batch d"]) -> Float[Array, "*batch d"]:
        if self.eigenvectors is None:
            return along
        return jnp.matmul(along, self.eigenvectors.T.astype(along.dtype), precision=HIGHEST)

    def _to_axes(self, x: Float[Array, "*batch d"]) -> Float[Array, "*batch d"]:
        if self.eigenvectors is None:
            return x
        return jnp.matmul(x, self.eigenvectors.astype(x.dtype), precision=HIGHEST)


def _everywhere(mean: Scalar | Vector | float, dim: int) -> Float64[Array, "d"]:
    """A mean of one number per coordinate, or the same for all."""
    if np.ndim(mean):
        _checks.shape("mean", mean, dim)
    _checks.finite("mean", mean)
    return jnp.broadcast_to(as_float64(mean), (dim,))
