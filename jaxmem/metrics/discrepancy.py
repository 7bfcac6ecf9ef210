"""U- and V-statistics of a kernel of distance, between two samples: what MMD² and the energy distance are."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float64

from jaxmem import _checks
from jaxmem._typing import Integer, Reference, Samples, Scalar
from jaxmem.metrics.pair_sums import (
    Exponents,
    Points,
    check_pair_sums,
    largest_coordinate,
    mean_of,
    points,
    row_number,
    sum_between,
    sum_within,
)


def discrepancy(
    function: Callable[[Exponents], Exponents],
    at_zero: float,
    x: Samples,
    y: Reference,
    count: Integer | None,
    *,
    unit: Scalar | float,
    unbiased: bool,
    dtype: DTypeLike,
    tile: int | None,
    of_distance: bool = False,
) -> Float64[Array, ""]:
    """E k(x, x') + E k(y, y') − 2 E k(x, y) for a kernel k(x, y) = f(−½|x − y|²/unit²).

    A kernel `of_distance` is proportional to |x − y|, and `unit` is not used.

    f = `function` is elementwise, 0 at −∞, `at_zero` at 0, and as steep as the distance if `of_distance`.
    Means within a sample run over its pairs k ≠ l if `unbiased` (no pairs, of one sample, count 0), else over
    all pairs. The arguments are checked here.
    """
    check_pair_sums("x", x, count, dtype, tile)
    _checks.samples("y", y, dim=x.shape[1])
    _checks.resolved(("x", x), ("y", y))
    number = row_number(x, count)
    return _discrepancy(function, at_zero, x, y, number, unit, unbiased, jnp.dtype(dtype), tile, of_distance)


@partial(jax.jit, static_argnums=(0, 1, 6, 7, 8, 9))
def _discrepancy(
    function: Callable[[Exponents], Exponents],
    at_zero: float,
    x: Samples,
    y: Reference,
    number: Scalar,
    unit: Scalar | float,
    unbiased: bool,
    dtype: jnp.dtype,
    tile: int | None,
    of_distance: bool,
) -> Float64[Array, ""]:
    size = row_number(y)
    centre = mean_of(y, size)
    if of_distance:  # any unit will do: the kernel is proportional to it
        unit = jnp.maximum(largest_coordinate(x, number, centre), largest_coordinate(y, size, centre))
    x_points = points(x, number, centre=centre, unit=unit)
    y_points = points(y, size, centre=centre, unit=unit)
    how: dict[str, Any] = {"dtype": dtype, "tile": tile, "of_distance": of_distance}

    def within(z: Points, number: Scalar) -> Float64[Array, ""]:
        pairs = 2 * sum_within(function, z, **how)
        if unbiased:
            return pairs / jnp.maximum(number * (number - 1), 1)
        return (pairs + number * at_zero) / number**2

    between = sum_between(function, x_points, y_points, **how) / (number * size)
    found = within(x_points, number) + within(y_points, size) - 2 * between
    return unit * found if of_distance else found
