"""Nearest rows of a large data set, streamed: every query against every row, in bounded memory.

One float32 matrix product per block gives s_ij = |q_i|² + |r_j|² − 2 q_i·r_j about the centre of the rows,
off by at most δ (|q_i| + |r_j|)² with δ = (4 + 2√d) ε: rounding of an inner product grows as √d (Higham &
Mary, SIAM J. Sci. Comput. 41, 2019), that of the coordinates does not. So s_ij − δ (|q_i| + |r_j|)² lies
below the squared distance. The rows of the few least of these bounds are measured again by differences in
float64; where the squared distances wanted are at most the first bound left out, no other row can be
nearer, and the answer is exact. The other queries (repeated rows, clusters far apart) take float64 products
by the same rule, and then differences throughout.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64, Int64

from jaxmem import _checks
from jaxmem._typing import RealArray
from jaxmem.numerics.linear_algebra import product

ROWS_AT_ONCE, QUERIES_AT_ONCE, QUERIES_HELD = 2048, 1024, 8192
"""Of d = 3,072: blocks of 25 and 13 MB, and 100 MB of queries per pass over the rows."""

SPARE = 6
"""Rows measured beyond those wanted: so many may lie within rounding of the last one."""

GATHERED = 2**23
"""Numbers of float64 held at once by what is computed from differences: 64 MB."""

Tick = Callable[[int], Any]
"""Is told how many pairs of a query and a row were done."""


class NearestRows(NamedTuple):
    """Of each query, the rows nearest to it, the nearest first and the first of equals, and one cosine.

    Attributes:
        row: their numbers; -1 where there are fewer rows than were asked for.
        distance: Euclidean, to the rounding of float64; ∞ where there is no row.
        cosine: the largest |cos| between query and row about the mean of the rows, to 1e-6 or so; 0 for a
            query at the mean.
    """

    row: Int64[np.ndarray, "queries number"]
    distance: Float64[np.ndarray, "queries number"]
    cosine: Float64[np.ndarray, "queries"]


@_checks.real_arrays("queries", "rows")
def nearest_rows(
    queries: Float[RealArray, "queries d"],
    rows: Float[RealArray, "n d"],
    number: int = 2,
    *,
    excluded: Int64[np.ndarray, "queries"] | None = None,
    tick: Tick | None = None,
) -> NearestRows:
    """The `number` nearest rows of every query, exactly, whatever the sizes are.

    Args:
        queries: one a row; NumPy, on disk (`numpy.memmap`) or not.
        rows: the data set, likewise.
        number: how many neighbours.
        excluded: a row that each query is not compared with, -1 for none: its own, where queries are rows.
        tick: told of progress.

    Cost: 2 queries · n · d flops in float32. Memory: about 0.4 GB at d = 3,072, whatever the sizes are.

    Raises:
        ValueError: samples of different d, or NaN or infinity among them.
    """
    queries, rows = np.asarray(queries), np.asarray(rows)
    _checks.shape("queries", queries, None, None)
    _checks.shape("rows", rows, None, queries.shape[1])
    number = _checks.positive_integer("number", number)
    own = np.full(len(queries), -1, np.int64) if excluded is None else np.asarray(excluded, np.int64)
    centre, unit = _centre_and_unit(queries, rows)
    kept = min(number + SPARE, len(rows))
    parts = []
    for start in range(0, len(queries), QUERIES_HELD):
        held = slice(start, start + QUERIES_HELD)
        parts.append(_nearest(queries[held], rows, number, kept, own[held], centre, unit, tick))
    return NearestRows(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def _nearest(
    queries: np.ndarray,
    rows: np.ndarray,
    number: int,
    kept: int,
    own: np.ndarray,
    centre: np.ndarray,
    unit: float,
    tick: Tick | None,
) -> NearestRows:
    """Queries that fit into memory: float32 for all, then float64, then differences for what is in doubt."""
    scaled = (np.asarray(queries, np.float64) - centre) / unit
    found = np.full((len(queries), number), -1)
    distance = np.full((len(queries), number), np.inf)
    cosine = np.zeros(len(queries))
    doubtful = np.arange(len(queries))
    for dtype in (np.float32, np.float64):
        if not len(doubtful):
            break
        some = doubtful if len(doubtful) < len(queries) else slice(None)
        candidate, bound, largest = _candidates(
            scaled[some], rows, kept, own[some], centre, unit, np.dtype(dtype), tick
        )
        found[some], distance[some] = _measured(queries[some], rows, candidate, number)
        if dtype == np.float32:
            cosine = largest
        sure = (distance[some][:, -1] / unit) ** 2 <= np.maximum(bound, 0)
        doubtful = doubtful[~(sure | (kept >= len(rows)))]
        tick = None
    if len(doubtful):
        found[doubtful], distance[doubtful] = _by_differences(queries[doubtful], rows, number, own[doubtful])
    return NearestRows(found, distance, cosine)


def _candidates(
    scaled: Float64[np.ndarray, "queries d"],
    rows: np.ndarray,
    kept: int,
    own: np.ndarray,
    centre: np.ndarray,
    unit: float,
    dtype: np.dtype,
    tick: Tick | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rows of the `kept` least lower bounds, the last of these bounds, and the largest |cos|."""
    dim = scaled.shape[1]
    slack = (4 + 2 * np.sqrt(dim)) * float(np.finfo(dtype).eps)
    width, height = _block(len(rows), ROWS_AT_ONCE), _block(len(scaled), QUERIES_AT_ONCE)
    places = range(0, len(scaled), height)
    with jax.enable_x64(True):
        squares = np.concatenate([(part**2).sum(1) for part in _parts(scaled)])
        blocks = [
            (
                jax.device_put(_filled(scaled[at : at + height].astype(dtype), height)),
                jax.device_put(_filled(squares[at : at + height].astype(dtype), height)),
                jax.device_put(_filled(own[at : at + height], height)),
            )
            for at in places
        ]
        best = [
            (
                jax.device_put(np.full((height, kept), np.inf, dtype)),
                jax.device_put(np.full((height, kept), -1, np.int64)),
                jax.device_put(np.zeros(height, dtype)),
            )
            for _ in places
        ]
        for start in range(0, len(rows), width):
            block = np.asarray(rows[start : start + width])
            tile = _tile(_filled(block, width), centre, unit, len(block), dtype)
            best = [
                _step(*state, *query, *tile, start, slack) for state, query in zip(best, blocks, strict=True)
            ]
            jax.block_until_ready(best)  # else blocks that wait for their turn pile up in memory
            if tick is not None:
                tick(len(block) * len(scaled))
        bounds, numbers, cosines = (np.concatenate(each) for each in zip(*best, strict=True))
    size = len(scaled)
    return numbers[:size], bounds[:size, -1].astype(np.float64), cosines[:size].astype(np.float64)


