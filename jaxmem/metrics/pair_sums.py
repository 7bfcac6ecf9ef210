"""Sums over all pairs of samples, tile by tile: n² pairs in O(n · tile) memory, every unordered pair once.

A pair enters by its exponent −½|x_k − y_l|², in units of the caller's choice. In four dimensions and fewer,
where kernels get narrow (N^(−1/d)), exponents are sums of squared differences, taken in float64. Above, they
are z_k·z_l − ½|z_k|² − ½|z_l|² of centred points z, whose rounding is about ε |z|², ε that of the type: it is
known before any pair is looked at. Where it passes `DIGITS_LOST`, float64 takes over, and where that is not
enough, differences. A distance loses its digits by another rule: where many pairs are far closer than the
points are to the centre, as copies and tight clusters are.

Sums have derivatives of any order, forwards and backwards: those of the same sums in float64 in plain loops.
"""

from collections.abc import Callable
from enum import IntEnum
from functools import partial
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Float64, Int32

from jaxmem import _checks
from jaxmem._typing import Integer, Mask, RealArray, Samples, Scalar, Vector
from jaxmem.numerics.branching import DIGITS_LOST, choose
from jaxmem.numerics.linear_algebra import product
from jaxmem.numerics.precision import with_float64

Exponents = Float[Array, "rows columns"]
Carry = TypeVar("Carry")

MOST_DIFFERENCED_DIMENSIONS = 4
"""Up to here N^(−1/d) gets below 0.1, and squared differences cost no more than a matrix product."""

CLOSE = 64.0
"""A pair is close where its squared distance is under this times ε |z|²; they err by up to √ε |z|."""

CLOSE_SHARE = 2.0**-10
"""Share of close pairs that is not accepted: a mean distance then errs by 2e-7 |z| in float32."""

PROBED = 64
"""Rows of each sample among which close pairs are counted."""


class Form(IntEnum):
    """How exponents are computed, each right wherever those before it are."""

    SINGLE = 0
    DOUBLE = 1
    DIFFERENCES = 2


class Points(NamedTuple):
    """Points z = (samples − centre)/unit, of which the first `number` rows count; the others are padding."""

    samples: Float[RealArray, "n d"]
    centre: Float64[Array, "d"]
    unit: Float64[Array, ""]
    number: Int32[Array, ""]


_Tile = tuple[Array, Array, Array]
"""Rows and offsets of one tile, and its number."""


class _Tiles(NamedTuple):
    """Points cut into tiles of equal size, of which the first `filled` hold any.

    Attributes:
        rows: z, zeros where padded.
        offsets: what a point adds to the exponent of each of its pairs, −∞ where padded; its type is that of
            the exponents.
    """

    rows: Float[Array, "tiles tile d"]
    offsets: Float[Array, "tiles tile"]
    filled: Int32[Array, ""]


def check_pair_sums(
    name: str, samples: Samples, count: Integer | None, dtype: DTypeLike, tile: int | None
) -> None:
    """Check at the door what every public function of pair sums takes."""
    _checks.samples(name, samples, count=count)
    _checks.one_of("dtype", np.dtype(dtype).name, ("float32", "float64"))
    if tile is not None:
        _checks.positive_integer("tile", tile)


def row_number(samples: Samples, count: Integer | None = None) -> Float64[Array, ""]:
    """How many rows are samples, as a number to compute with; all by default, NaN for more than there are."""
    number = jnp.asarray(samples.shape[0] if count is None else count, jnp.float64)
    return jnp.where(number > samples.shape[0], jnp.nan, number)


def valid_rows(samples: Samples, count: Scalar | Integer) -> Mask:
    """Which rows are samples: the first `count`."""
    return jnp.arange(samples.shape[0], dtype=jnp.int32) < count


def mean_of(samples: Samples, count: Scalar) -> Float64[Array, "d"]:
    """Mean of the first `count` rows, float64 whatever their type."""
    rows = jnp.where(valid_rows(samples, count)[:, None], jnp.asarray(samples, jnp.float64), 0)
    return rows.sum(0) / count


def largest_coordinate(samples: Samples, count: Scalar | Integer, centre: Vector) -> Float64[Array, ""]:
    """max |x_ki − centre_i|, a unit in which float32 neither over- nor underflows; 1 without spread."""
    centred = jnp.abs(jnp.asarray(samples, jnp.float64) - centre)
    largest = jax.lax.stop_gradient(jnp.where(valid_rows(samples, count)[:, None], centred, 0)).max()
    return jnp.where(largest > 0, largest, 1)


