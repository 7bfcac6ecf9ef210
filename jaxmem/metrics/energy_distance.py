"""Energy distance between two samples (Székely & Rizzo, J. Stat. Plan. Inference 143, 2013)."""

from typing import Any

import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float64

from jaxmem import _checks
from jaxmem._typing import Integer, Reference, Samples
from jaxmem.metrics.discrepancy import discrepancy
from jaxmem.metrics.pair_sums import Exponents
from jaxmem.numerics.precision import with_float64

COINCIDENT = 1e-26
"""Squared distances, in units of the largest coordinate, up to which points are one point to rounding.

There the distance has no slope, and 0 is the middle of its subgradients.
"""


@with_float64
@_checks.real_arrays("x", "y")
def energy_distance(
    x: Samples,
    y: Reference,
    count: Integer | None = None,
    *,
    unbiased: bool = True,
    dtype: DTypeLike = jnp.float32,
    tile: int | None = None,
) -> Float64[Array, ""]:
    """2 E|x − y| − E|x − x'| − E|y − y'|, in the units of the data; no bandwidth to choose.

    Args:
        x: (n, d), or (capacity, d) with rows from `count` on ignored.
        y: (N, d).
        count: n, traced or not; all rows of `x` by default.
        unbiased: within a sample, the mean over pairs k ≠ l: right on average for every n, and it may be
            negative; of one sample it counts 0. Otherwise over all pairs: never negative; the square of
            `scipy.stats.energy_distance`.
        dtype: of the pair sums, float32 or float64, after centring in float64. In float32 the distance of
            two coinciding points comes out as up to 1e-3 of their distance from the centre (d > 4): where
            more than one pair in a thousand is close, float64 sums take over.
        tile: rows per tile; by default what suits the size and the device.

    Returns:
        The distance, float64; with derivatives, forwards and backwards. Coincident points do not pull.

    Cost: (n²/2 + N²/2 + n N) pairs of d multiplications and a square root; memory O((n + N) d + tile²).

    Raises:
        ValueError: NaN, samples of different d, or a count outside 1..capacity.
    """
    how: dict[str, Any] = {"unbiased": unbiased, "dtype": dtype, "tile": tile}
    return discrepancy(_minus_distance, 0.0, x, y, count, unit=1.0, of_distance=True, **how)


def _minus_distance(exponents: Exponents) -> Exponents:
    squares = jnp.where(jnp.isneginf(exponents), 0, -2 * exponents)
    coincide = squares <= COINCIDENT
    return jnp.where(coincide, 0, -jnp.sqrt(jnp.where(coincide, 1, squares)))