@partial(jax.jit, static_argnums=4)
def _tile(
    rows: Float[RealArray, "rows d"],
    centre: Float64[RealArray, "d"],
    unit: float | Array,
    count: int | Array,
    dtype: np.dtype,
) -> tuple[Float[Array, "rows d"], Float[Array, "rows"]]:
    """Rows about the centre, and their squares, ∞ for padding."""
    scaled = (jnp.asarray(rows, jnp.float64) - centre) / unit
    valid = jnp.arange(rows.shape[0]) < count
    squares = jnp.where(valid, (scaled**2).sum(1), jnp.inf)
    return jnp.where(valid[:, None], scaled, 0).astype(dtype), squares.astype(dtype)


@jax.jit
def _step(
    best: Float[Array, "queries kept"],
    numbers: Int64[Array, "queries kept"],
    cosine: Float[Array, "queries"],
    query: Float[Array, "queries d"],
    query_square: Float[Array, "queries"],
    own: Int64[Array, "queries"],
    row: Float[Array, "rows d"],
    row_square: Float[Array, "rows"],
    start: int | Array,
    slack: float | Array,
) -> tuple[Array, Array, Array]:
    """Merge one block of rows; padding has an infinite square."""
    inner = product(query, row.T)
    index = jnp.arange(row.shape[0]) + start
    apart = index != own[:, None]
    sizes = jnp.sqrt(query_square)[:, None] * jnp.sqrt(row_square)
    both = query_square[:, None] + row_square
    bound = both - 2 * inner - jnp.asarray(slack, inner.dtype) * (both + 2 * sizes)
    bound = jnp.where(jnp.isfinite(row_square) & apart, bound, jnp.inf)
    least, place = jax.lax.top_k(-bound, min(best.shape[1], row.shape[0]))
    merged = jnp.concatenate([best, -least], axis=1)
    merged_numbers = jnp.concatenate([numbers, jnp.where(jnp.isinf(least), -1, index[place])], axis=1)
    order = jnp.argsort(merged, axis=1)[:, : best.shape[1]]
    sized = jnp.isfinite(row_square) & (sizes > 0) & apart
    cosines = jnp.where(sized, jnp.abs(inner) / jnp.where(sized, sizes, 1), 0).max(1)
    return (
        jnp.take_along_axis(merged, order, 1),
        jnp.take_along_axis(merged_numbers, order, 1),
        jnp.minimum(jnp.maximum(cosine, cosines), 1),
    )