def points(samples: Samples, count: Scalar, *, centre: Vector, unit: Scalar | float) -> Points:
    """(samples − centre)/unit, to be subtracted in float64 before rounding."""
    return Points(
        jnp.asarray(samples),
        jnp.asarray(centre, jnp.float64),
        jnp.asarray(unit, jnp.float64),
        jnp.asarray(count, jnp.int32),
    )


def log_sum_exp_within(
    x: Points, *, dtype: DTypeLike = jnp.float32, tile: int | None = None
) -> Float64[Array, ""]:
    """log Σ_{k<l} exp(−½|x_k − x_l|²), −∞ for a single point.

    Each column of a tile keeps its own running maximum, so nothing over- or underflows.
    """

    def start(width: int, dtype: DTypeLike) -> tuple[Array, Array]:
        return jnp.full(width, -jnp.inf, dtype), jnp.zeros(width, jnp.float64)

    def add(carry: tuple[Array, Array], exponents: Exponents) -> tuple[Array, Array]:
        highest, total = carry
        raised = jnp.maximum(highest, jax.lax.stop_gradient(exponents).max(0))
        shift = jnp.where(jnp.isneginf(raised), 0, raised)
        rescaled = total * jnp.exp((highest - shift).astype(jnp.float64))
        return raised, rescaled + jnp.exp(exponents - shift).sum(0).astype(jnp.float64)

    def finish(carry: tuple[Array, Array]) -> Array:
        highest, total = carry[0].astype(jnp.float64), carry[1]
        top = jnp.where(jnp.isneginf(highest.max()), 0, highest.max())
        scaled = (jnp.exp(highest - top) * total).sum()
        none = scaled == 0
        return jnp.where(none, -jnp.inf, top + jnp.log(jnp.where(none, 1, scaled)))

    return _over_pairs(start, add, finish, (x,), dtype, tile)


def sum_within(
    function: Callable[[Exponents], Exponents],
    x: Points,
    *,
    dtype: DTypeLike = jnp.float32,
    tile: int | None = None,
    of_distance: bool = False,
) -> Float64[Array, ""]:
    """Σ_{k<l} f(−½|x_k − x_l|²) for an elementwise f with f(−∞) = 0.

    `of_distance` says that f is as steep as the distance itself: exponents then lose their digits relative to
    themselves. Otherwise f is as steep as the exponential.
    """
    return _over_pairs(_zeros, _adding(function), jnp.sum, (x,), dtype, tile, of_distance)


def sum_between(
    function: Callable[[Exponents], Exponents],
    x: Points,
    y: Points,
    *,
    dtype: DTypeLike = jnp.float32,
    tile: int | None = None,
    of_distance: bool = False,
) -> Float64[Array, ""]:
    """Σ_{k,l} f(−½|x_k − y_l|²) for an elementwise f with f(−∞) = 0; x and y share centre and unit."""
    return _over_pairs(_zeros, _adding(function), jnp.sum, (x, y), dtype, tile, of_distance)


def _over_pairs(
    start: Callable[[int, Any], Carry],
    add: Callable[[Carry, Exponents], Carry],
    finish: Callable[[Carry], Array],
    sets: tuple[Points, ...],
    dtype: DTypeLike,
    tile: int | None,
    of_distance: bool = False,
) -> Float64[Array, ""]:
    """`finish` of a carry stepped through the tiles of all pairs within one set, or between two."""
    widths = [_tile_size(x.samples.shape[0], tile) for x in sets]
    few = sets[0].samples.shape[1] <= MOST_DIFFERENCED_DIMENSIONS

    def fold(need: Array, *arrays: Array, single: bool, differentiable: bool) -> Array:
        sets = [Points(*arrays[i : i + 4]) for i in range(0, len(arrays), 4)]
        differenced = True if few or (of_distance and differentiable) else need >= Form.DIFFERENCES
        tiles = [
            _cut(x, width, differenced, dtype if single or few else jnp.float64)
            for x, width in zip(sets, widths, strict=True)
        ]
        carry = start(widths[-1], tiles[0].offsets.dtype)
        folded = _transposable_fold if differentiable else _fold
        return finish(folded(add, carry, tiles, False if single else differenced))

    def fast(*arrays: Array) -> Array:
        need = _form_needed(arrays, of_distance=of_distance)
        wide = partial(fold, single=False, differentiable=False)
        if few or jnp.dtype(dtype) == jnp.float64:
            return wide(need, *arrays)
        return choose(need, (partial(fold, single=True, differentiable=False), wide), *arrays)

    def plain(*arrays: Array) -> Array:
        return fold(_form_needed(arrays, of_distance=of_distance), *arrays, single=False, differentiable=True)

    return _differentiable(fast, plain)(*(array for x in sets for array in x))


