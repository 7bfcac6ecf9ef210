"""A data set as a population: real data, drawn without replacement."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Float64

from jaxmem import _checks
from jaxmem._typing import Key, RealArray, Samples, Scalar
from jaxmem.numerics.precision import with_float64
from jaxmem.numerics.randomness import stream
from jaxmem.populations.gaussian import Gaussian
from jaxmem.populations.gaussian_mixture import GaussianMixture
from jaxmem.populations.population import AbstractPopulation


class Empirical(AbstractPopulation):
    """The N given samples, each with weight 1/N; draws are without replacement, so subsets are disjoint."""

    rows: Float32[Array, "N d"]

    def __init__(self, samples: Samples):
        _checks.samples("samples", samples)
        self.rows = jnp.asarray(samples, jnp.float32)

    @property
    def dim(self) -> int:
        """d."""
        return self.rows.shape[1]

    @property
    def size(self) -> int:
        """N, the number of samples there are to draw."""
        return self.rows.shape[0]

    def sample(self, key: Key, n: int) -> Float32[Array, "{n} d"]:
        """The first n rows of a random permutation; n is at most N."""
        if n > self.size:
            raise ValueError(f"n must be at most the {self.size} samples of the data set, got {n}.")
        return self.rows[jax.random.permutation(stream(key, "population"), self.size)[:n]]

    @with_float64
    def mean(self) -> Float64[Array, "d"]:
        """The mean of the N samples."""
        return self.rows.astype(jnp.float64).mean(0)

    @with_float64
    def covariance(self) -> Float64[Array, "d d"]:
        """(1/N) Σ (x − x̄)(x − x̄)ᵀ, the covariance of this law."""
        centred = self.rows.astype(jnp.float64) - self.mean()
        return jnp.matmul(centred.T, centred, precision=jax.lax.Precision.HIGHEST) / self.size

    def log_density(self, x: Float[RealArray, "*batch d"]) -> Float64[Array, "*batch"]:
        """Refused: atoms have no density; take that of `noised`."""
        raise ValueError("An empirical population has no density: use noised(mu, sigma) with sigma above 0.")

    def score(self, x: Float[RealArray, "*batch d"]) -> Float[Array, "*batch d"]:
        """Refused: atoms have no score; take that of `noised`."""
        raise ValueError("An empirical population has no score: use noised(mu, sigma) with sigma above 0.")

    @with_float64
    def noised(self, mu: Scalar | float, sigma: Scalar | float) -> GaussianMixture:
        """Σ_k N(μ x_k, σ² I) / N, of which a density costs N d."""
        means = mu * self.rows.astype(jnp.float64)
        weights = np.full(self.size, 1 / self.size)
        return GaussianMixture(weights, jax.vmap(Gaussian)(means, jnp.full_like(means, sigma**2)))