def _measured(
    queries: np.ndarray, rows: np.ndarray, candidate: np.ndarray, number: int
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest of the candidates, by differences in float64."""
    distance = np.full(candidate.shape, np.inf)
    together = max(1, GATHERED // candidate[0].size // queries.shape[1])
    for at in range(0, len(queries), together):
        some = slice(at, at + together)
        near = np.asarray(rows[np.maximum(candidate[some], 0)], np.float64)
        near -= np.asarray(queries[some], np.float64)[:, None]
        distance[some] = np.sqrt(np.einsum("qkd,qkd->qk", near, near))
    distance[candidate < 0] = np.inf
    return _first(candidate, distance, number)


def _by_differences(
    queries: np.ndarray, rows: np.ndarray, number: int, own: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Every distance from its difference, a query at a time."""
    width = max(1, GATHERED // rows.shape[1])
    found, distance = [], []
    for query, excluded in zip(np.asarray(queries, np.float64), own, strict=True):
        parts = [np.asarray(rows[at : at + width], np.float64) - query for at in range(0, len(rows), width)]
        apart = np.sqrt(np.concatenate([np.einsum("nd,nd->n", part, part) for part in parts]))
        if excluded >= 0:
            apart[excluded] = np.inf
        nearest = np.argsort(apart, kind="stable")[:number]
        found.append(nearest)
        distance.append(apart[nearest])
    return np.stack(found), np.stack(distance)


def _first(candidate: np.ndarray, distance: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """The `number` nearest, of equals the first row; filled up where there are fewer."""
    order = np.lexsort((candidate, distance), axis=1)[:, :number]
    rows, near = np.take_along_axis(candidate, order, 1), np.take_along_axis(distance, order, 1)
    lacking = ((0, 0), (0, number - order.shape[1]))
    rows = np.where(np.isinf(near), -1, rows)
    return np.pad(rows, lacking, constant_values=-1), np.pad(near, lacking, constant_values=np.inf)


def _centre_and_unit(queries: np.ndarray, rows: np.ndarray) -> tuple[Float64[np.ndarray, "d"], float]:
    """Mean of the rows, and a unit in which float32 does not overflow; refuses what is not finite."""
    total, largest = np.zeros(rows.shape[1]), 0.0
    for name, samples in (("rows", rows), ("queries", queries)):
        for part in _parts(samples):
            _checks.finite(name, part)
            largest = max(largest, float(np.abs(part).max()))
            if name == "rows":
                total += part.sum(0, dtype=np.float64)
    return total / len(rows), largest or 1.0


def _parts(samples: np.ndarray) -> "list[np.ndarray]":
    return [samples[at : at + ROWS_AT_ONCE] for at in range(0, len(samples), ROWS_AT_ONCE)]


def _block(size: int, most: int) -> int:
    """The next power of two, so that few programs are compiled."""
    return min(most, 1 << max(4, (size - 1).bit_length()))


def _filled(part: np.ndarray, size: int) -> np.ndarray:
    return np.pad(part, ((0, size - len(part)), *((0, 0),) * (part.ndim - 1)))
