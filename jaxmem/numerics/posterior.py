"""Which data point a noised point came from (floor 0): the posterior over n samples, tile by tile.

For y = μ x_i + σ ξ with i uniform, the posterior weights are α_i(y) = softmax_i(−‖y − μ x_i‖²/2σ²). These
exponents are taken by inner products about the centre of the data. In float64 their rounding is about
1e-16 ‖x‖²/σ², 1e-8 for d = 100 and σ = 1e-3, where float32 would leave an error of 10; so one matrix product
per tile is accurate. Differences take over where it is not, at data a million σ from their centre.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float64, Int, Int32

from jaxmem._typing import Integer, Samples, Scalar
from jaxmem.numerics.branching import DIGITS_LOST, choose
from jaxmem.numerics.linear_algebra import product
from jaxmem.numerics.precision import as_float64

TILE = 1024
"""Data rows per step: with 256 queries a float64 tile of exponents is 2 MB and stays in the cache."""

ELEMENTS = 2**18
"""Exponents held at once, over all queries that are vectorised together."""

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
    differenced: Int32[Array, ""]

    def exponents(self, y: Float64[Array, "d"], tile: Tile) -> Float64[Array, "tile"]:
        """−‖y − μ x_i‖²/2σ² for the rows of a tile, −inf where not valid; y is about μ times the centre."""
        forms = (_by_products, _by_differences)
        found = choose(self.differenced, forms, y, tile.rows, self.mu, self.sigma)
        return jnp.where(tile.valid, found, -jnp.inf)

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
    known = jnp.where(jnp.asarray(number) > capacity, jnp.nan, number)  # a traced count of too many
    centre = jnp.where(valid[:, None], padded, 0).sum(0) / known
    rows = jnp.where(valid[:, None], padded - centre, 0)
    cut = Tile(rows.reshape(tiles, tile, dim), index.reshape(tiles, tile), valid.reshape(tiles, tile))
    mu, sigma = as_float64(mu), as_float64(sigma)
    rounding = float(jnp.finfo(jnp.float64).eps) * ((mu * rows / sigma) ** 2).sum(1).max()
    return NoisedData(cut, centre, mu, sigma, (rounding > DIGITS_LOST).astype(jnp.int32))


def _by_products(level: Array, y: Array, rows: Array, mu: Array, sigma: Array) -> Array:
    along = mu * product(rows, y) - (mu**2 * (rows**2).sum(1) + (y**2).sum()) / 2
    return along / sigma**2


def _by_differences(level: Array, y: Array, rows: Array, mu: Array, sigma: Array) -> Array:
    return -(((y - mu * rows) / sigma) ** 2).sum(1) / 2


def map_queries(function: Callable[..., Float64[Array, "..."]], data: NoisedData, *queries: Array) -> Array:
    """`function` at every query, so many at a time that a tile of exponents stays within ELEMENTS."""
    together = max(1, ELEMENTS // data.tiles.position.shape[1])
    return jax.lax.map(lambda query: function(*query), queries, batch_size=together)
