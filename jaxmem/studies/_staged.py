"""A study whose replicates take long: cut into stages, so that nothing is lost and all is seen on the way.

Write `look_steps`, `initial_state`, `advance`, `observe` and `finish` instead of `simulate`. A sweep with a
store then saves the state every two minutes or so, keeps what was seen, shows how far the replicate is, and
continues a run that was killed to the same bits.
"""

from abc import abstractmethod
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree

from jaxmem._typing import Integer, Key
from jaxmem.numerics.precision import with_float64
from jaxmem.studies._study import Point, Study


class StagedStudy(Study):
    """Base of studies that are cut into stages; methods are pure and may draw their data from `key` again."""

    @abstractmethod
    def look_steps(self, shape: Any) -> tuple[int, ...]:
        """Steps after which a replicate is looked at, increasing; the last one ends it."""

    @abstractmethod
    def initial_state(self, key: Key, point: Point, *, shape: Any, prepared: Any = None) -> PyTree:
        """The state before the first step: any tree, all of whose arrays are carried and saved."""

    @abstractmethod
    def advance(
        self, key: Key, point: Point, state: PyTree, steps: Integer, *, shape: Any, prepared: Any = None
    ) -> PyTree:
        """The state `steps` (traced) later, of the same types and shapes; a then b steps are a + b steps."""

    @abstractmethod
    def observe(
        self, key: Key, point: Point, state: PyTree, *, shape: Any, prepared: Any = None
    ) -> dict[str, Array]:
        """What is seen of a state at a snapshot."""

    @abstractmethod
    def finish(
        self,
        key: Key,
        point: Point,
        state: PyTree,
        seen: dict[str, Array],
        *,
        shape: Any,
        prepared: Any = None,
    ) -> dict[str, Array]:
        """All variables, from the last state and what was seen, stacked along a first axis of snapshots."""

    @with_float64
    def simulate(
        self, key: Key, point: Point, *, shape: Any = None, prepared: Any = None
    ) -> dict[str, Array]:
        """One replicate at one point, all stages in one program."""
        shape = self.shape(point) if shape is None else shape
        given = {"shape": shape, "prepared": prepared}
        arrays, static = eqx.partition(self.initial_state(key, point, **given), eqx.is_array)
        lengths = np.diff([0, *self.look_steps(shape)])

        def stage(arrays: PyTree, length: Array) -> tuple[PyTree, dict[str, Array]]:
            state = self.advance(key, point, eqx.combine(arrays, static), length, **given)
            return eqx.filter(state, eqx.is_array), self.observe(key, point, state, **given)

        arrays, seen = jax.lax.scan(stage, arrays, jnp.asarray(lengths, jnp.int32))
        return self.finish(key, point, eqx.combine(arrays, static), seen, **given)
