"""Scoped double precision: float64 where a formula needs it, without touching the user's settings."""

import os
import warnings
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array

P = ParamSpec("P")
R = TypeVar("R")


SWITCH = "JAXMEM_FLOAT64"
"""Environment variable: 1 uses float64 on any device, 0 on none; a device decides where it is not set."""


def has_float64() -> bool:
    """Whether float64 is used where a formula needs it: on every device but TPUs, unless it is set otherwise.

    A TPU has no float64, and XLA's emulation of it lacks decompositions. A consumer's GPU has it at 1/32 or
    1/64 of its rate; sums and decompositions are few beside the float32 products, so it is used there.

    Raises:
        ValueError: the environment variable is neither 0 nor 1.
    """
    said = os.environ.get(SWITCH, "")
    if said not in ("", "0", "1"):
        raise ValueError(f"{SWITCH} must be 0 or 1, got {said!r}.")
    return said == "1" if said else jax.default_backend() != "tpu"


PRODUCTS = "JAXMEM_IMAGE_PRODUCTS"
"""Environment variable: full or fast, read when a program is made."""


def image_precision() -> jax.lax.Precision:
    """Of the products inside networks of images: full, or where it is set so what a device does fastest.

    That is TF32 on GPUs and bfloat16 on TPUs, ten bits of mantissa and fewer: for networks that are trained
    with it, while what is measured of their samples keeps full precision. CPUs know no other than full, and
    all other products are full on every device.

    Raises:
        ValueError: the environment variable is neither full nor fast.
    """
    said = os.environ.get(PRODUCTS, "full")
    if said not in ("full", "fast"):
        raise ValueError(f"{PRODUCTS} must be full or fast, got {said!r}.")
    return jax.lax.Precision.HIGHEST if said == "full" else jax.lax.Precision.DEFAULT


def with_float64(function: Callable[P, R]) -> Callable[P, R]:
    """Run `function` with 64-bit types enabled inside, whatever the caller's setting is.

    JAX keys its compilation caches by this setting, so nothing leaks out: the caller's own arrays stay
    float32 by default, while float64 inputs keep their digits inside. Works under `jax.vmap` and `jax.jit`
    of the caller; to differentiate through, or to batch a loop that calls it, enable 64-bit types in the
    caller as well: JAX does both after this scope has closed.

    Where `has_float64` says no, all of it is float32, whatever the types that are asked for.
    """

    @wraps(function)
    def scoped(*args: P.args, **kwargs: P.kwargs) -> R:
        wide = has_float64()
        if not wide:
            _expect_float32()
        with jax.enable_x64(wide):
            return function(*args, **kwargs)

    return scoped


@lru_cache(maxsize=1)
def _expect_float32() -> None:
    """JAX warns of each float64 that it makes a float32; here that is meant."""
    warnings.filterwarnings("ignore", message="Explicitly requested dtype float64")


@with_float64
def as_float64(value: Any) -> Array:
    """`value` as a float64 array, whatever the caller's setting is."""
    return jnp.asarray(value, jnp.float64)
