"""Condensation of the empirical score: when one data point carries the whole posterior (arXiv 2402.18491).

A point y = μ x_1 + σ ξ made from x_1 weighs the data by α_i = e^{−‖y − μ x_i‖²/2σ²}/Z. Split Z into that of
its own point and that of all others. For n = e^{αd} samples of N(0, I) in R^d, the former dominates below the
collapse time t_C = −½ log(1 − n^{−2/d}): there the empirical score only leads back to the training samples.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float64

from jaxmem import _checks
from jaxmem._typing import Integer, Key, Samples, Scalar
from jaxmem.numerics.posterior import Tile, map_queries, noised_data
from jaxmem.numerics.precision import as_float64, with_float64
from jaxmem.numerics.randomness import stream


class Condensation(NamedTuple):
    """Per noised point.

    Attributes:
        largest_weight: max_i α_i, 1 where condensed.
        participation: Σ_i α_i², the inverse of how many points share the posterior.
        log_ratio: log Z_own − log Z_others, positive where condensed.
    """

    largest_weight: Float64[Array, "points"]
    participation: Float64[Array, "points"]
    log_ratio: Float64[Array, "points"]


@with_float64
@_checks.real_arrays("data")
def condensation(
    key: Key,
    data: Samples,
    mu: Scalar | float,
    sigma: Scalar | float,
    *,
    points: int = 200,
    count: Integer | None = None,
) -> Condensation:
    """Noise `points` of the data and look at their posteriors.

    Args:
        key: of the noise.
        data: (n, d), or (capacity, d) with rows from `count` on ignored.
        mu: signal level μ.
        sigma: noise level σ > 0.
        points: how many points are noised: the first rows of the data, each again when all are used.
        count: how many rows of `data` are samples, traced or not; all by default.

    Cost: points · n · (2 d flops and 2 exponentials), in tiles of 2 MB.
    """
    _checks.noised_samples(data, mu, sigma, count=count)
    _checks.resolved(("data", data))
    _checks.positive_integer("points", points)
    return _condensation(key, data, mu, sigma, points, count)


@partial(jax.jit, static_argnames="points")
def _condensation(
    key: Key,
    data: Samples,
    mu: Scalar | float,
    sigma: Scalar | float,
    points: int,
    count: Integer | None,
) -> Condensation:
    capacity, dim = data.shape
    noised = noised_data(data, mu, sigma, count)
    own = jnp.arange(points) % (capacity if count is None else count)
    normal = jax.random.normal(stream(key, "condensation"), (points, dim), jnp.float32).astype(jnp.float64)
    rows = as_float64(data)[own] - noised.centre

    def at(own: Array, row: Array, normal: Array) -> Float64[Array, "3"]:
        y = noised.mu * row + noised.sigma * normal

        def step(carry: tuple[Array, Array, Array], tile: Tile) -> tuple[Array, Array, Array]:
            peak, total, squares = carry
            logits = jnp.where(tile.position == own, -jnp.inf, noised.exponents(y, tile))
            higher = jnp.maximum(peak, logits.max())
            finite = jnp.where(jnp.isfinite(higher), higher, 0)  # no other point seen so far
            shrink, weights = jnp.exp(peak - finite), jnp.exp(logits - finite)
            return higher, shrink * total + weights.sum(), shrink**2 * squares + (weights**2).sum()

        none = (jnp.array(-jnp.inf), jnp.array(0.0), jnp.array(0.0))
        peak, total, squares = noised.fold(step, none)
        log_others = jnp.where(jnp.isfinite(peak), peak, 0) + jnp.log(total)
        log_own = -(normal**2).sum() / 2  # exactly: y − μ x_own = σ ξ
        log_all = jnp.logaddexp(log_own, log_others)
        own_weight, shift = jnp.exp(log_own - log_all), jnp.exp(peak - log_all)
        return jnp.stack(
            [jnp.maximum(own_weight, shift), own_weight**2 + shift**2 * squares, log_own - log_others]
        )

    return Condensation(*map_queries(at, noised, own, rows, normal).T)
