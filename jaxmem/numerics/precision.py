"""Scoped double precision: float64 where a formula needs it, without touching the user's settings."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array

P = ParamSpec("P")
R = TypeVar("R")


def with_float64(function: Callable[P, R]) -> Callable[P, R]:
    """Run `function` with 64-bit types enabled inside, whatever the caller's setting is.

    JAX keys its compilation caches by this setting, so nothing leaks out: the caller's own arrays stay
    float32 by default, while float64 inputs keep their digits inside. Works under `jax.vmap` and `jax.jit`
    of the caller; to differentiate through, or to batch a loop that calls it, enable 64-bit types in the
    caller as well: JAX does both after this scope has closed.
    """

    @wraps(function)
    def scoped(*args: P.args, **kwargs: P.kwargs) -> R:
        with jax.enable_x64(True):
            return function(*args, **kwargs)

    return scoped


@with_float64
def as_float64(value: Any) -> Array:
    """`value` as a float64 array, whatever the caller's setting is."""
    return jnp.asarray(value, jnp.float64)
