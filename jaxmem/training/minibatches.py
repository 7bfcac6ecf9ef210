"""Which rows a step looks at, with what weight: the same for every padding."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Int32

from jaxmem import _checks
from jaxmem._typing import Key


class DrawnRows(NamedTuple):
    """Row, copy of it and weight; the weights sum to 1, and a row of weight 0 may hold anything."""

    row: Int32[Array, "b"]
    copy: Int32[Array, "b"]
    weight: Float[Array, "b"]


def draw_rows(
    key: Key,
    batch_size: int | None,
    capacity: int,
    count: Int[Array, ""] | None,
    copies: int = 1,
    dtype: Any = jnp.float32,
) -> DrawnRows:
    """`batch_size` pairs (row, copy) drawn with replacement, or all pairs for None.

    Args:
        key: of the draw.
        batch_size: b.
        capacity: how many rows there are, padding included.
        count: how many of them count, None for all.
        copies: of each row, told apart by `copy`.
        dtype: of the weights.
    """
    count = jnp.asarray(capacity if count is None else count, jnp.int32)
    if batch_size is None:
        pair = jnp.arange(copies * capacity)
        row, copy = pair % capacity, pair // capacity
        return DrawnRows(row, copy, jnp.where(row < count, 1 / (copies * count.astype(dtype)), 0))
    pair = uniform_index(key, batch_size, copies * count)
    return DrawnRows(pair % count, pair // count, jnp.full(batch_size, 1 / batch_size, dtype))


def uniform_index(key: Key, batch: int, count: Int32[Array, ""]) -> Int32[Array, "{batch}"]:
    """Uniform on 0..count − 1: the high 32 bits of count times 32 random bits, by halves of 16 bits.

    The largest bias is count/2³². A remainder would cost an integer division, which is not vectorised.
    """
    bits = jax.random.bits(key, (batch,), jnp.uint32)
    number = count.astype(jnp.uint32)
    low, high = bits & 0xFFFF, bits >> 16
    number_low, number_high = number & 0xFFFF, number >> 16
    middle = high * number_low + (low * number_low >> 16)
    carry = (low * number_high + (middle & 0xFFFF)) >> 16
    return (high * number_high + (middle >> 16) + carry).astype(jnp.int32)


def rows_that_count(data: Float[Array, "n d"], drawn: DrawnRows) -> Float[Array, "b d"]:
    """The drawn rows, with padding set to 0 so that nothing in it reaches a loss."""
    return jnp.where(drawn.weight[:, None] > 0, data[drawn.row], 0)


def check_rows(data: Any, batch_size: int | None, count: Any, *, name: str = "data") -> None:
    """Refuse data that are no finite sample, an empty minibatch, and a count that the rows do not hold."""
    if count is None:
        _checks.samples(name, data)
    _checks.row_count(count, data.shape[0])
    if batch_size is not None:
        _checks.positive_integer("batch_size", batch_size)


def as_float32(value: Any) -> Any:
    """`value` as a float32 array; None stays."""
    return None if value is None else jnp.asarray(value, jnp.float32)


def as_count(value: Any) -> Any:
    """`value` as a whole number on the device; None stays."""
    return None if value is None else jnp.asarray(value, jnp.int32)
