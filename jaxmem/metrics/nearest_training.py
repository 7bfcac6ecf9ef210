"""Which training sample a generated one is nearest to: the picture to show beside it."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Float64, Int

from jaxmem import _checks
from jaxmem._typing import Integer, RealArray, Samples
from jaxmem.numerics.posterior import Tile, map_queries, noised_data
from jaxmem.numerics.precision import as_float64, with_float64


class NearestTraining(NamedTuple):
    """The number of the row of the nearest training sample, the first of equals, and the distance to it."""

    row: Int[Array, "generated"]
    distance: Float64[Array, "generated"]


@with_float64
@_checks.real_arrays("generated", "train")
def nearest_training(
    generated: Float[RealArray, "generated d"], train: Samples, *, count: Integer | None = None
) -> NearestTraining:
    """The nearest training sample of each generated one, by Euclidean distance.

    Args:
        generated: one sample a row.
        train: (n, d), or (capacity, d) with rows from `count` on ignored.
        count: how many rows of `train` are samples, traced or not; all by default.

    A nearest sample is told from others by inner products in float64, to 1e-8 of the norms; the distance is
    then that of the difference. Cost: 2 generated · n · d flops.
    """
    _checks.samples("generated", generated)
    _checks.samples("train", train, dim=generated.shape[1], count=count)
    row = _nearest(as_float64(generated), train, count)
    apart = as_float64(generated) - as_float64(train)[row]
    return NearestTraining(row, jnp.sqrt((apart**2).sum(1)))


@jax.jit
def _nearest(
    generated: Float64[Array, "generated d"], train: Samples, count: Integer | None
) -> Int[Array, "generated"]:
    data = noised_data(train, 1.0, 1.0, count)

    def nearest(point: Float64[Array, "d"]) -> Float64[Array, ""]:
        def step(best: Float64[Array, "2"], tile: Tile) -> Float64[Array, "2"]:
            exponents = data.exponents(point - data.centre, tile)
            largest = exponents.max()
            rows = jnp.where(exponents == largest, tile.position.astype(jnp.float64), jnp.inf)
            found = jnp.stack([largest, rows.min()])
            return jnp.where(found[0] > best[0], found, best)

        # rows are floats here: whole numbers change their type where a caller's jit batches this loop
        return data.fold(step, jnp.asarray([-jnp.inf, 0.0]))[1]

    return map_queries(nearest, data, generated).astype(jnp.int32)
