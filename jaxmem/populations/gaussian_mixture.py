"""Gaussian mixtures."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Float64
from scipy.linalg import helmert

from jaxmem import _checks
from jaxmem._typing import Key, RealArray, Scalar
from jaxmem.numerics.linear_algebra import product
from jaxmem.numerics.precision import as_float64, with_float64
from jaxmem.numerics.randomness import stream
from jaxmem.populations.gaussian import Gaussian
from jaxmem.populations.population import AbstractPopulation


class GaussianMixture(AbstractPopulation):
    """Σ_j w_j N(m_j, Σ_j) with k components, held as one `Gaussian` whose arrays have a leading axis k.

    A sample costs k times that of its components where these have eigenvectors of their own, so that no
    d×d matrix is gathered per row, and n (k + d) numbers where they are axis-aligned.
    """

    weights: Float64[Array, "k"]
    components: Gaussian

    @_checks.real_arrays("weights")
    def __init__(self, weights: Float[RealArray, "k"], components: Gaussian):
        self.weights = as_float64(weights)
        self.components = components

    @classmethod
    @with_float64
    @_checks.real_arrays("weights")
    def of(cls, weights: Float[RealArray, "k"], components: list[Gaussian]) -> "GaussianMixture":
        """The mixture of given components of one dimension; weights sum to 1."""
        dims = {component.dim for component in components}
        if len(dims) != 1:
            raise ValueError(f"components must be Gaussians of one dimension, got {sorted(dims)}.")
        _checks.shape("weights", weights, len(components))
        _checks.finite("weights", weights)
        if not _checks.is_traced(weights) and (np.min(weights) < 0 or abs(np.sum(weights) - 1) > 1e-6):
            raise ValueError(f"weights must be at least 0 and sum to 1, got {np.asarray(weights).tolist()}.")
        return cls(weights, _stacked(components))

    @classmethod
    @with_float64
    def simplex(cls, component: Gaussian, k: int, separation: Scalar | float) -> "GaussianMixture":
        """k equal copies of `component`, its mean at the centre and theirs `separation` apart.

        They sit at the vertices of a regular simplex in the first k − 1 axes: ±separation/2 along the first
        axis for k = 2.
        """
        _checks.positive_integer("k", k)
        _checks.real_number("separation", separation, least=0.0)
        if k - 1 > component.dim:
            raise ValueError(f"k must be at most dim + 1 = {component.dim + 1} components, got {k}.")
        vertices = np.zeros((k, component.dim))
        if k > 1:
            vertices[:, : k - 1] = helmert(k).T / np.sqrt(2)
        means = component.centre + separation * jnp.asarray(vertices)
        copies = [Gaussian(mean, component.eigenvalues, component.eigenvectors) for mean in means]
        return cls(jnp.full(k, 1 / k), _stacked(copies))

    @property
    def dim(self) -> int:
        """d."""
        return self.components.dim

    def sample(self, key: Key, n: int) -> Float32[Array, "{n} d"]:
        """n rows, float32: a component each, then its Gaussian."""
        logits = jnp.log(self.weights).astype(jnp.float32)
        chosen = jax.random.categorical(stream(key, "component"), logits, shape=(n, 1)).squeeze(1)
        normal = jax.random.normal(stream(key, "population"), (n, self.dim), jnp.float32)
        if self.components.eigenvectors is None:
            means, scales = self.components.centre, jnp.sqrt(self.components.eigenvalues)
            return means.astype(jnp.float32)[chosen] + scales.astype(jnp.float32)[chosen] * normal

        def keep(rows: Array, component: tuple[Array, Gaussian]) -> tuple[Array, None]:
            index, gaussian = component
            return jnp.where((chosen == index)[:, None], gaussian.transform(normal), rows), None

        indices = jnp.arange(self.weights.size, dtype=chosen.dtype)
        return jax.lax.scan(keep, normal, (indices, self.components))[0]

    @with_float64
    def mean(self) -> Float64[Array, "d"]:
        """Σ_j w_j m_j."""
        return product(self.weights, self.components.centre)

    @with_float64
    def covariance(self) -> Float64[Array, "d d"]:
        """Σ_j w_j (Σ_j + (m_j − m)(m_j − m)ᵀ)."""
        offsets = self.components.centre - self.mean()
        within = product(self.weights, jax.vmap(Gaussian.covariance)(self.components))
        return within + product((offsets * self.weights[:, None]).T, offsets)

    @with_float64
    @_checks.real_arrays("x")
    def log_density(self, x: Float[RealArray, "*batch d"]) -> Float64[Array, "*batch"]:
        """log Σ_j w_j N(x; m_j, Σ_j); singular components must share their support."""
        return jax.nn.logsumexp(self._log_terms(as_float64(x), float(jnp.finfo(x.dtype).eps)), axis=0)

    @_checks.real_arrays("x")
    def score(self, x: Float[RealArray, "*batch d"]) -> Float[Array, "*batch d"]:
        """Σ_j r_j(x) score_j(x) with the posterior weights r_j; off every support, the prior ones."""
        log_terms = self._log_terms(jnp.asarray(x), float(jnp.finfo(x.dtype).eps))
        prior = self.weights.astype(x.dtype).reshape(-1, *[1] * (x.ndim - 1))
        posterior = jnp.where(jnp.isneginf(log_terms.max(0)), prior, jax.nn.softmax(log_terms, axis=0))
        return (posterior[..., None] * jax.vmap(Gaussian.score, (0, None))(self.components, x)).sum(0)

    @with_float64
    def noised(self, mu: Scalar | float, sigma: Scalar | float) -> "GaussianMixture":
        """The same mixture of the noised components."""
        noised = jax.vmap(Gaussian.noised, (0, None, None))(
            self.components, as_float64(mu), as_float64(sigma)
        )
        return GaussianMixture(self.weights, noised)

    def _log_terms(self, x: Float[Array, "*batch d"], rounding: float) -> Float[Array, "k *batch"]:
        """log w_j + log N(x; m_j, Σ_j), in the dtype of x."""
        log_weights = jnp.log(self.weights).astype(x.dtype).reshape(-1, *[1] * (x.ndim - 1))
        densities = jax.vmap(Gaussian.log_density_like, (0, None, None))(self.components, x, rounding)
        return log_weights + densities


def _stacked(components: list[Gaussian]) -> Gaussian:
    """One Gaussian with a leading axis; with eigenvectors throughout if any component has them."""
    if any(component.eigenvectors is not None for component in components):
        axes = [jnp.eye(each.dim) if each.eigenvectors is None else each.eigenvectors for each in components]
        components = [Gaussian(c.centre, c.eigenvalues, v) for c, v in zip(components, axes, strict=True)]
    return jax.tree.map(lambda *arrays: jnp.stack(arrays), *components)
