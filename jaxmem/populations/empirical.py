"""A data set as a population: real data, drawn without replacement."""

import math

import equinox as eqx
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
from jaxmem.populations.train_test import DisjointSets, TrainTest, disjoint_train_sets, train_test_split


class Empirical(AbstractPopulation):
    """The N given samples, each with weight 1/N; draws are without replacement, so subsets are disjoint.

    Where they are images, `image` is their shape. Where `region` of them at a time, one after the other,
    belong together, as patches of one part of a photograph, train and held-out samples come from different
    such groups.
    """

    rows: Float32[Array, "N d"]
    image: tuple[int, int, int] | None = eqx.field(static=True)
    region: int = eqx.field(static=True)

    @_checks.real_arrays("samples")
    def __init__(self, samples: Samples, image: tuple[int, int, int] | None = None, region: int = 1):
        _checks.samples("samples", samples)
        if image is not None and math.prod(image) != np.shape(samples)[1]:
            raise ValueError(f"image must have {np.shape(samples)[1]} pixels, got the shape {image}.")
        self.rows = jnp.asarray(samples, jnp.float32)
        self.image = image
        self.region = _checks.positive_integer("region", region)

    @property
    def image_shape(self) -> tuple[int, int, int] | None:
        """(height, width, channels), None where the samples are no images."""
        return self.image

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
        _checks.positive_integer("n", n, least=0, most=self.size)
        return self.rows[jax.random.permutation(stream(key, "population"), self.size)[:n]]

    def disjoint_train_sets(self, key: Key, train: int, test: int, sets: int) -> DisjointSets:
        """`sets` train sets of `train` samples, and `test` held out: no region is in two of these."""
        return disjoint_train_sets(self.rows, key, test=test, train=train, sets=sets, region=self.region)

    def train_test(self, key: Key, train: int | None, test: int) -> TrainTest:
        """`train` samples, None for all that are left, and `test` held out: no region is in both."""
        return train_test_split(self.rows, key, test=test, train=train, region=self.region)

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
