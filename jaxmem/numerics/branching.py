"""Branches by how much precision is needed, where a batch must not pay for all of them."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int32

DIGITS_LOST = 2.0**-12
"""Rounding of an exponent, and so the relative one of its exponential, that is not accepted: 2e-4."""

Branch = Callable[..., Array]


def choose(level: Int32[Array, ""], branches: Sequence[Branch], *arrays: Array) -> Array:
    """`branches[level](level, *arrays)`, the last branch from its own level on.

    Each branch is right wherever those before it are. A batched `lax.switch` computes every branch; here a
    batch takes one, that of its highest level, which then is one number for all. Derivatives are those of the
    switch.
    """

    @jax.custom_batching.custom_vmap
    def chosen(level: Array, *arrays: Array) -> Array:
        return jax.lax.switch(level, branches, level, *arrays)

    @chosen.def_vmap
    def batched(size: int, in_batched: list[bool], level: Array, *arrays: Array) -> tuple[Array, Any]:
        axes = [None, *(0 if is_batched else None for is_batched in in_batched[1:])]
        # a jitted caller is batched after its own scope of 64-bit types has closed
        with jax.enable_x64(any(jnp.result_type(array) == jnp.float64 for array in arrays)):
            wide = [jax.vmap(branch, in_axes=axes, axis_size=size) for branch in branches]
            found = choose(level.max() if in_batched[0] else level, wide, *arrays)
        return found, jax.tree.map(lambda _: True, found)

    differentiable = jax.custom_jvp(chosen)  # custom_vmap has no reverse mode

    @differentiable.defjvp
    def derivative(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
        with jax.enable_x64(any(jnp.result_type(array) == jnp.float64 for array in primals)):
            return jax.jvp(
                lambda level, *arrays: jax.lax.switch(level, branches, level, *arrays), primals, tangents
            )

    return differentiable(level, *arrays)
