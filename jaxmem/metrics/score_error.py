"""How far a score is from its target and from another score, averaged over data and noise.

With Y = μ x_i + σ ξ, i uniform over n samples (arXiv 2502.03435):

    semi-empirical risk   R_n(s) = (1/n) Σ_i E ‖s(Y) + ξ/σ‖²,
    mean squared gap      (1/n) Σ_i E ‖s(Y) − r(Y)‖².

The gap to the empirical optimal score r = s* is the excess risk R_n(s) − R_n(s*). Over fresh samples, the gap
to the score of the noised population is the score error. Scores here map a batch (b, d) to (b, d).
"""

import math
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import scipy.special
from jaxtyping import Array, Float, Float64

from jaxmem import _checks
from jaxmem._typing import Integer, Key, Samples, Scalar
from jaxmem.numerics.linear_algebra import product
from jaxmem.numerics.precision import as_float64, with_float64
from jaxmem.numerics.randomness import stream

BatchScore = Callable[[Array], Array]

POINTS = 2**14
"""Points (sample, noise) handed to a score at once: 64 MB of activations at a width of 1,000."""

SOURCE_NOISES = 5000


class NoiseAverage(eqx.Module):
    """E over ξ ~ N(0, I) as Σ_q w_q f(ξ_q): q nodes, for each sample its own or shared by all."""

    normals: Float[Array, "q rows d"]
    weights: Float64[Array, "q"]


@with_float64
@_checks.real_arrays("data")
def monte_carlo(key: Key, data: Samples, noises: int = SOURCE_NOISES) -> NoiseAverage:
    """`noises` float32 normals for each sample; n · noises · d numbers in memory."""
    _checks.samples("data", data)
    _checks.positive_integer("noises", noises)

    def draw(index: Array) -> Array:
        return jax.random.normal(stream(key, "noise average", index), data.shape, jnp.float32)

    return NoiseAverage(jax.vmap(draw)(jnp.arange(noises)), jnp.full(noises, 1 / noises))


@with_float64
def gauss_hermite(nodes: int = 200) -> NoiseAverage:
    """The quadrature for d = 1, exact for polynomials of degree 2 nodes − 1; kinks leave ~ 1/nodes."""
    _checks.positive_integer("nodes", nodes)
    points, weights = scipy.special.roots_hermitenorm(nodes)
    return NoiseAverage(as_float64(points)[:, None, None], as_float64(weights / math.sqrt(2 * math.pi)))


@with_float64
@_checks.real_arrays("data")
def semi_empirical_risk(
    score: BatchScore,
    data: Samples,
    mu: Scalar | float,
    sigma: Scalar | float,
    average: NoiseAverage,
    *,
    count: Integer | None = None,
) -> Float64[Array, ""]:
    """R_n(s) over the first `count` rows of `data`.

    The denoising target has variance d/σ²: by Monte Carlo an excess risk far below that is better taken as
    `mean_squared_gap`, which is of the same expectation.
    """

    def residual(y: Array, normal: Array) -> Array:
        return as_float64(score(y)) + normal / sigma

    return _mean_square(residual, data, mu, sigma, average, count)


@with_float64
@_checks.real_arrays("data")
def mean_squared_gap(
    score: BatchScore,
    reference: BatchScore,
    data: Samples,
    mu: Scalar | float,
    sigma: Scalar | float,
    average: NoiseAverage,
    *,
    count: Integer | None = None,
) -> Float64[Array, ""]:
    """(1/n) Σ_i E ‖s − r‖² over the first `count` rows of `data`."""

    def gap(y: Array, normal: Array) -> Array:
        return as_float64(score(y)) - as_float64(reference(y))

    return _mean_square(gap, data, mu, sigma, average, count)


def _mean_square(
    vector: Callable[[Array, Array], Array],
    data: Samples,
    mu: Scalar | float,
    sigma: Scalar | float,
    average: NoiseAverage,
    count: Integer | None,
) -> Float64[Array, ""]:
    """(1/n) Σ_i Σ_q w_q ‖vector(y_iq, ξ_q)‖², in blocks of about POINTS points."""
    _checks.noised_samples(data, mu, sigma, count=count)
    capacity, dim = data.shape
    _checks.shape("average", average.normals, None, None, dim)
    number = capacity if count is None else count
    valid = jnp.arange(capacity) < number
    rows = jnp.where(valid[:, None], jnp.asarray(data), 0)
    nodes = len(average.weights)
    blocks = -(-nodes * capacity // POINTS)
    per_block = -(-nodes // blocks)
    index = jnp.arange(blocks * per_block).reshape(blocks, per_block)

    def block(total: Array, index: Array) -> tuple[Array, None]:
        weight = jnp.where(index < nodes, average.weights[index % nodes], 0)
        normal = average.normals[index % nodes]
        normal = jnp.broadcast_to(normal, (per_block, capacity, dim))
        y = (mu * rows + sigma * normal).astype(data.dtype)
        values = vector(y.reshape(-1, dim), normal.reshape(-1, dim).astype(jnp.float64))
        squares = (values**2).sum(-1).reshape(per_block, capacity)
        return total + product(weight, jnp.where(valid, squares, 0).sum(1)), None

    total, _ = jax.lax.scan(block, jnp.zeros(()), index)
    return total / number
