"""One template at a random place on a torus: the simplest law with an exact symmetry."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex128, Float, Float32, Float64

from jaxmem import _checks
from jaxmem._typing import Key, RealArray, Scalar
from jaxmem.numerics.precision import as_float64, with_float64
from jaxmem.numerics.randomness import stream
from jaxmem.populations.gaussian_field import filtered
from jaxmem.populations.population import AbstractPopulation


class ShiftedTemplate(AbstractPopulation):
    """x = m + R_u t + s ξ: the template t of h × w pixels, shifted by a uniform u on the torus, plus noise.

    Of d = h w Gaussians all correlations with t come from one Fourier transform: with y = x − m

        log p = logsumexp_u(y·R_u t/s²) − (|y|² + |t|²)/2s² − (d/2) log 2πs² − log d,
        ∇ log p = (Σ_u w_u R_u t − y)/s²,   w = softmax_u(y·R_u t/s²).

    At s = 0 the law is d atoms, without density and score. Cost: d log d an image, in float64.
    """

    template: Float64[Array, "h w"]
    noise: Float64[Array, ""]
    level: Float64[Array, ""]

    @with_float64
    def __init__(
        self, template: Float[RealArray, "h w"], noise: Scalar | float = 0.0, mean: Scalar | float = 0.0
    ):
        """Take t, s of at least 0, and m of every pixel, to which that of the template is added."""
        _checks.shape("template", template, None, None)
        _checks.finite("template", template)
        _checks.real_number("noise", noise, least=0.0)
        self.template, self.noise, self.level = as_float64(template), as_float64(noise), as_float64(mean)

    @property
    def dim(self) -> int:
        """d = h w."""
        return self.template.size

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(h, w, 1)."""
        height, width = self.template.shape
        return height, width, 1

    def sample(self, key: Key, n: int) -> Float32[Array, "{n} d"]:
        """n images, float32."""
        height, width = self.template.shape
        down, across = jnp.divmod(jax.random.randint(stream(key, "shift"), (n,), 0, self.dim), width)
        rows = (jnp.arange(height) - down[:, None]) % height
        columns = (jnp.arange(width) - across[:, None]) % width
        shown = self.template.astype(jnp.float32)[rows[:, :, None], columns[:, None, :]].reshape(n, -1)
        normal = jax.random.normal(stream(key, "population"), (n, self.dim), jnp.float32)
        return self.level.astype(jnp.float32) + shown + self.noise.astype(jnp.float32) * normal

    @with_float64
    def mean(self) -> Float64[Array, "d"]:
        """m plus the mean of the template, everywhere."""
        return jnp.full(self.dim, self.level + self.template.mean())

    @with_float64
    def covariance(self) -> Float64[Array, "d d"]:
        """Circulant: |t̂(ω)|²/d at every frequency but 0, plus s²; t̂ = Σ t e^{-iω·x}."""
        power = (jnp.abs(self._transform()) ** 2 / self.dim).at[0, 0].set(0.0)
        return filtered(jnp.eye(self.dim), power + self.noise**2)

    @with_float64
    @_checks.real_arrays("x")
    def log_density(self, x: Float[RealArray, "*batch d"]) -> Float64[Array, "*batch"]:
        """As above."""
        self._refuse_atoms("density")
        y = as_float64(x) - self.level
        variance = self.noise**2
        squares = (y**2).sum(-1) + (self.template**2).sum()
        white = squares / variance + self.dim * jnp.log(2 * jnp.pi * variance)
        return jax.nn.logsumexp(self._logits(y), (-2, -1)) - white / 2 - jnp.log(self.dim)

    @with_float64
    @_checks.real_arrays("x")
    def score(self, x: Float[RealArray, "*batch d"]) -> Float[Array, "*batch d"]:
        """As above, in the dtype of x."""
        self._refuse_atoms("score")
        y = as_float64(x) - self.level
        weights = jax.nn.softmax(self._logits(y), (-2, -1))
        expected = jnp.fft.ifft2(jnp.fft.fft2(weights) * self._transform()).real.reshape(y.shape)
        return ((expected - y) / self.noise**2).astype(x.dtype)

    @with_float64
    def noised(self, mu: Scalar | float, sigma: Scalar | float) -> "ShiftedTemplate":
        """Template μ t and noise √(μ² s² + σ²)."""
        signal, noise = as_float64(mu), as_float64(sigma)
        spread = jnp.sqrt((signal * self.noise) ** 2 + noise**2)
        return ShiftedTemplate(signal * self.template, spread, signal * self.level)

    def _transform(self) -> Complex128[Array, "h w"]:
        return jnp.fft.fft2(self.template)

    def _logits(self, y: Float64[Array, "*batch d"]) -> Float64[Array, "*batch h w"]:
        """y·R_u t/s² at every shift u."""
        images = y.reshape(*y.shape[:-1], *self.template.shape)
        correlations = jnp.fft.ifft2(jnp.fft.fft2(images) * jnp.conj(self._transform())).real
        return correlations / self.noise**2

    def _refuse_atoms(self, what: str) -> None:
        if not _checks.is_traced(self.noise) and float(self.noise) == 0:
            raise ValueError(f"A shifted template without noise has no {what}: use noised(mu, sigma).")


def corner(height: int, width: int) -> np.ndarray:
    """A template of unit length that looks like an L: no shift, turn or reflection of it is itself."""
    image = np.zeros((height, width))
    top, bottom, left, right = height // 4, height - height // 4 - 1, width // 4, width // 2
    image[top : bottom + 1, left] = 1
    image[bottom, left : right + 1] = 1
    return image / np.linalg.norm(image)
