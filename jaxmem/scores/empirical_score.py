"""The empirical optimal score: that of the noised empirical measure, which denoising score matching fits.

Over all functions, the risk (1/n) Σ_i E_{Y~N(μ x_i, σ² I)} ‖s(Y) + (Y − μ x_i)/σ²‖² is least at

    s*(y) = (−y + μ Σ_i α_i(y) x_i)/σ²,    α = softmax_i(−‖y − μ x_i‖²/2σ²).

A model that reaches it memorises: run backwards, it returns the training samples. Source: arXiv 2502.03435,
section 2; arXiv 2402.18491 for its condensation.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64

from jaxmem import _checks
from jaxmem._typing import Integer, RealArray, Samples, Scalar
from jaxmem.numerics.linear_algebra import product
from jaxmem.numerics.posterior import ELEMENTS, NoisedData, Tile, map_queries, noised_data
from jaxmem.numerics.precision import as_float64, with_float64


@with_float64
@_checks.real_arrays("y", "data")
def empirical_score(
    y: Float[RealArray, "*batch d"],
    data: Samples,
    mu: Scalar | float,
    sigma: Scalar | float,
    *,
    count: Integer | None = None,
) -> Float[Array, "*batch d"]:
    """s*(y), computed in float64 and returned in the dtype of y.

    Args:
        y: points (..., d).
        data: samples (n, d), or (capacity, d) with rows from `count` on ignored.
        mu: signal level μ.
        sigma: noise level σ > 0; accurate down to σ = 1e-3 ‖x‖ and far below.
        count: how many rows of `data` are samples, traced or not; all by default.

    Cost: 4 n d flops and n exponentials a point, in tiles of 2 MB: no n × n array at any n.
    """
    _checks.noised_samples(data, mu, sigma, count=count)
    if np.ndim(y) < 1 or np.shape(y)[-1] != data.shape[1]:
        raise ValueError(f"y must have shape (..., {data.shape[1]}) as data has, got {np.shape(y)}.")
    dtype = jnp.promote_types(y.dtype, jnp.float32)
    return (
        _scores(as_float64(y).reshape(-1, data.shape[1]), data, mu, sigma, count)
        .reshape(y.shape)
        .astype(dtype)
    )


@jax.jit
def _scores(
    points: Float64[Array, "q d"],
    data: Samples,
    mu: Scalar | float,
    sigma: Scalar | float,
    count: Integer | None,
) -> Float64[Array, "q d"]:
    noised = noised_data(data, mu, sigma, count)

    def score(point: Float64[Array, "d"]) -> Float64[Array, "d"]:
        centred = point - noised.mu * noised.centre
        return (noised.mu * _posterior_mean(noised, centred) - centred) / noised.sigma**2

    return map_queries(score, noised, points)


class LineScore(NamedTuple):
    """A score on the real line with its first two derivatives."""

    score: Float64[Array, "*batch"]
    slope: Float64[Array, "*batch"]
    curvature: Float64[Array, "*batch"]


@with_float64
@_checks.real_arrays("y", "data")
def empirical_score_on_line(
    y: Float[RealArray, "*batch"],
    data: Float[RealArray, "n 1"],
    mu: Scalar | float,
    sigma: Scalar | float,
    *,
    count: Integer | None = None,
) -> LineScore:
    """s*, s*' and s*'' for d = 1, in float64.

    s*' = (−1 + (μ²/σ²) Var_α[x])/σ² and s*'' = (μ³/σ⁶) E_α[(x − E_α x)³]; n exponentials a point.
    """
    _checks.noised_samples(data, mu, sigma, dim=1, count=count)
    flat = _line_scores(as_float64(y).reshape(-1), data, mu, sigma, count)
    return LineScore(*(value.reshape(np.shape(y)) for value in flat))


@jax.jit
def _line_scores(
    points: Float64[Array, "q"],
    data: Float[RealArray, "n 1"],
    mu: Scalar | float,
    sigma: Scalar | float,
    count: Integer | None,
) -> LineScore:
    rows = as_float64(data)[:, 0]
    valid = jnp.arange(rows.size) < (rows.size if count is None else count)

    def at(point: Float64[Array, ""]) -> LineScore:
        logits = jnp.where(valid, -((point - mu * rows) ** 2) / (2 * sigma**2), -jnp.inf)
        weights = jax.nn.softmax(logits)
        offset = jnp.where(valid, mu * rows - point, 0)
        mean = product(weights, offset)
        spread = jnp.where(valid, offset - mean, 0)
        variance, skew = product(weights, spread**2), product(weights, spread**3)
        return LineScore(mean / sigma**2, (variance / sigma**2 - 1) / sigma**2, skew / sigma**6)

    return jax.lax.map(at, points, batch_size=max(1, ELEMENTS // rows.size))


def _posterior_mean(data: NoisedData, y: Float64[Array, "d"]) -> Float64[Array, "d"]:
    """Σ_i α_i x_i about the centre, by a softmax whose peak is revised tile by tile."""

    def step(carry: tuple[Array, Array, Array], tile: Tile) -> tuple[Array, Array, Array]:
        peak, total, weighted = carry
        logits = data.exponents(y, tile)
        higher = jnp.maximum(peak, logits.max())
        shrink, weights = jnp.exp(peak - higher), jnp.exp(logits - higher)
        moment = product(weights, tile.rows)
        return higher, shrink * total + weights.sum(), shrink * weighted + moment

    _, total, weighted = data.fold(step, (jnp.array(-jnp.inf), jnp.array(0.0), jnp.zeros_like(y)))
    return weighted / total
