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
from jaxmem.numerics.branching import DIGITS_LOST, choose
from jaxmem.numerics.posterior import NoisedData, Tile, map_queries, noised_data
from jaxmem.numerics.precision import as_float64, with_float64

MEMORISED_RATIO = 1 / 3


class NearestTwo(NamedTuple):
    """Distances to the nearest and the second nearest training sample, ∞ if there is only one."""

    first: Float64[Array, "generated"]
    second: Float64[Array, "generated"]


@with_float64
@_checks.real_arrays("generated", "train")
def nearest_two(
    generated: Float[RealArray, "generated d"], train: Samples, *, count: Integer | None = None
) -> NearestTwo:
    """Euclidean distances from each generated sample to its two nearest training samples.

    Args:
        generated: one sample a row.
        train: (n, d), or (capacity, d) with rows from `count` on ignored.
        count: how many rows of `train` are samples, traced or not; all by default.

    Distances come from inner products in float64, accurate to 1e-8 of the norms, or, where a second neighbour
    would have fewer than four digits, from differences: an outlier, or clusters far apart, change nothing.
    Cost: 2 generated · n · d flops, in tiles of 2 MB; several times that by differences.
    """
    _checks.samples("generated", generated)
    _checks.samples("train", train, dim=generated.shape[1], count=count)
    _checks.resolved(("generated", generated), ("train", train))
    return NearestTwo(*_nearest_two(as_float64(generated), train, count).T)


@jax.jit
def _nearest_two(
    generated: Float64[Array, "generated d"], train: Samples, count: Integer | None
) -> Float64[Array, "generated 2"]:
    data = noised_data(train, 1.0, 1.0, count)
    of_data = jnp.where(data.tiles.valid, (data.tiles.rows**2).sum(-1), 0).max()
    sizes = ((generated - data.centre) ** 2).sum(1) + of_data
    squares = _nearest_squares(jnp.asarray(0, jnp.int32), generated, *jax.tree.leaves(data))
    rounding = float(jnp.finfo(jnp.float64).eps) * sizes
    doubtful = (DIGITS_LOST * squares[:, 1] < rounding).any().astype(jnp.int32)

    def keep(level: Array, found: Array, *arrays: Array) -> Array:
        return found

    def again(level: Array, found: Array, *arrays: Array) -> Array:
        return _nearest_squares(level, *arrays)

    squares = choose(doubtful, (keep, again), squares, generated, *jax.tree.leaves(data))
    coincide = squares <= 0  # there the distance has no slope
    return jnp.where(coincide, 0, jnp.sqrt(jnp.where(coincide, 1, squares)))


def _nearest_squares(
    differenced: Array, generated: Float64[Array, "generated d"], *leaves: Array
) -> Float64[Array, "generated 2"]:
    """Two least squared distances of each row; the leaves are those of the data."""
    rows, position, valid, centre, mu, sigma, _ = leaves
    data = NoisedData(Tile(rows, position, valid), centre, mu, sigma, differenced)

    def nearest(point: Float64[Array, "d"]) -> Float64[Array, "2"]:
        centred = point - data.centre

        def step(best: Array, tile: Tile) -> Array:
            squares = -2 * data.exponents(centred, tile)
            least = squares.min()
            above = jnp.where(squares > least, squares, jnp.inf).min()
            runner_up = jnp.where((squares == least).sum() > 1, least, above)
            second = jnp.minimum(jnp.maximum(best[0], least), jnp.minimum(best[1], runner_up))
            return jnp.stack([jnp.minimum(best[0], least), second])

        return data.fold(step, jnp.full(2, jnp.inf))

    return map_queries(nearest, data, generated)


@with_float64
@_checks.real_arrays("generated", "train")
def memorised_fraction(
    generated: Float[RealArray, "generated d"],
    train: Samples,
    *,
    ratio: float = MEMORISED_RATIO,
    count: Integer | None = None,
) -> Float64[Array, ""]:
    """The share of generated samples with d_1 < ratio · d_2; NaN if a sample is not finite.

    Of a single training sample there is no second neighbour: it is refused, and NaN where the
    count is traced. A copy of a training sample that occurs twice has d_1 = d_2 = 0 and does not
    count: remove repeats first.
    """
    _checks.real_number("ratio", ratio, above=0.0, most=1.0)
    _checks.samples("train", train, dim=generated.shape[1], least=2, count=count)
    first, second = nearest_two(generated, train, count=count)
    share = (first < ratio * second).astype(jnp.float64).mean()
    return jnp.where(jnp.isfinite(first).all() & jnp.isfinite(second).all(), share, jnp.nan)
