"""Images of patterns that are there with one sign or the other: second moments hide their latents."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Float64

from jaxmem import _checks
from jaxmem._typing import Key, RealArray, Scalar
from jaxmem.numerics.precision import as_float64, with_float64
from jaxmem.numerics.randomness import stream
from jaxmem.populations.population import AbstractPopulation

HIGHEST = jax.lax.Precision.HIGHEST


class BinaryPatterns(AbstractPopulation):
    """x = m + Σ_k a_k s_k v_k + s ξ: K orthonormal patterns v_k, fair signs s_k = ±1, noise ξ ~ N(0, I).

    A mixture of 2^K Gaussians whose sums over signs factorise, because the patterns are orthogonal:

        log p(x) = log N(x; m, s² I) + Σ_k [log cosh(a_k c_k/s²) − a_k²/2s²],   c_k = v_k·(x − m),
        ∇ log p(x) = −(x − m)/s² + Σ_k (a_k/s²) tanh(a_k c_k/s²) v_k.

    Its covariance s² I + Σ_k a_k² v_k v_kᵀ is that of a spiked Gaussian. Cost: K d an image.
    """

    centre: Float64[Array, "d"]
    amplitudes: Float64[Array, "k"]
    patterns: Float64[Array, "k d"]
    noise: Float64[Array, ""]
    image: tuple[int, int, int] | None = eqx.field(static=True)

    @with_float64
    def __init__(
        self,
        amplitudes: Float[RealArray, "k"],
        patterns: Float[RealArray, "k d"],
        noise: Scalar | float,
        mean: Scalar | Float[RealArray, "d"] | float = 0.0,
        image: tuple[int, int, int] | None = None,
    ):
        """Take a_k, the rows v_k, s above 0, m, and the image shape where they are images."""
        _checks.shape("amplitudes", amplitudes, None)
        _checks.shape("patterns", patterns, np.shape(amplitudes)[0], None)
        _checks.real_number("noise", noise, above=0.0)
        if not _checks.is_traced(patterns):
            rows = np.asarray(patterns, np.float64)
            if not np.allclose(rows @ rows.T, np.eye(len(rows)), atol=1e-5):
                raise ValueError("patterns must be orthonormal rows.")
        self.amplitudes, self.patterns = as_float64(amplitudes), as_float64(patterns)
        self.centre = jnp.broadcast_to(as_float64(mean), (self.patterns.shape[1],))
        self.noise, self.image = as_float64(noise), image

    @property
    def dim(self) -> int:
        """d."""
        return self.centre.shape[-1]

    @property
    def image_shape(self) -> tuple[int, int, int] | None:
        """(height, width, channels), None where they are no images."""
        return self.image

    def sample(self, key: Key, n: int) -> Float32[Array, "{n} d"]:
        """n rows, float32."""
        shape = (n, self.amplitudes.shape[0])
        signs = jax.random.rademacher(stream(key, "component"), shape, jnp.float32)
        weights = signs * self.amplitudes.astype(jnp.float32)
        normal = jax.random.normal(stream(key, "population"), (n, self.dim), jnp.float32)
        shown = jnp.matmul(weights, self.patterns.astype(jnp.float32), precision=HIGHEST)
        return self.centre.astype(jnp.float32) + shown + self.noise.astype(jnp.float32) * normal

    def mean(self) -> Float64[Array, "d"]:
        """m."""
        return self.centre

    @with_float64
    def covariance(self) -> Float64[Array, "d d"]:
        """s² I + Σ_k a_k² v_k v_kᵀ."""
        weighted = self.patterns * self.amplitudes[:, None]
        return self.noise**2 * jnp.eye(self.dim) + jnp.matmul(weighted.T, weighted, precision=HIGHEST)

    @with_float64
    @_checks.real_arrays("x")
    def log_density(self, x: Float[RealArray, "*batch d"]) -> Float64[Array, "*batch"]:
        """As above."""
        centred, variance = as_float64(x) - self.centre, self.noise**2
        fields = self.amplitudes * self._along(centred) / variance
        cosh = jnp.logaddexp(fields, -fields) - jnp.log(2)
        signs = (cosh - self.amplitudes**2 / (2 * variance)).sum(-1)
        white = (centred**2).sum(-1) / variance + self.dim * jnp.log(2 * jnp.pi * variance)
        return signs - white / 2

    @_checks.real_arrays("x")
    def score(self, x: Float[RealArray, "*batch d"]) -> Float[Array, "*batch d"]:
        """As above, in the dtype of x."""
        centred = jnp.asarray(x) - self.centre.astype(x.dtype)
        variance = self.noise.astype(x.dtype) ** 2
        amplitudes = self.amplitudes.astype(x.dtype)
        signs = amplitudes * jnp.tanh(amplitudes * self._along(centred) / variance)
        return (jnp.matmul(signs, self.patterns.astype(x.dtype), precision=HIGHEST) - centred) / variance

    @with_float64
    def noised(self, mu: Scalar | float, sigma: Scalar | float) -> "BinaryPatterns":
        """Amplitudes μ a and noise √(μ² s² + σ²)."""
        signal, noise = as_float64(mu), as_float64(sigma)
        spread = jnp.sqrt((signal * self.noise) ** 2 + noise**2)
        return BinaryPatterns(
            signal * self.amplitudes, self.patterns, spread, signal * self.centre, self.image
        )

    def _along(self, centred: Float[Array, "*batch d"]) -> Float[Array, "*batch k"]:
        return jnp.matmul(centred, self.patterns.T.astype(centred.dtype), precision=HIGHEST)
