"""A study that has nothing to do with diffusion: the mean of n normals about a common origin."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from jaxmem.describing.variables import Coordinate, Variable
from jaxmem.numerics.padding import padded_size
from jaxmem.numerics.randomness import stream
from jaxmem.studies._study import Study, axis


@dataclass(frozen=True)
class Means(Study):
    name: ClassVar[str] = "means"

    dims: tuple[int, ...] = axis((2, 3), "dim", "dimension d")
    loads: tuple[float, ...] = axis((1.0, 4.0, 20.0), "load", "load n/d")
    spread: float | tuple[float, ...] = 1.0

    def coordinates(self):
        n = np.array([[round(load * dim) for load in self.loads] for dim in self.dims])
        return {
            "n": Coordinate(("dim", "load"), n, "samples n"),
            "step": Coordinate(("step",), np.arange(4), "step"),
        }

    def variables(self):
        return {
            "mean": Variable("mean", summary="sign"),
            "origin": Variable("common origin"),
            "running": Variable("running sum", dims=("step",)),
        }

    def shape(self, point):
        return point["dim"], padded_size(round(point["load"] * point["dim"]))

    def bytes_per_replicate(self, shape):
        return 4 * shape[0] * shape[1]

    def prepared_over(self):
        return ("dim",)

    def prepare(self, key, point):
        return jax.random.normal(stream(key, "origin", point["dim"]), (point["dim"],), jnp.float32)

    def simulate(self, key, point, *, shape=None, prepared=None):
        dim, capacity = self.shape(point) if shape is None else shape
        origin = self.prepare(key, {"dim": dim}) if prepared is None else prepared
        n = jnp.rint(point["load"] * dim).astype(int)
        draws = jax.random.normal(stream(key, "train", dim, point["load"]), (capacity, dim), jnp.float32)
        kept = jnp.where(jnp.arange(capacity)[:, None] < n, draws, 0.0)
        mean = origin + self.value(point, "spread") * kept.sum(axis=0) / n
        return {"mean": mean.sum(), "origin": origin.sum(), "running": jnp.cumsum(kept.sum(axis=1))[:4]}
