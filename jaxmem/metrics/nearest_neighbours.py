"""Nearest training samples: which generated samples are copies.

A sample counts as memorised where its distance to the nearest training sample is under 1/3 of that to the
second nearest (arXiv 2505.17638 and 2605.06077).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Float64

from jaxmem import _checks
from jaxmem._typing import Integer, RealArray, Samples
from jaxmem.numerics.posterior import Tile, map_queries, noised_data
from jaxmem.numerics.precision import as_float64, with_float64

MEMORISED_RATIO = 1 / 3


class NearestTwo(NamedTuple):
    """Distances to the nearest and the second nearest training sample, ∞ if there is only one."""

    first: Float64[Array, "generated"]
    second: Float64[Array, "generated"]


@with_float64
def nearest_two(
    generated: Float[RealArray, "generated d"], train: Samples, *, count: Integer | None = None
) -> NearestTwo:
    """Euclidean distances from each generated sample to its two nearest training samples.

    Args:
        generated: one sample a row.
        train: (n, d), or (capacity, d) with rows from `count` on ignored.
        count: how many rows of `train` are samples, traced or not; all by default.

    Distances come from inner products in float64 and are accurate to 1e-8 of the norms. Cost: 2 generated ·
    n · d flops, in tiles of 2 MB.
    """
    _checks.samples("generated", generated)
    _checks.samples("train", train, dim=generated.shape[1], count=count)
    return NearestTwo(*_nearest_two(as_float64(generated), train, count).T)


@jax.jit
def _nearest_two(
    generated: Float64[Array, "generated d"], train: Samples, count: Integer | None
) -> Float64[Array, "generated 2"]:
    data = noised_data(train, 1.0, 1.0, count)

    def nearest(point: Float64[Array, "d"]) -> Float64[Array, "2"]:
        centred = point - data.centre

        def step(best: Array, tile: Tile) -> Array:
            logits = data.logits(centred, tile)
            largest = logits.max()
            below = jnp.where(logits < largest, logits, -jnp.inf).max()
            runner_up = jnp.where((logits == largest).sum() > 1, largest, below)
            second = jnp.maximum(jnp.minimum(best[0], largest), jnp.maximum(best[1], runner_up))
            return jnp.stack([jnp.maximum(best[0], largest), second])

        best = data.fold(step, jnp.full(2, -jnp.inf))
        return jnp.sqrt(jnp.maximum((centred**2).sum() - 2 * best, 0))

    return map_queries(nearest, data, generated)


@with_float64
def memorised_fraction(
    generated: Float[RealArray, "generated d"],
    train: Samples,
    *,
    ratio: float = MEMORISED_RATIO,
    count: Integer | None = None,
) -> Float64[Array, ""]:
    """The share of generated samples with d_1 < ratio · d_2; NaN if a sample is not finite.

    A copy of a training sample that occurs twice has d_1 = d_2 = 0 and does not count: remove repeats first.
    """
    _checks.real_number("ratio", ratio, above=0.0, most=1.0)
    first, second = nearest_two(generated, train, count=count)
    share = (first < ratio * second).astype(jnp.float64).mean()
    return jnp.where(jnp.isfinite(first).all(), share, jnp.nan)
