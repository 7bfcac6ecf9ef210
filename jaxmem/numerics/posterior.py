"""Which data point a noised point came from (floor 0): the posterior over n samples, tile by tile.

For y = μ x_i + σ ξ with i uniform, the posterior weights are α_i(y) = softmax_i(−‖y − μ x_i‖²/2σ²). The
common term ‖y‖²/2σ² drops out, so the logits are l_i = (μ y·x_i − μ² ‖x_i‖²/2)/σ², taken about the centre
of the data. In float64 their rounding is about 1e-16 ‖x‖²/σ², 1e-8 for d = 100 and σ = 1e-3, where float32
would leave an error of 10; so one matrix product per tile is accurate and no differences are formed.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float64, Int

from jaxmem._typing import Integer, Samples, Scalar
from jaxmem.numerics.linear_algebra import product
from jaxmem.numerics.precision import as_float64

TILE = 1024
"""Data rows per step: with 256 queries a float64 tile of logits is 2 MB and stays in the cache."""

ELEMENTS = 2**18
"""Logits held at once, over all queries that are vectorised together."""

Carry = TypeVar("Carry")


class Tile(NamedTuple):
    """Some of the data about their centre: padded and ignored rows are zero and not valid."""

    rows: Float64[Array, "tile d"]
    position: Int[Array, "tile"]
    valid: Bool[Array, "tile"]


class NoisedData(NamedTuple):
    """The mixture (1/n) Σ_i N(μ x_i, σ² I), cut into tiles."""

    tiles: Tile
    centre: Float64[Array, "d"]
    mu: Float64[Array, ""]
    sigma: Float64[Array, ""]

    def logits(self, y: Float64[Array, "d"], tile: Tile) -> Float64[Array, "tile"]:
        """l_i for the rows of a tile, −inf where not valid; y is about μ times the centre."""
        along = product(tile.rows, y)
        logits = (self.mu * along - self.mu**2 * (tile.rows**2).sum(1) / 2) / self.sigma**2
        return jnp.where(tile.valid, logits, -jnp.inf)

    def fold(self, step: Callable[[Carry, Tile], Carry], start: Carry) -> Carry:
        """Fold `step` over the tiles."""
        return jax.lax.scan(lambda carry, tile: (step(carry, tile), None), start, self.tiles)[0]


def noised_data(
    data: Samples, mu: Scalar | float, sigma: Scalar | float, count: Integer | None = None
) -> NoisedData:
    """The first `count` rows of `data`, noised; to be called with 64-bit types on."""
    capacity, dim = data.shape
    tile = min(TILE, capacity)
    tiles = -(-capacity // tile)
    index = jnp.arange(tiles * tile)
    number = capacity if count is None else count
    valid = index < number
    padded = jnp.pad(as_float64(data), ((0, tiles * tile - capacity), (0, 0)))
    centre = jnp.where(valid[:, None], padded, 0).sum(0) / number
    rows = jnp.where(valid[:, None], padded - centre, 0)
    cut = Tile(rows.reshape(tiles, tile, dim), index.reshape(tiles, tile), valid.reshape(tiles, tile))
    return NoisedData(cut, centre, as_float64(mu), as_float64(sigma))


def map_queries(function: Callable[..., Float64[Array, "..."]], data: NoisedData, *queries: Array) -> Array:
    """`function` at every query, so many at a time that a tile of logits stays within ELEMENTS."""
    together = max(1, ELEMENTS // data.tiles.position.shape[1])
    return jax.lax.map(lambda query: function(*query), queries, batch_size=together)