def _form_needed(arrays: tuple[Array, ...], *, of_distance: bool) -> Int32[Array, ""]:
    """The first `Form` whose exponents have the digits that are wanted, for the points of one or two sets."""
    arrays = jax.lax.stop_gradient(arrays)
    sets = [Points(*arrays[i : i + 4]) for i in range(0, len(arrays), 4)]
    largest = jnp.stack([_largest_square(x) for x in sets]).max()
    single, double = (largest * float(jnp.finfo(dtype).eps) for dtype in (jnp.float32, jnp.float64))
    if not of_distance:
        return (single > DIGITS_LOST).astype(jnp.int32) + (double > DIGITS_LOST)
    x, y = sets[0], sets[-1]
    a, b = (_rows(each._replace(samples=each.samples[:PROBED])) for each in (x, y))
    index = jnp.arange(PROBED)
    counted = (index[: len(a), None] < x.number) & (index[: len(b)] < y.number)
    if len(sets) == 1:
        counted &= index[: len(a), None] < index[: len(b)]
    close = ((a[:, None] - b) ** 2).sum(-1) < CLOSE * single
    return ((close & counted).sum() > CLOSE_SHARE * counted.sum()).astype(jnp.int32)


def _largest_square(x: Points) -> Float64[Array, ""]:
    """The largest |z|²; one subtraction and one product a number, 1 % of the cost of the sums."""
    squares = ((jnp.asarray(x.samples, jnp.float64) - x.centre) ** 2).sum(1)
    return jnp.where(valid_rows(x.samples, x.number), squares, 0).max() / x.unit**2


def _rows(x: Points) -> Float64[Array, "n d"]:
    """z, zeros where padded."""
    valid = valid_rows(x.samples, x.number)[:, None]
    return jnp.where(valid, (jnp.asarray(x.samples, jnp.float64) - x.centre) / x.unit, 0)


def _zeros(width: int, dtype: DTypeLike) -> Float64[Array, "columns"]:
    """Sums are kept in float64 whatever the type of the exponents is."""
    return jnp.zeros(width, jnp.float64)


def _adding(function: Callable[[Exponents], Exponents]) -> Callable[[Array, Exponents], Array]:
    """The columns of one tile are summed in its type, everything across tiles in float64."""
    return lambda total, exponents: total + function(exponents).sum(0).astype(jnp.float64)


def _fold(
    step: Callable[[Carry, Exponents], Carry], carry: Carry, sets: list[_Tiles], differenced: Array | bool
) -> Carry:
    """`carry` stepped through the tiles of all pairs k < l of one set, or of all pairs (k, l) of two.

    Exponents of other pairs and of padding are −∞.
    """
    x, y = sets[0], sets[-1]
    # in the order of the later tile: those of nothing but padding come last and are left out
    later, earlier = (jnp.asarray(index, jnp.int32) for index in np.tril_indices(x.offsets.shape[0]))

    def body(number: Array, carry: Carry) -> Carry:
        i, j = number // y.filled, number % y.filled
        if len(sets) == 1:
            i, j = earlier[number], later[number]
        pair = (x.rows[i], x.offsets[i], i), (y.rows[j], y.offsets[j], j)
        return step(carry, _exponents(*pair, differenced, ordered=len(sets) == 1))

    filled = x.filled * (x.filled + 1) // 2 if len(sets) == 1 else x.filled * y.filled
    return jax.lax.fori_loop(0, filled, body, carry)


