"""Images of a known regularity: two smooth grounds and a smooth contour between them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Float64

from jaxmem import _checks
from jaxmem._typing import Key, RealArray, Scalar
from jaxmem.numerics.precision import as_float64, with_float64
from jaxmem.numerics.randomness import stream
from jaxmem.populations.gaussian_field import filtered, wave_numbers
from jaxmem.populations.population import AbstractPopulation

CONTRAST = 0.8
"""Share of the standard deviation that is the step across the contour; the rest are the grounds."""

ROUGHNESS = 1 / 10
"""Standard deviation of a contour about its mean height, in heights of the image."""

HARMONICS = 1_000
"""Odd harmonics of the step's autocorrelation: it is right to 1/HARMONICS at worst."""


class ContourImages(AbstractPopulation):
    """C^α images on a torus of h × w pixels: x = m + √v (κ e(p) + √(1 − κ²) b_{e(p)}(p)).

    e = ±1 says on which side of a contour a pixel lies: within half a height below o + g(column), or not,
    with o uniform and g a Gaussian path; b₊ and b₋ are independent Gaussian grounds of variance 1. Their
    amplitudes fall as |k|^-(α+½) for g and as |ω|^-(α+1) for b, k and ω in cycles per image and without
    the constant, by which paths on the line and in the plane have the regularity C^β for every β < α. The
    best PSNR of a denoiser falls on such images with a slope of α/(α + 1) (arXiv 2310.02557).

    Mean and covariance are exact. With P_same(Δ) the probability that two pixels are on one side, a triangle
    wave in the difference of heights averaged over a Gaussian of variance V = E(g(u) − g(u'))²,

        P_same = ½ + (4/π²) Σ_{k odd} cos(2πkΔ_y/h) e^{−2π²k²V/h²}/k²,
        Cov = v [κ² (2 P_same − 1) + (1 − κ²) C(Δ) P_same],   C the grounds' autocorrelation.

    There is no closed form of the density or the score.
    """

    regularity: Float64[Array, ""]
    variance: Float64[Array, ""]
    level: Float64[Array, ""]
    size: tuple[int, int] = eqx.field(static=True)

    def __init__(
        self,
        height: int,
        width: int,
        regularity: Scalar | float,
        *,
        variance: Scalar | float = 1.0,
        mean: Scalar | float = 0.0,
    ):
        """Take the image's sides in pixels, α above 0, the variance v of a pixel and its mean m."""
        _checks.real_number("regularity", regularity, above=0.0)
        _checks.real_number("variance", variance, above=0.0)
        self.size = (
            _checks.positive_integer("height", height, least=2),
            _checks.positive_integer("width", width, least=2),
        )
        self.regularity, self.variance = as_float64(regularity), as_float64(variance)
        self.level = as_float64(mean)

    @property
    def dim(self) -> int:
        """d = h w."""
        return self.size[0] * self.size[1]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(h, w, 1)."""
        return (*self.size, 1)

    def sample(self, key: Key, n: int) -> Float32[Array, "{n} d"]:
        """n images, float32."""
        height, width = self.size
        normal = jax.random.normal(stream(key, "population"), (n, 2, self.dim), jnp.float32)
        grounds = filtered(normal, jnp.sqrt(self._ground()).astype(jnp.float32)).reshape(n, 2, height, width)
        path = jax.random.normal(stream(key, "contour"), (n, width), jnp.float32)
        gain = jnp.sqrt(self._contour()).astype(jnp.float32)
        path = jnp.fft.ifft(jnp.fft.fft(path) * gain).real
        offset = height * jax.random.uniform(stream(key, "offset"), (n, 1), jnp.float32)
        above = (jnp.arange(height)[:, None] - (offset + path)[:, None, :]) % height < height / 2
        ground = jnp.where(above, grounds[:, 0], grounds[:, 1])
        shown = CONTRAST * jnp.where(above, 1.0, -1.0) + (1 - CONTRAST**2) ** 0.5 * ground
        scale = jnp.sqrt(self.variance).astype(jnp.float32)
        return self.level.astype(jnp.float32) + scale * shown.reshape(n, self.dim)

    @with_float64
    def mean(self) -> Float64[Array, "d"]:
        """m everywhere."""
        return jnp.full(self.dim, self.level)

    @with_float64
    def covariance(self) -> Float64[Array, "d d"]:
        """As above: circulant."""
        height = self.size[0]
        path = jnp.fft.ifft(self._contour()).real
        spread = 2 * (path[0] - path)  # V, by the distance of columns
        odd = 2 * jnp.arange(HARMONICS) + 1.0
        damping = jnp.exp(-2 * (jnp.pi * odd / height) ** 2 * spread[:, None]) / odd**2
        waves = jnp.cos(2 * jnp.pi * odd * jnp.arange(height)[:, None] / height)
        same = 0.5 + 4 / jnp.pi**2 * jnp.matmul(waves, damping.T, precision=jax.lax.Precision.HIGHEST)
        apart = jnp.abs(jnp.arange(height) - height * jnp.round(jnp.arange(height) / height))
        same = same.at[:, 0].set(1 - 2 * apart / height)  # in one column, where the series is slowest
        ground = jnp.fft.ifft2(self._ground()).real
        kernel = CONTRAST**2 * (2 * same - 1) + (1 - CONTRAST**2) * ground * same
        return filtered(jnp.eye(self.dim), self.variance * jnp.fft.fft2(kernel).real)

    def log_density(self, x: Float[RealArray, "*batch d"]) -> Float64[Array, "*batch"]:
        """Refused."""
        raise ValueError("Images of contours have no density in closed form.")

    def score(self, x: Float[RealArray, "*batch d"]) -> Float[Array, "*batch d"]:
        """Refused."""
        raise ValueError("Images of contours have no score in closed form.")

    def noised(self, mu: Scalar | float, sigma: Scalar | float) -> AbstractPopulation:
        """Refused."""
        raise ValueError("Images of contours have no noised law in closed form, and so no exact score.")

    @with_float64
    def _ground(self) -> Float64[Array, "h w"]:
        """The spectrum of a ground, of mean 1 over the frequencies: variance 1."""
        spectrum = _decaying(wave_numbers(*self.size), 2 * self.regularity + 2)
        return spectrum / spectrum.mean()

    @with_float64
    def _contour(self) -> Float64[Array, "w"]:
        """The spectrum of the contour, in squared pixels."""
        width = self.size[1]
        spectrum = _decaying(np.abs(np.fft.fftfreq(width) * width), 2 * self.regularity + 1)
        return (ROUGHNESS * self.size[0]) ** 2 * spectrum / spectrum.mean()


def _decaying(frequency: np.ndarray, exponent: Scalar) -> Float64[Array, "..."]:
    """frequency^-exponent, 0 at frequency 0."""
    above = frequency > 0
    return jnp.where(above, jnp.where(above, frequency, 1.0) ** -exponent, 0.0)
