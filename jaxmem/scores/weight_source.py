"""The starting weights of a network with many arrays, all from one draw.

A normal number is some hundred instructions: drawn array by array, the weights of a U-Net take minutes to
compile inside a study's program, and seconds outside.
"""

import math
from collections.abc import Callable
from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmem import _checks
from jaxmem._typing import Key, RealArray
from jaxmem.numerics.randomness import stream

Network = TypeVar("Network")


class WeightSource:
    """Hands out standard normals, in order; without any it only counts how many are asked for."""

    def __init__(self, normals: Float[RealArray, "n"] | None = None) -> None:
        self.normals = normals
        self.taken = 0

    def normal(self, *shape: int, gain: float = 1.0) -> Float[Array, "..."]:
        """N(0, gain/inputs), inputs the product of all sizes but the last; float32."""
        start = self.taken
        self.taken += math.prod(shape)
        if self.normals is None:
            return jnp.zeros(shape, jnp.float32)
        scale = np.float32(math.sqrt(gain / math.prod(shape[:-1])))
        return jnp.asarray(scale * self.normals[start : self.taken].reshape(shape))


def with_weights(key: Key, build: Callable[[WeightSource], Network]) -> Network:
    """What `build` makes of the weights of `key`; it must ask for the same in every call."""
    counted = WeightSource()
    eqx.filter_eval_shape(lambda: build(counted))
    normals = jax.random.normal(stream(key, "weights"), (counted.taken,), jnp.float32)
    # Slices of NumPy's compile nothing.
    return build(WeightSource(normals if _checks.is_traced(normals) else np.asarray(normals)))