def _transposable_fold(
    step: Callable[[Carry, Exponents], Carry], carry: Carry, sets: list[_Tiles], differenced: Array | bool
) -> Carry:
    """The same in loops over all tiles that can be transposed, also where 64-bit types are off by then.

    They keep the carry of each step and compute its tile again.
    """
    x, y = ((each.rows, each.offsets, jnp.arange(len(each.rows))) for each in (sets[0], sets[-1]))

    @jax.checkpoint
    def both(carry: Carry, a: _Tile, b: _Tile) -> Carry:
        return step(carry, _exponents(a, b, differenced, ordered=len(sets) == 1))

    def along(carry: Carry, a: _Tile) -> tuple[Carry, None]:
        return jax.lax.scan(lambda carry, b: (both(carry, a, b), None), carry, y)

    return jax.lax.scan(along, carry, x)[0]


def _exponents(x: _Tile, y: _Tile, differenced: Array | bool, *, ordered: bool) -> Exponents:
    """−½|x_k − y_l|² for two tiles; −∞ where either is padding and, if `ordered`, where k ≥ l."""
    (a, a_offsets, i), (b, b_offsets, j) = x, y
    dtype, width = a_offsets.dtype, len(a_offsets)
    if a.shape[1] <= MOST_DIFFERENCED_DIMENSIONS:
        differences = ((p[:, None] - q).astype(dtype) for p, q in zip(a.T, b.T, strict=True))
        inner = -sum(difference**2 for difference in differences) / 2
    elif isinstance(differenced, bool):
        inner = _minus_half_squares(a, b) if differenced else product(a, b.T)
    else:
        inner = jax.lax.cond(differenced, _minus_half_squares, lambda a, b: product(a, b.T), a, b)
    exponents = inner + a_offsets[:, None] + b_offsets
    if not ordered:
        return exponents
    place = jnp.arange(width, dtype=jnp.int32)
    return jnp.where((place + (i - j) * width)[:, None] < place, exponents, -jnp.inf)


def _minus_half_squares(a: Float[Array, "rows d"], b: Float[Array, "columns d"]) -> Exponents:
    return -((a[:, None] - b) ** 2).sum(-1) / 2


def _cut(x: Points, width: int, differenced: Array | bool, dtype: DTypeLike) -> _Tiles:
    """Tiles of `width` rows, the last one filled up with padding, for exponents of `dtype`."""
    rows = _rows(x)
    if rows.shape[1] > MOST_DIFFERENCED_DIMENSIONS:
        rows = rows.astype(dtype)
    squares = jnp.where(differenced, 0, (rows**2).sum(1)).astype(dtype)
    offsets = jnp.where(valid_rows(x.samples, x.number), -squares / 2, -jnp.inf)
    tiles = -(-len(rows) // width)
    extra = tiles * width - len(rows)
    # not jnp.pad, whose transpose asks for the caller's setting of 64-bit types
    rows = jnp.concatenate([rows, jnp.zeros((extra, rows.shape[1]), rows.dtype)])
    offsets = jnp.concatenate([offsets, jnp.full(extra, -jnp.inf, offsets.dtype)])
    rows, offsets = rows.reshape(tiles, width, -1), offsets.reshape(tiles, width)
    return _Tiles(rows, offsets, (x.number + width - 1) // width)


def _tile_size(rows: int, tile: int | None) -> int:
    """Rows per tile: the fastest at d = 16 and 100, on two cores with 1 MiB of cache each.

    Tiles of 128 take 0.84 of the time of 512 at 1,000 and at 4,000 rows, and tiles of 512 take 0.8 of the
    time of 128 at 10,000 rows; both beat 256 and 1024. Accelerators need larger products to be busy.
    """
    if tile is None:
        tile = 2048 if jax.default_backend() != "cpu" else 512 if rows > 5000 else 128
    tiles = -(-rows // tile)
    return rows if tiles == 1 else -(-rows // tiles // 16) * 16


def _differentiable(fast: Callable[..., Array], plain: Callable[..., Array]) -> Callable[..., Array]:
    """`fast` with the derivatives of `plain`, batched by a loop on CPUs.

    Tiles of several replicates at once leave the cache, 2 times slower. Each has its own scope of 64-bit
    types: a vmap around a caller's jit, and a derivative, trace it again, outside of the first one.
    """
    scoped = with_float64(fast)
    on_cpu = jax.default_backend() == "cpu"
    summed = jax.custom_jvp(jax.custom_batching.sequential_vmap(scoped) if on_cpu else scoped)

    @summed.defjvp
    @with_float64
    def derivative(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
        return jax.jvp(plain, primals, tangents)

    return summed
