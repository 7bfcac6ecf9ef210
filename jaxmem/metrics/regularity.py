"""TV_π^(1), the weighted total variation of the slope of a score on the line (arXiv 2502.03435, section 3).

    TV_π^(1)(s) = ∫ |s''(y)| π(y) dy,    π(y) = E_{ξ~N(0,σ²)} min{π⁺(y − ξ), π⁻(y − ξ)} for μ x_1 ≤ y ≤ μ x_n,

and π = 0 elsewhere, with U uniform on the data and

    π⁻(y) = P(μU < y)² E[y − μU | μU < y],    π⁺(y) = P(μU > y)² E[μU − y | μU > y].

A large step allows only scores of small TV_π^(1), while that of the empirical optimal score grows as σ → 0.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr
from jaxtyping import Array, Bool, Float, Float64

from jaxmem import _checks
from jaxmem._typing import Integer, RealArray, Scalar
from jaxmem.numerics.posterior import ELEMENTS
from jaxmem.numerics.precision import as_float64, with_float64

Line = Float[RealArray, "n 1"]


class _Pieces(NamedTuple):
    """min{π⁺, π⁻} = intercept + slope z on [low, high]: cut at the data and where π⁺ = π⁻."""

    low: Float64[Array, "pieces"]
    high: Float64[Array, "pieces"]
    slope: Float64[Array, "pieces"]
    intercept: Float64[Array, "pieces"]


@with_float64
@_checks.real_arrays("y", "data")
def regularity_weight(
    y: Float[RealArray, "*batch"],
    data: Line,
    mu: Scalar | float,
    sigma: Scalar | float,
    *,
    count: Integer | None = None,
) -> Float64[Array, "*batch"]:
    """π(y), in closed form: a Gaussian average of a function that is linear on 2(n − 1) pieces.

    Args:
        y: points.
        data: (n, 1), or (capacity, 1) with rows from `count` on ignored.
        mu: signal level μ.
        sigma: noise level σ > 0.
        count: how many rows of `data` are samples, traced or not; all by default.

    Cost: 8 n special functions a point.
    """
    _checks.noised_samples(data, mu, sigma, dim=1, count=count)
    return _weights(as_float64(y).reshape(-1), data, mu, sigma, count).reshape(np.shape(y))


@jax.jit
def _weights(
    points: Float64[Array, "q"], data: Line, mu: Scalar | float, sigma: Scalar | float, count: Integer | None
) -> Float64[Array, "q"]:
    pieces, first, last = _pieces(data, mu, count)

    def at(point: Float64[Array, ""]) -> Float64[Array, ""]:
        low, high = (pieces.low - point) / sigma, (pieces.high - point) / sigma
        mass = ndtr(high) - ndtr(low)
        moment = (jnp.exp(-(low**2) / 2) - jnp.exp(-(high**2) / 2)) / math.sqrt(2 * math.pi)
        value = ((pieces.intercept + pieces.slope * point) * mass + pieces.slope * sigma * moment).sum()
        return jnp.where((point >= first) & (point <= last), value, 0.0)

    return jax.lax.map(at, points, batch_size=max(1, ELEMENTS // data.shape[0]))


@with_float64
@_checks.real_arrays("kinks", "changes", "data")
def total_variation_of_kinks(
    kinks: Float[RealArray, "m"],
    changes: Float[RealArray, "m"],
    data: Line,
    mu: Scalar | float,
    sigma: Scalar | float,
    *,
    count: Integer | None = None,
) -> Float64[Array, ""]:
    """TV_π^(1) of a piecewise linear score: Σ over kinks of |change of slope| π(kink).

    Changes at the same place add up before the absolute value is taken; kinks at infinity do not count.
    """
    order = jnp.argsort(kinks)
    places, jumps = as_float64(kinks)[order], as_float64(changes)[order]
    finite = jnp.isfinite(places)
    new = jnp.concatenate([jnp.ones(1, bool), places[1:] != places[:-1]])
    group = jnp.cumsum(new) - 1
    total = jax.ops.segment_sum(jnp.where(finite, jumps, 0), group, places.size)
    weight = regularity_weight(jnp.where(finite, places, 0), data, mu, sigma, count=count)
    return (jnp.abs(total[group]) * jnp.where(new & finite, weight, 0)).sum()


@with_float64
@_checks.real_arrays("data")
def total_variation_of_curve(
    curvature: Callable[[Array], Array],
    data: Line,
    mu: Scalar | float,
    sigma: Scalar | float,
    *,
    nodes: int = 64,
    count: Integer | None = None,
) -> Float64[Array, ""]:
    """TV_π^(1) = ∫ |s''| π of a smooth score whose s'' is `curvature`, (q,) → (q,).

    Between neighbours μ x_i and μ x_{i+1} at distance g, the empirical optimal score turns within σ²/g of
    their midpoint. Each half interval gets `nodes` Gauss–Legendre nodes, spaced by a sinh of that width, so
    that σ = 1e-3 costs what σ = 1 does. What is left is the kink of |s''| where s'' changes sign.
    """
    _checks.positive_integer("nodes", nodes)
    _checks.noised_samples(data, mu, sigma, dim=1, count=count)
    places, between = _sorted_places(data, mu, count)
    low, high = places[:-1], places[1:]
    gap = jnp.where(between, high - low, 0)
    width = as_float64(sigma) ** 2 / jnp.where(gap > 0, gap, 1)
    reach = jnp.arcsinh(gap / (2 * width))
    points, weights = (as_float64(entry) for entry in np.polynomial.legendre.leggauss(nodes))
    angle = jnp.concatenate([points - 1, points + 1])[:, None] * reach / 2
    y = jnp.where(between, (low + high) / 2 + width * jnp.sinh(angle), places[0])
    measure = jnp.tile(weights, 2)[:, None] * reach / 2 * width * jnp.cosh(angle)
    values = jnp.abs(as_float64(curvature(y.reshape(-1)))).reshape(y.shape)
    weight = regularity_weight(y, data, mu, sigma, count=count)
    return jnp.where(between, values * weight * measure, 0).sum()


def _pieces(data: Line, mu: Scalar | float, count: Integer | None) -> tuple[_Pieces, Array, Array]:
    """The pieces, and the ends μ x_1 and μ x_n of the data.

    With k of n data below z and S their sum: π⁻(z) = k (k z − S)/n², π⁺(z) = (n − k)(T − (n − k) z)/n².
    """
    places, between = _sorted_places(data, mu, count)
    number = between.sum() + 1
    low, high = places[:-1], places[1:]
    below = jnp.arange(1, places.size)
    above = number - below
    sums = jnp.cumsum(places)[:-1]
    rest = jnp.where(jnp.arange(places.size) < number, places, 0).sum() - sums
    agree = jnp.clip((below * sums + above * rest) / (below**2 + above**2), low, high)
    rising, falling = below**2 / number**2, -(above**2) / number**2
    share = jnp.where(between, 1, 0)
    pieces = _Pieces(
        jnp.concatenate([low, agree]),
        jnp.concatenate([agree, high]),
        jnp.concatenate([share * rising, share * falling]),
        jnp.concatenate([-share * below * sums, share * above * rest]) / number**2,
    )
    return pieces, places[0], places[-1]


def _sorted_places(
    data: Line, mu: Scalar | float, count: Integer | None
) -> tuple[Float64[Array, "n"], Bool[Array, "n-1"]]:
    """μ x in order, padded by repeating the largest, and which neighbours lie between two samples."""
    number = data.shape[0] if count is None else count
    index = jnp.arange(data.shape[0])
    places = jnp.sort(jnp.where(index < number, as_float64(mu) * as_float64(data)[:, 0], jnp.inf))
    return jnp.where(index < number, places, places[number - 1]), index[1:] < number
