"""A study cut into stages that has nothing to do with training: a chaotic walk with noise of its own."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp

from jaxmem.describing.variables import Coordinate, Variable
from jaxmem.numerics.randomness import stream
from jaxmem.studies import StagedStudy
from jaxmem.studies._study import axis


@dataclass(frozen=True)
class Walk(StagedStudy):
    name: ClassVar[str] = "walk"

    rates: tuple[float, ...] = axis((0.5, 0.9), "rate", "rate")
    sizes: tuple[int, ...] = axis((3,), "size", "numbers")
    last: int = 100

    def coordinates(self):
        return {"step": Coordinate(("step",), self.look_steps(None), "step")}

    def variables(self):
        return {"sum": Variable("sum", dims=("step",)), "end": Variable("last sum")}

    def shape(self, point):
        return point["size"]

    def bytes_per_replicate(self, shape):
        return 4 * shape

    def look_steps(self, shape):
        return (0, 1, 7, self.last // 2, self.last)

    def initial_state(self, key, point, *, shape, prepared=None):
        x = jax.random.normal(stream(key, "start", shape), (shape,), jnp.float32)
        return {"x": x, "step": jnp.int32(0), "key": key, "called": jnp.tanh}

    def advance(self, key, point, state, steps, *, shape, prepared=None):
        rate = jnp.asarray(point["rate"], jnp.float32)

        def step(_, carried):
            x, number = carried
            noise = jax.random.normal(
                jax.random.fold_in(stream(state["key"], "walk"), number), x.shape, x.dtype
            )
            return jnp.cos(40 * rate * state["called"](x)) + 0.01 * noise, number + 1

        x, number = jax.lax.fori_loop(0, steps, step, (state["x"], state["step"]))
        return state | {"x": x, "step": number}

    def observe(self, key, point, state, *, shape, prepared=None):
        return {"sum": state["x"].sum()}

    def finish(self, key, point, state, seen, *, shape, prepared=None):
        return seen | {"end": state["x"].sum()}
