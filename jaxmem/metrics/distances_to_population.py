"""Distances of a learnt Gaussian law N(m + offset, C) to its population N(m, Σ), in the eigenbasis of Σ.

There Σ is the vector of its eigenvalues, or one number where the population is isotropic, and the distances
follow from what a form of C gives cheaply (`SpectralCovariance` from a fit, `BidiagonalCovariance` from the
short cut): an isotropic population costs nothing beyond the eigendecomposition of the fit, any other one more
for `bures` and a tridiagonalisation, a quarter of one, for each of `operator_norm` and `log_affinity`.
`gaussian_distances` takes any two Gaussians, at the price of three decompositions.

All are float64 scalars. Where Σ has null directions, in which its samples do not move either, laws that share
its support are compared there; a learnt law that leaves it has divergences ∞ and H² = 1.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float64

from jaxmem import _checks
from jaxmem._typing import Vector
from jaxmem.covariances.covariance import AbstractCovariance, Diagonal
from jaxmem.numerics.precision import with_float64


@with_float64
@_checks.real_arrays("population", "offset")
def kl_generated_population(
    covariance: AbstractCovariance, population: Diagonal, offset: Vector | None = None
) -> Float64[Array, ""]:
    """KL(learnt‖population) = ½ (Tr Σ^-1 C − d − log det Σ^-1 C + oᵀ Σ^-1 o) in nats, o the offset.

    ∞ where C is singular (n < d and no ridge).
    """
    shared = _on_support(covariance, population, offset)
    ratio = ((covariance.diagonal() + shared.null) / shared.population).sum() - covariance.dim
    means = 0.0 if offset is None else (offset**2 / shared.population).sum()
    divergence = (ratio - _log_determinant_ratio(covariance, shared) + means) / 2
    return jnp.where(shared.left, jnp.inf, divergence)


@with_float64
@_checks.real_arrays("population", "offset")
def kl_population_generated(
    covariance: AbstractCovariance, population: Diagonal, offset: Vector | None = None
) -> Float64[Array, ""]:
    """KL(population‖learnt) = ½ (Tr C^-1 Σ − d + log det Σ^-1 C + oᵀ C^-1 o) in nats.

    ∞ where C is singular.
    """
    shared = _on_support(covariance, population, offset)
    log_determinant = _log_determinant_ratio(covariance, shared)
    ratio = covariance.inverse_trace(shared.population, shared.null) - covariance.dim
    means = 0.0 if offset is None else covariance.inverse_quadratic(offset, shared.null)
    apart = shared.left | jnp.isneginf(log_determinant)
    return jnp.where(apart, jnp.inf, (ratio + log_determinant + means) / 2)


@with_float64
@_checks.real_arrays("population", "offset")
def log_affinity(
    covariance: AbstractCovariance, population: Diagonal, offset: Vector | None = None
) -> Float64[Array, ""]:
    """log ∫ √(p q) = −½ log det((C + Σ)/2) + ¼ log det C Σ − ¼ oᵀ (C + Σ)^-1 o; −∞ where C is singular."""
    shared = _on_support(covariance, population, offset)
    dim, total = covariance.dim, shared.population + shared.null
    both = covariance.log_determinant(total) - dim * jnp.log(2.0)
    apart = covariance.log_determinant(shared.null) + _log_determinant(shared.population, dim)
    means = 0.0 if offset is None else covariance.inverse_quadratic(offset, total)
    return jnp.where(shared.left, -jnp.inf, apart / 4 - both / 2 - means / 4)


@with_float64
@_checks.real_arrays("population", "offset")
def hellinger_squared(
    covariance: AbstractCovariance, population: Diagonal, offset: Vector | None = None
) -> Float64[Array, ""]:
    """H² = 1 − ∫ √(p q), in [0, 1]; its distance from 1 keeps its digits in `log_affinity`."""
    return -jnp.expm1(jnp.minimum(log_affinity(covariance, population, offset), 0))


@with_float64
@_checks.real_arrays("population", "offset")
def bures(
    covariance: AbstractCovariance, population: Diagonal, offset: Vector | None = None
) -> Float64[Array, ""]:
    """W2² / Tr Σ with W2² = |o|² + Tr C + Tr Σ − 2 Tr (Σ^{1/2} C Σ^{1/2})^{1/2}: the bulk distance."""
    population = jnp.asarray(population, jnp.float64)
    total = _over_axes(population, covariance.dim)
    means = 0.0 if offset is None else (offset**2).sum()
    squared = covariance.diagonal().sum() + total - 2 * covariance.root_trace(population)
    return (jnp.maximum(squared, 0) + means) / total


@with_float64
@_checks.real_arrays("population")
def operator_norm(covariance: AbstractCovariance, population: Diagonal) -> Float64[Array, ""]:
    """‖C − Σ‖, the largest |eigenvalue|, in squared units of the data; ridge included, as in all of these."""
    return covariance.distance_norm(jnp.asarray(population, jnp.float64))


class _Support(NamedTuple):
    """Both laws with variance 1 in the null directions of the population, which then count for nothing."""

    population: Float64[Array, "..."]
    null: Float64[Array, "..."]
    left: Bool[Array, ""]


def _on_support(covariance: AbstractCovariance, population: Diagonal, offset: Vector | None) -> _Support:
    """Σ with its null directions filled, what is to be added to C, and whether the learnt law leaves them."""
    population = jnp.asarray(population, jnp.float64)
    null = population <= 0
    moves = covariance.diagonal() > 0 if offset is None else (covariance.diagonal() > 0) | (offset != 0)
    return _Support(population + null, null.astype(jnp.float64), (null & moves).any())


def _log_determinant_ratio(covariance: AbstractCovariance, shared: _Support) -> Array:
    return covariance.log_determinant(shared.null) - _log_determinant(shared.population, covariance.dim)


def _log_determinant(population: Float64[Array, "..."], dim: int) -> Float64[Array, ""]:
    return _over_axes(jnp.log(population), dim)


def _over_axes(values: Float64[Array, "..."], dim: int) -> Float64[Array, ""]:
    """The sum over d axes of one number each, or of the same number for all."""
    return jnp.broadcast_to(values, (dim,)).sum()
