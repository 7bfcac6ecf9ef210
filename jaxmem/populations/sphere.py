"""The uniform law on a k-sphere in R^d: a curved manifold of low dimension, whose noised score is exact."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from jaxtyping import Array, Float, Float32, Float64, Int
from scipy.fft import dct

from jaxmem import _checks
from jaxmem._typing import Integer, Key, RealArray, Scalar
from jaxmem.numerics.linear_algebra import product
from jaxmem.numerics.precision import as_float64, with_float64
from jaxmem.numerics.randomness import stream
from jaxmem.populations.population import AbstractPopulation

HIGHEST = jax.lax.Precision.HIGHEST

NODES = 400
"""Of Gauss–Legendre in the polar angle: the mean cosine is right to 1e-10 up to r²/s² = 10⁵."""


class Sphere(AbstractPopulation):
    """x = r θ + s ξ: θ uniform on the unit sphere S^k of a (k + 1)-dimensional subspace, ξ ~ N(0, I_d).

    The subspace is spanned by the first k + 1 vectors of the discrete cosine transform, so that no coordinate
    of R^d stands out. With p = k + 1, y_∥ the part of y in the subspace and z = r |y_∥|/s²,

        log p(y) = −(d/2) log 2πs² − (|y|² + r²)/2s² + log E e^{z cos φ},
        ∇ log p(y) = (−y + r ⟨cos φ⟩ y_∥/|y_∥|)/s²,

    where φ has the density ∝ sin^{p−2} φ on [0, π], and ⟨⟩ weighs it by e^{z cos φ}. At s = 0 the law is
    singular. k may be traced.
    """

    size: int = eqx.field(static=True)
    intrinsic: Int[Array, ""]
    radius: Float64[Array, ""]
    noise: Float64[Array, ""]

    @classmethod
    @with_float64
    def of(cls, dim: int, intrinsic: Integer, radius: Scalar | float | None = None) -> "Sphere":
        """The k-sphere in R^dim, k = `intrinsic` from 1 to dim − 1.

        Its radius is by default √(k + 1): variance 1 in each direction of its subspace.
        """
        _checks.positive_integer("dim", dim, least=2)
        if not _checks.is_traced(intrinsic):
            _checks.positive_integer("intrinsic", int(intrinsic), most=dim - 1)
        if radius is not None:
            _checks.real_number("radius", radius, above=0.0)
        k = jnp.asarray(intrinsic, jnp.int32)
        length = jnp.sqrt(k + 1.0) if radius is None else radius
        return cls(dim, k, as_float64(length), as_float64(0.0))

    @property
    def dim(self) -> int:
        """d."""
        return self.size

    def sample(self, key: Key, n: int) -> Float32[Array, "{n} d"]:
        """n rows, float32."""
        normal = jax.random.normal(stream(key, "sphere"), (n, self.dim), jnp.float32)
        inside = jnp.where(self._inside(), normal, 0)
        along = self.radius.astype(jnp.float32) * inside / jnp.linalg.norm(inside, axis=1, keepdims=True)
        noise = jax.random.normal(stream(key, "population"), (n, self.dim), jnp.float32)
        on_sphere = jnp.matmul(along, self._basis().T.astype(jnp.float32), precision=HIGHEST)
        return on_sphere + self.noise.astype(jnp.float32) * noise

    @with_float64
    def mean(self) -> Float64[Array, "d"]:
        """0."""
        return jnp.zeros(self.dim)

    @with_float64
    def covariance(self) -> Float64[Array, "d d"]:
        """r²/(k + 1) on the subspace, and s² everywhere."""
        basis = self._basis()
        eigenvalues = jnp.where(self._inside(), self.radius**2 / (self.intrinsic + 1), 0) + self.noise**2
        return jnp.matmul(basis * eigenvalues, basis.T, precision=HIGHEST)

    @with_float64
    @_checks.real_arrays("x")
    def log_density(self, x: Float[RealArray, "*batch d"]) -> Float64[Array, "*batch"]:
        """As above; at s = 0 minus the log of the sphere's area, and −∞ off it."""
        rounding = 8 * self.dim**0.5 * float(jnp.finfo(x.dtype).eps) * self.radius
        y = as_float64(x)
        along, length = self._split(y)
        p, variance = self.intrinsic + 1.0, jnp.where(self.noise > 0, self.noise, 1.0) ** 2
        z, (log_weights, cosines) = self.radius * length / variance, self._angles()
        # |y|² + r² − 2 r |y_∥| is small beside its terms where s is: the largest exponent is taken out
        exponents = log_weights + z[..., None] * (cosines - 1)
        gap = ((y - along) ** 2).sum(-1) + (length - self.radius) ** 2
        noised = jax.nn.logsumexp(exponents, -1) - gap / (2 * variance)
        noised = noised - self.dim / 2 * jnp.log(2 * jnp.pi * variance)
        log_area = math.log(2) + p / 2 * math.log(math.pi) - gammaln(p / 2)
        log_area = log_area + self.intrinsic * jnp.log(self.radius)
        singular = jnp.where(jnp.sqrt(gap) <= rounding, -log_area, -jnp.inf)
        return jnp.where(self.noise > 0, noised, singular)

    @with_float64
    @_checks.real_arrays("x")
    def score(self, x: Float[RealArray, "*batch d"]) -> Float[Array, "*batch d"]:
        """As above, in the dtype of x; 0 at s = 0, where the density is constant along the sphere."""
        y = as_float64(x)
        along, length = self._split(y)
        variance = jnp.where(self.noise > 0, self.noise, 1.0) ** 2
        log_weights, cosines = self._angles()
        z = (self.radius * length / variance)[..., None]
        cosine = product(jax.nn.softmax(log_weights + z * (cosines - 1), -1), cosines)
        unit = along / jnp.where(length > 0, length, 1)[..., None]
        score = (self.radius * cosine[..., None] * unit - y) / variance
        return jnp.where(self.noise > 0, score, 0).astype(x.dtype)

    @with_float64
    def noised(self, mu: Scalar | float, sigma: Scalar | float) -> "Sphere":
        """Radius μ r and noise √(μ² s² + σ²)."""
        signal, noise = as_float64(mu), as_float64(sigma)
        spread = jnp.sqrt((signal * self.noise) ** 2 + noise**2)
        return Sphere(self.size, self.intrinsic, signal * self.radius, spread)

    def _inside(self) -> Array:
        """Which of the basis vectors span the subspace."""
        return jnp.arange(self.dim) <= self.intrinsic

    def _basis(self) -> Float64[Array, "d d"]:
        return as_float64(dct(np.eye(self.dim), norm="ortho", axis=1))

    def _split(self, y: Float64[Array, "*batch d"]) -> tuple[Array, Array]:
        """The part of y in the subspace, and its length."""
        basis = self._basis()
        inside = jnp.where(self._inside(), jnp.matmul(y, basis, precision=HIGHEST), 0)
        return jnp.matmul(inside, basis.T, precision=HIGHEST), jnp.linalg.norm(inside, axis=-1)

    def _angles(self) -> tuple[Float64[Array, "nodes"], Float64[Array, "nodes"]]:
        """Log weights of the density ∝ sin^{p−2} φ, which sum to 1, and cos φ."""
        nodes, weights = np.polynomial.legendre.leggauss(NODES)
        angle = np.pi / 2 * (1 + nodes)
        logs = jnp.asarray(np.log(weights)) + (self.intrinsic - 1) * jnp.asarray(np.log(np.sin(angle)))
        return jax.nn.log_softmax(logs), jnp.asarray(np.cos(angle))
