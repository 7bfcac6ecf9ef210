"""How many reverse diffusion steps does a linear score deserve? Distances over K and n: system S2, result 5.

Sources: Maillard & Goldt, arXiv 2605.21402; Merger & Goldt, arXiv 2505.24769.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxmem import _checks as check
from jaxmem import metrics
from jaxmem._typing import Key
from jaxmem.describing.panels import Curve, Panel
from jaxmem.describing.settings import values_of
from jaxmem.describing.variables import Coordinate, Variable
from jaxmem.numerics.precision import with_float64
from jaxmem.numerics.randomness import stream
from jaxmem.populations import PopulationSettings
from jaxmem.sampling.gaussian_law import END, START, propagated_law, step_response
from jaxmem.scores import fit_linear_gaussian, linear_gaussian_capacity
from jaxmem.studies._eigenbasis import train_sets
from jaxmem.studies._given_data import follow_data
from jaxmem.studies._study import Point, Study, axis, number
from jaxmem.studies.kernel_onset import sample_size


class Shape(NamedTuple):
    """What fixes the arrays of a replicate."""

    dim: int
    capacity: int


@dataclass(frozen=True)
class ReverseSteps(Study):
    """Distance to the population of what K reverse diffusion steps with the linear score generate.

    The score is the optimal one of n samples; the law after K steps is known exactly, so nothing is sampled
    but the data. One train set serves all K.
    """

    name: ClassVar[str] = "reverse-steps"

    quick: ClassVar[Mapping[str, Any]] = {"dims": (50,), "loads": (0.5, 2.0, 8.0), "replicates": 20}
    panels: ClassVar[tuple[Panel, ...]] = (
        Panel((Curve("bures"),), x="steps", hue="load", y_scale="log"),
        Panel((Curve("kl_population_generated"),), x="steps", hue="load", y_scale="log"),
    )

    dims: tuple[int, ...] = axis((100,), "dim", "dimension d")
    """Dimensions d of the data (counts, increasing)."""

    loads: tuple[float, ...] = axis((0.5, 1.0, 2.0, 8.0, 64.0), "load", "load n/d")
    """Loads n/d (increasing); n is the nearest whole number, at least 1."""

    steps: tuple[int, ...] = axis(
        (1, 2, 3, 5, 8, 13, 20, 50, 100, 200, 500, 1000), "steps", "reverse steps K"
    )
    """Numbers of steps K (counts, increasing)."""

    population: PopulationSettings = field(default_factory=PopulationSettings)
    """The law that the data come from."""

    scheme: Literal["euler-maruyama", "euler", "heun", "exponential"] = "euler-maruyama"
    """Euler–Maruyama for the reverse SDE; Euler, Heun or exponential steps for the probability-flow ODE."""

    start: float | tuple[float, ...] = number(START, "first time")
    """Time at which the steps start from N(0, I) (above `end`, in units of the Ornstein–Uhlenbeck rate)."""

    end: float | tuple[float, ...] = number(END, "last time")
    """Time at which they stop (above 0): later stops leave more noise, a ridge of their own."""

    spacing: float = 3.0
    """Exponent of the spacing of times: 1 is uniform, larger is denser at the end (above 0)."""

    def __post_init__(self) -> None:
        """Refuse what cannot be computed, before anything is."""
        follow_data(self, sets=2)
        super().__post_init__()
        self.axes()
        self.population.check(self.dims)
        for value in self.steps:
            check.positive_integer("steps", value)
        for load in self.loads:
            check.real_number("loads", load, above=0.0)
            for dim in self.dims:
                n = sample_size(load, dim)
                if not 1 <= 2 * n <= self.population.available:
                    raise ValueError(
                        "loads must give from 1 sample to half of those available, "
                        f"got {load:g}, which is {n} at d = {dim}."
                    )
        check.one_of("scheme", self.scheme, ("euler-maruyama", "euler", "heun", "exponential"))
        check.real_number("spacing", self.spacing, above=0.0)
        ends = values_of(self.end)
        for end in ends:
            check.real_number("end", end, above=0.0)
        for start in values_of(self.start):
            check.real_number("start", start, above=max(ends))

    def coordinates(self) -> dict[str, Coordinate]:
        """The number of samples n at each (dim, load)."""
        sizes = np.array([[sample_size(load, dim) for load in self.loads] for dim in self.dims])
        return {"n": Coordinate(("dim", "load"), sizes, "training samples n")}

    def variables(self) -> dict[str, Variable]:
        """Distances between the generated law and the population."""
        return {
            "bures": Variable("Bures distance W2²/Tr Σ"),
            "kl_generated_population": Variable("KL(generated‖population)", units="nat", summary="median"),
            "kl_population_generated": Variable("KL(population‖generated)", units="nat", summary="median"),
        }

    def shape(self, point: Point) -> Shape:
        """Dimension and padded size of the train set."""
        dim, n = point["dim"], sample_size(point["load"], point["dim"])
        return Shape(dim, int(min(linear_gaussian_capacity(n, dim), self.population.available / 2)))

    def bytes_per_replicate(self, shape: Shape) -> int:
        """Train sets, eigenvectors and their products."""
        return 8 * shape.dim * (4 * shape.capacity + 8 * shape.dim)

    @with_float64
    def simulate(
        self, key: Key, point: Point, *, shape: Shape | None = None, prepared: None = None
    ) -> dict[str, Array]:
        """One replicate at one point; see the base class."""
        dim, capacity = shape or self.shape(point)
        load = jnp.asarray(point["load"], jnp.float64)
        key = stream(key, "reverse-steps", dim, load)
        law = train_sets(self.population, key, capacity, dim, point)
        model = fit_linear_gaussian(law.train[0], jnp.rint(load * dim).astype(int))
        respond = partial(
            step_response,
            steps=jnp.asarray(point["steps"]),
            scheme=self.scheme,
            start=self.value(point, "start"),
            end=self.value(point, "end"),
            spacing=self.spacing,
        )
        generated = propagated_law(model, respond).covariance
        return {
            "bures": metrics.bures(generated, law.eigenvalues),
            "kl_generated_population": metrics.kl_generated_population(generated, law.eigenvalues),
            "kl_population_generated": metrics.kl_population_generated(generated, law.eigenvalues),
        }
