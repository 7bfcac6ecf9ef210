"""What every trainable score has in common: how it is called, and which of its arrays are trained.

A score model is any equinox module that maps single points: `model(y)` at a fixed noise level, `model(t, y)`
where time is an input, with y (d,), t a scalar and the score (d,). A module of the user's own needs nothing
else. Where a batch can be evaluated faster than point by point, the module says how in a method `on_batch`
of the same arguments with a leading axis. Arrays wrapped in `Fixed` are not trained, nor are those of noise
schedules.
"""

import math
from typing import Any, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from jaxmem.noising import NoiseSchedule


@runtime_checkable
class ScoreModel(Protocol):
    """A callable of single points: (y,) or (t, y)."""

    def __call__(self, *inputs: Array) -> Array:
        """The score at one point."""
        ...


class Fixed(eqx.Module):
    """An array that training leaves as it is."""

    value: Float[Array, "..."]


def partition_trainable(model: PyTree) -> tuple[PyTree, PyTree]:
    """(trained, rest): the floating-point arrays outside `Fixed` and noise schedules, and all else.

    `eqx.combine` joins them.
    """
    trained = jax.tree.map(
        eqx.is_inexact_array, model, is_leaf=lambda node: isinstance(node, Fixed | NoiseSchedule)
    )
    return eqx.partition(model, trained)


def parameter_count(model: PyTree) -> int:
    """How many numbers of a model are trained; of its shapes too, as `eqx.filter_eval_shape` gives them."""

    def size(leaf: Any) -> int:
        if isinstance(leaf, Fixed | NoiseSchedule) or not hasattr(leaf, "dtype"):
            return 0
        return math.prod(leaf.shape) if jnp.issubdtype(leaf.dtype, jnp.inexact) else 0

    leaves = jax.tree.leaves(model, is_leaf=lambda node: isinstance(node, Fixed | NoiseSchedule))
    return sum(size(leaf) for leaf in leaves)


def scores_at(
    model: Any, y: Float[Array, "b d"], time: Float[Array, "b"] | None = None
) -> Float[Array, "b q"]:
    """The outputs for a batch of points, (b, d) for a score, at their times where time is an input."""
    inputs = (y,) if time is None else (time, y)
    return getattr(model, "on_batch", jax.vmap(model))(*inputs)
