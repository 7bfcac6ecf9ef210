"""How far the law of a linear denoiser is from the population: in closed form, or by Monte Carlo."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmem._typing import Covariance, Integer, RealArray, Reference, Vector
from jaxmem.metrics import gaussian_distances
from jaxmem.metrics.density_distances import density_distances, log_affinity_to_gaussian
from jaxmem.metrics.gaussian_distances import GaussianDistances
from jaxmem.numerics.linear_algebra import product, singular_value_decomposition
from jaxmem.populations import AbstractPopulation, Gaussian


def exact_distances(
    population: Gaussian, mean: Vector, covariance: Covariance, n: Integer
) -> dict[str, Array]:
    """Distances between the generated law and a Gaussian population, in closed form."""
    found = moment_distances(population, mean, covariance, n, (population.eigenvalues > 0).sum())
    return {
        "hellinger_squared": found.hellinger_squared,
        "log_affinity": found.log_affinity,
        "kl_generated_population": found.kl_12,
        "kl_population_generated": found.kl_21,
        "bures_squared": found.bures_squared,
    }


def moment_distances(
    population: AbstractPopulation, mean: Vector, covariance: Covariance, n: Integer, rank: Integer
) -> GaussianDistances:
    """Distances between the generated law and the Gaussian of the population's moments, of this rank."""
    ranks = (jnp.minimum(n - 1, rank), rank)
    return gaussian_distances(mean, covariance, population.mean(), population.covariance(), ranks=ranks)


class GeneratedLaw(NamedTuple):
    """N(mean, F Fᵀ)."""

    mean: Vector
    covariance: Covariance
    factor: Covariance


def sampled_distances(
    population: AbstractPopulation,
    reference: Reference,
    law: GeneratedLaw,
    generated: Float[RealArray, "generated d"],
    normals: Float[RealArray, "generated d"],
    n: Integer,
) -> dict[str, Array]:
    """The same for a population without closed forms, by Monte Carlo; Bures compares the moments.

    Up to n = d the generated law is singular: no density, divergences ∞. Above, its least singular value may
    be as small as it likes, so that densities come from the factor, and those of generated samples from the
    normals behind them: in float32 a sample does not say where in a thin direction it lies.
    """
    dim = law.mean.shape[0]
    left, values, _ = singular_value_decomposition(law.factor)
    log_volume = jnp.log(values).sum() + dim * jnp.log(2 * jnp.pi) / 2
    along = product(reference.astype(jnp.float64) - law.mean, left) / values
    found = density_distances(
        population.log_density(reference),
        -(along**2).sum(1) / 2 - log_volume,
        population.log_density(generated),
        -(normals.astype(jnp.float64) ** 2).sum(1) / 2 - log_volume,
    )
    moments = moment_distances(population, law.mean, law.covariance, n, dim)
    log_affinity = log_affinity_to_gaussian(
        population.log_density, population.mean(), population.covariance(), law.mean, law.factor, normals
    )
    singular = n - 1 < dim
    log_affinity = jnp.where(singular, -jnp.inf, log_affinity)
    return {
        "hellinger_squared": -jnp.expm1(log_affinity),
        "log_affinity": log_affinity,
        "kl_generated_population": jnp.where(singular, jnp.inf, found.kl_qp),
        "kl_population_generated": jnp.where(singular, jnp.inf, found.kl_pq),
        "bures_squared": moments.bures_squared,
    }
