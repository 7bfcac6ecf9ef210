"""Stationary Gaussian images with spikes, whose score and denoiser are exact by Fourier transforms."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Float64

from jaxmem import _checks
from jaxmem._typing import Key, RealArray, Scalar
from jaxmem.numerics import linear_algebra
from jaxmem.numerics.precision import as_float64, with_float64
from jaxmem.numerics.randomness import stream
from jaxmem.populations.population import AbstractPopulation

HIGHEST = jax.lax.Precision.HIGHEST


class FieldSample(eqx.Module):
    """Images, and the latents z_i ~ N(0, 1) of the spikes in each."""

    rows: Float32[Array, "n d"]
    latents: Float32[Array, "n k"]


class GaussianField(AbstractPopulation):
    """x = m + F* diag(√P) F ξ + Σ_i √θ_i z_i v_i on a torus of h × w pixels, one channel.

    F is the unitary discrete Fourier transform, P(ω) = P(−ω) the variance at a frequency, ξ white noise and
    z_i ~ N(0, 1) the latents, so that Σ = F* diag(P) F + Σ_i θ_i v_i v_iᵀ. Its inverse is that of the
    stationary part, diag(1/P) in Fourier space, corrected by one k × k matrix (Woodbury). Noised, it has
    the spectrum μ² P + σ² and the strengths μ² θ; without spikes its denoiser is the Wiener filter
    μ P/(μ² P + σ²). Cost: (k + 1) transforms of d log d an image.
    """

    centre: Float64[Array, "d"]
    spectrum: Float64[Array, "h w"]
    strengths: Float64[Array, "k"]
    patterns: Float64[Array, "k d"]

    @with_float64
    def __init__(
        self,
        spectrum: Float[RealArray, "h w"],
        strengths: Float[RealArray, "k"] | None = None,
        patterns: Float[RealArray, "k d"] | None = None,
        mean: Scalar | Float[RealArray, "d"] | float = 0.0,
    ):
        """Take P on the frequencies of `numpy.fft.fft2`, all above 0; spikes θ_i ≥ 0 along the rows v_i."""
        _checks.shape("spectrum", spectrum, None, None)
        dim = int(np.prod(np.shape(spectrum)))
        self.spectrum = as_float64(spectrum)
        self.centre = jnp.broadcast_to(as_float64(mean), (dim,))
        self.strengths = as_float64([] if strengths is None else strengths)
        self.patterns = as_float64(np.zeros((0, dim)) if patterns is None else patterns)
        if self.patterns.shape != (self.strengths.shape[0], dim):
            raise ValueError(
                f"patterns must be {self.strengths.shape[0]} rows of {dim} pixels, one for each strength, "
                f"got shape {self.patterns.shape}."
            )
        if not _checks.is_traced(self.spectrum):
            _checks.real_numbers("spectrum", self.spectrum, above=0.0)
            if not np.allclose(self.spectrum, _reflected(np.asarray(self.spectrum)), rtol=1e-6):
                raise ValueError("spectrum must be the same at ω and −ω: images are real.")
        if not _checks.is_traced(self.strengths):
            _checks.real_numbers("strengths", self.strengths, least=0.0)

    @classmethod
    @with_float64
    def power_law(
        cls,
        height: int,
        width: int,
        exponent: Scalar | float,
        offset: Scalar | float = 1.0,
        *,
        variance: Scalar | float = 1.0,
        strengths: Float[RealArray, "k"] | None = None,
        patterns: Float[RealArray, "k d"] | None = None,
        mean: Scalar | float = 0.0,
    ) -> "GaussianField":
        """P(ω) ∝ 1/(c + |ω|^a), |ω| in cycles per image; a pixel has this variance, spikes multiples of it.

        Args:
            height: in pixels.
            width: in pixels.
            exponent: a.
            offset: c, above 0: where a field is smooth on scales above 1/c^(1/a) of the image.
            variance: of a pixel, without spikes.
            strengths: θ_i/variance.
            patterns: unit vectors v_i (`spike_patterns`).
            mean: of every pixel.
        """
        _checks.positive_integer("height", height)
        _checks.positive_integer("width", width)
        _checks.real_number("exponent", exponent)
        _checks.real_number("offset", offset, above=0.0)
        _checks.real_number("variance", variance, above=0.0)
        decay = 1 / (as_float64(offset) + wave_numbers(height, width) ** as_float64(exponent))
        given = as_float64(() if strengths is None else strengths)
        return cls(variance * decay / decay.mean(), variance * given, patterns, mean)

    @property
    def dim(self) -> int:
        """d = h w."""
        return self.centre.shape[-1]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(h, w, 1)."""
        height, width = self.spectrum.shape
        return height, width, 1

    def sample(self, key: Key, n: int) -> Float32[Array, "{n} d"]:
        """n images, float32."""
        return self.sample_with_latents(key, n).rows

    def sample_with_latents(self, key: Key, n: int) -> FieldSample:
        """n images, and the z_i in each."""
        normal = jax.random.normal(stream(key, "population"), (n, self.dim), jnp.float32)
        shape = (n, self.strengths.shape[0])
        latents = jax.random.normal(stream(key, "latents"), shape, jnp.float32)
        weights = latents * jnp.sqrt(self.strengths).astype(jnp.float32)
        spikes = jnp.matmul(weights, self.patterns.astype(jnp.float32), precision=HIGHEST)
        coloured = filtered(normal, jnp.sqrt(self.spectrum).astype(jnp.float32))
        return FieldSample(self.centre.astype(jnp.float32) + coloured + spikes, latents)

    def mean(self) -> Float64[Array, "d"]:
        """m."""
        return self.centre

    @with_float64
    def covariance(self) -> Float64[Array, "d d"]:
        """F* diag(P) F + Σ_i θ_i v_i v_iᵀ."""
        stationary = filtered(jnp.eye(self.dim), self.spectrum)
        spikes = jnp.matmul(self.patterns.T * self.strengths, self.patterns, precision=HIGHEST)
        return stationary + spikes

    @with_float64
    def eigenvalues(self) -> Float64[Array, "d"]:
        """Of the covariance, the largest first: P itself where there are no spikes."""
        if self.strengths.shape[0] == 0:
            return jnp.sort(self.spectrum.reshape(-1))[::-1]
        return linear_algebra.eigvalsh(self.covariance())[::-1]

    @with_float64
    @_checks.real_arrays("x")
    def log_density(self, x: Float[RealArray, "*batch d"]) -> Float64[Array, "*batch"]:
        """−½ (x − m)ᵀ Σ^-1 (x − m) − ½ log det 2πΣ."""
        centred = as_float64(x) - self.centre
        square = (centred * self._times_precision(centred)).sum(-1)
        factor = linear_algebra.cholesky(self._correction())
        determinant = jnp.log(self.spectrum).sum() + 2 * jnp.log(jnp.diagonal(factor)).sum()
        return -(square + determinant + self.dim * jnp.log(2 * jnp.pi)) / 2

    @_checks.real_arrays("x")
    def score(self, x: Float[RealArray, "*batch d"]) -> Float[Array, "*batch d"]:
        """−Σ^-1 (x − m), in the dtype of x."""
        return -self._times_precision(jnp.asarray(x) - self.centre.astype(x.dtype))

    @with_float64
    def noised(self, mu: Scalar | float, sigma: Scalar | float) -> "GaussianField":
        """Spectrum μ² P + σ², strengths μ² θ."""
        signal, noise = as_float64(mu), as_float64(sigma)
        spectrum = signal**2 * self.spectrum + noise**2
        return GaussianField(spectrum, signal**2 * self.strengths, self.patterns, signal * self.centre)

    @with_float64
    def _correction(self) -> Float64[Array, "k k"]:
        """I + S V A^-1 Vᵀ S, with A the stationary part and S = diag(√θ)."""
        scaled = jnp.sqrt(self.strengths)[:, None] * self.patterns
        inner = jnp.matmul(scaled, filtered(scaled, 1 / self.spectrum).T, precision=HIGHEST)
        return jnp.eye(self.strengths.shape[0]) + inner

    def _times_precision(self, x: Float[Array, "*batch d"]) -> Float[Array, "*batch d"]:
        """Σ^-1 x = A^-1 x − B (I + S V A^-1 Vᵀ S)^-1 Bᵀ x with B = A^-1 Vᵀ S."""
        plain = filtered(x, jnp.reciprocal(self.spectrum).astype(x.dtype))
        if self.strengths.shape[0] == 0:
            return plain
        left, right = self._low_rank()
        along = jnp.matmul(x, right.T.astype(x.dtype), precision=HIGHEST)
        return plain - jnp.matmul(along, left.astype(x.dtype), precision=HIGHEST)

    @with_float64
    def _low_rank(self) -> tuple[Float64[Array, "k d"], Float64[Array, "k d"]]:
        scaled = jnp.sqrt(self.strengths)[:, None] * self.patterns
        outer = filtered(scaled, 1 / self.spectrum)
        return linear_algebra.solve_positive(self._correction(), outer), outer


def wave_numbers(height: int, width: int) -> np.ndarray:
    """|ω| in cycles per image, in the order of `numpy.fft.fft2`."""
    down, across = np.fft.fftfreq(height) * height, np.fft.fftfreq(width) * width
    return np.hypot(down[:, None], across)


def filtered(x: Float[Array, "*batch d"], gain: Float[Array, "h w"]) -> Float[Array, "*batch d"]:
    """F* diag(gain) F x for real images as rows."""
    images = x.reshape(*x.shape[:-1], *gain.shape)
    return jnp.fft.ifft2(jnp.fft.fft2(images) * gain).real.reshape(x.shape)


def _reflected(spectrum: np.ndarray) -> np.ndarray:
    """P(−ω)."""
    return np.roll(spectrum[::-1, ::-1], 1, axis=(0, 1))
