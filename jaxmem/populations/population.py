"""What every population offers."""

from abc import abstractmethod

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Float32, Float64

from jaxmem._typing import Key, RealArray, Scalar


class AbstractPopulation(eqx.Module):
    """A law on R^d from which training samples are drawn.

    Its numbers may be traced: a population can be built inside jit or vmap from a strength or an exponent
    that is a sweep axis. Moments and log densities are float64 whatever the caller's settings, samples are
    float32, and a score has the dtype of its argument.
    """

    @property
    @abstractmethod
    def dim(self) -> int:
        """d, the dimension of the space."""

    @property
    def image_shape(self) -> tuple[int, int, int] | None:
        """(height, width, channels) where samples are images, flattened in this order; None where not."""
        return None

    @abstractmethod
    def sample(self, key: Key, n: int) -> Float32[Array, "{n} d"]:
        """n samples; the first rows of a larger draw with the same key are the smaller draw."""

    @abstractmethod
    def mean(self) -> Float64[Array, "d"]:
        """E x."""

    @abstractmethod
    def covariance(self) -> Float64[Array, "d d"]:
        """E (x − E x)(x − E x)ᵀ."""

    @abstractmethod
    def log_density(self, x: Float[RealArray, "*batch d"]) -> Float64[Array, "*batch"]:
        """log p(x), −inf off the support; for a singular law, the density with respect to its support."""

    @abstractmethod
    def score(self, x: Float[RealArray, "*batch d"]) -> Float[Array, "*batch d"]:
        """∇ log p(x)."""

    @abstractmethod
    def noised(self, mu: Scalar | float, sigma: Scalar | float) -> "AbstractPopulation":
        """The law of μ x + σ ξ with ξ ~ N(0, I): its score is the exact score of the noised population."""

    def denoise(
        self, y: Float[RealArray, "*batch d"], mu: Scalar | float, sigma: Scalar | float
    ) -> Float[Array, "*batch d"]:
        """E(x | y) at y = μ x + σ ξ, the best denoiser: (y + σ² ∇ log p(y))/μ by Tweedie's formula.

        In the dtype of y; where σ is far above the spread of μ x, digits are lost in the difference.
        """
        step = jnp.asarray(sigma, y.dtype) ** 2 * self.noised(mu, sigma).score(y)
        return (jnp.asarray(y) + step) / jnp.asarray(mu, y.dtype)

    def disjoint_samples(self, key: Key, n: int, sets: int = 2) -> Float32[Array, "{sets} {n} d"]:
        """`sets` data sets of n samples that share none, from one key; each has the prefix property."""
        return self.sample(key, sets * n).reshape(n, sets, self.dim).swapaxes(0, 1)
