"""Times read off a trajectory: where it first reaches a level, and where it turns."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmem._typing import Scalar


def first_crossing(times: Float[Array, "step"], values: Float[Array, "step"], level: Scalar) -> Scalar:
    """Where `values` first reach `level`, on a straight line over log time between two steps.

    Infinite where they never do; the first time where they begin above it.
    """
    reached = values >= level
    after = jnp.argmax(reached)
    before = jnp.maximum(after - 1, 0)
    rise = values[after] - values[before]
    share = jnp.where(rise > 0, (level - values[before]) / jnp.where(rise > 0, rise, 1), 0)
    found = jnp.log(times[before]) + share * jnp.log(times[after] / times[before])
    return jnp.where(reached.any(), jnp.exp(found), jnp.inf)


class TurningPoints(NamedTuple):
    """The first minimum of a curve and the maximum that follows it; NaN and ∞ where there is none."""

    minimum: Scalar
    minimum_time: Scalar
    maximum: Scalar
    maximum_time: Scalar


def turning_points(
    times: Float[Array, "step"], values: Float[Array, "step"], tolerance: Scalar | float
) -> TurningPoints:
    """The first minimum and the following maximum of positive values, blind to changes below `tolerance`.

    The minimum is the least value so far once the curve has risen above (1 + tolerance) times it, or at the
    end of a curve that never does; the maximum is the largest since, once the curve has fallen below
    (1 − tolerance) times that, or at the end: then it may still be rising. There is no maximum where the
    curve never rose. Values that are not finite are passed over.
    """
    dtype = jnp.result_type(values)
    never = jnp.asarray(jnp.inf, dtype)

    def visit(
        state: tuple[Array, Array, Array, Array, Array], entry: tuple[Array, Array]
    ) -> tuple[tuple[Array, Array, Array, Array, Array], None]:
        phase, low, low_time, high, high_time = state
        time, value = entry
        lower = (phase == 0) & (value < low)
        low, low_time = jnp.where(lower, value, low), jnp.where(lower, time, low_time)
        phase = jnp.where((phase == 0) & (value > (1 + tolerance) * low) & jnp.isfinite(value), 1, phase)
        higher = (phase == 1) & (value > high) & jnp.isfinite(value)
        high, high_time = jnp.where(higher, value, high), jnp.where(higher, time, high_time)
        phase = jnp.where((phase == 1) & (value < (1 - tolerance) * high), 2, phase)
        return (phase, low, low_time, high, high_time), None

    start = (jnp.int32(0), never, never, -never, never)
    (_, low, low_time, high, high_time), _ = jax.lax.scan(visit, start, (times.astype(dtype), values))
    undefined = jnp.asarray(jnp.nan, dtype)
    return TurningPoints(
        jnp.where(jnp.isfinite(low), low, undefined),
        low_time,
        jnp.where(jnp.isfinite(high), high, undefined),
        high_time,
    )
