"""The random numbers of a step: any step can be drawn on its own."""

from typing import NamedTuple

import jax
from jaxtyping import Array, Int32

from jaxmem._typing import Key
from jaxmem.numerics.randomness import stream


class StepKeys(NamedTuple):
    """The streams of step number `step` of the training run with key `key`."""

    key: Key
    step: Int32[Array, ""]

    def of(self, name: str) -> Key:
        """An independent key for the draw called `name`."""
        return jax.random.fold_in(stream(self.key, f"training {name}"), self.step)
