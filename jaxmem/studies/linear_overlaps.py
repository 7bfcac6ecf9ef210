"""Memorisation m, convergence q and latent recovery Q of linear Gaussian models over the load n/d: system S2.

Sources: Maillard & Goldt, arXiv 2605.21402; Merger & Goldt, arXiv 2505.24769.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxmem import _checks as check
from jaxmem import metrics
from jaxmem._typing import Integer, Key
from jaxmem.describing.panels import Curve, Guide, Panel
from jaxmem.describing.settings import values_of
from jaxmem.describing.variables import Coordinate, Variable
from jaxmem.numerics.linear_algebra import product
from jaxmem.numerics.precision import with_float64
from jaxmem.numerics.randomness import stream
from jaxmem.populations import GivenArray, PopulationSettings, reduced_sample
from jaxmem.scores import fit_equivariant_gaussian, fit_linear_gaussian, linear_gaussian_capacity
from jaxmem.scores.equivariant_gaussian import block_order
from jaxmem.studies import _linear_overlaps_theory as prediction
from jaxmem.studies._eigenbasis import PixelSets, TrainSets, pixel_sets, train_sets
from jaxmem.studies._given_data import follow_data
from jaxmem.studies._study import Point, Study, axis, number
from jaxmem.studies.kernel_onset import sample_size

Quantity = Literal[
    "memorisation",
    "convergence",
    "sampled_convergence",
    "latent_recovery",
    "bures",
    "operator_norm",
    "kl_generated_population",
    "kl_population_generated",
    "hellinger_squared",
]

LABELS: dict[str, Variable] = {
    "memorisation": Variable("memorisation m"),
    "convergence": Variable("convergence q"),
    "sampled_convergence": Variable("mean cosine of the outputs for the same z"),
    "latent_recovery": Variable("latent recovery Q"),
    "bures": Variable("Bures distance W2²/Tr Σ"),
    "operator_norm": Variable("operator norm ‖Σ̂ − Σ‖"),
    "kl_generated_population": Variable("KL(generated‖population)", units="nat", summary="median"),
    "kl_population_generated": Variable("KL(population‖generated)", units="nat", summary="median"),
    "hellinger_squared": Variable("squared Hellinger distance H²"),
}

DISTANCES = {
    "bures": metrics.bures,
    "kl_generated_population": metrics.kl_generated_population,
    "kl_population_generated": metrics.kl_population_generated,
    "hellinger_squared": metrics.hellinger_squared,
}
"""Distances of the learnt law to its population; the operator norm is of covariances alone."""

OF_THE_COVARIANCE = (*DISTANCES, "operator_norm")
"""What depends on Σ̂ alone, in any basis: what the short cut gives exactly."""


class Shape(NamedTuple):
    """What fixes the arrays of a replicate; capacity 0 is the short cut, which needs none."""

    dim: int
    capacity: int
    stride: int | None = None


@dataclass(frozen=True)
class LinearOverlaps(Study):
    """Memorisation m, convergence q, latent recovery Q and distances of linear Gaussian models over the load.

    Two models are fitted to disjoint sets A and B of n samples and generate x̄ + (Σ̂ + ρ I)^{1/2} z from the
    same z. q compares the two models; everything else is that of model A. Of images, models can be held to
    commute with translations by a `stride`: from a convolution, whose two copies agree from one image on and
    recover nothing that is not a wave, to the dense model.
    """

    name: ClassVar[str] = "linear-overlaps"

    quick: ClassVar[Mapping[str, Any]] = {"dims": (50, 100), "replicates": 20}
    panels: ClassVar[tuple[Panel, ...]] = (
        Panel((Curve("memorisation", theory=prediction.memorisation),), limits=(0, None)),
        Panel(
            (Curve("convergence", theory=prediction.convergence),),
            limits=(0, 1.03),
            guides=(Guide("n = d", x=1.0),),
        ),
        Panel((Curve("latent_recovery", theory=prediction.latent_recovery),), limits=(0, 1.03)),
        Panel((Curve("bures", theory=prediction.bures),), limits=(0, None)),
    )

    dims: tuple[int, ...] = axis((50, 100, 200), "dim", "dimension d")
    """Dimensions d of the data (counts, increasing)."""

    loads: tuple[float, ...] = axis(
        (0.05, 0.1, 0.2, 0.5, 0.8, 1.0, 1.25, 2.0, 4.0, 8.0, 16.0), "load", "load n/d"
    )
    """Loads n/d (increasing); n is the nearest whole number, at least 1."""

    population: PopulationSettings = field(default_factory=PopulationSettings)
    """The law that the data come from; its mean only matters if it is to be estimated."""

    ridge: float | tuple[float, ...] = number(0.0, "ridge ρ")
    """Ridge ρ added to the sample covariance (at least 0, in squared units of the data)."""

    stride: int | tuple[int, ...] | None = number(None, "stride of the translations")
    """Pixels s: the models commute with translations of images, around the torus, by multiples of s each way;
    1 is a convolution, the side of the image a dense model (counts that divide the side, increasing). None
    for a model of vectors that knows of no pixels."""

    estimate_mean: bool = False
    """Estimate the mean from the n samples instead of knowing it."""

    directions: int = 1
    """Q is the overlap of the spans of this many leading eigenvectors (a count, from 1 to d)."""

    generated: int = 64
    """Generated samples over which m and the sampled cosine are averaged (a count)."""

    quantities: tuple[Quantity, ...] = get_args(Quantity)
    """What to compute. Those of the covariance alone (bures, operator_norm, both kl, hellinger_squared) take
    the short cut, without any data, where the population is isotropic with at most one spike."""

    direct: bool = False
    """Draw data even where the short cut is exact."""

    def __post_init__(self) -> None:
        """Refuse what cannot be computed, before anything is."""
        follow_data(self, sets=2)
        super().__post_init__()
        self.axes()
        for name in ("estimate_mean", "direct"):
            check.boolean(name, getattr(self, name))
        for dim in self.dims:
            check.positive_integer("dims", dim)
            check.positive_integer("directions", self.directions, most=dim)
        self.population.check(self.dims)
        given = self.population.samples
        if isinstance(given, GivenArray) and not np.ptp(given.array, 0).any():
            raise ValueError(f"samples must hold rows that differ, got {len(given.array)} equal ones.")
        self._check_loads()
        for value in values_of(self.ridge):
            check.real_number("ridge", value, least=0.0)
        for stride in values_of(self.stride):
            if stride is not None:
                for dim in self.dims:
                    block_order(self._image_shape(dim), stride)
        check.positive_integer("generated", self.generated)
        if not self.quantities:
            raise ValueError(f"quantities must name at least one of {', '.join(LABELS)}, got none.")
        for quantity in self.quantities:
            check.one_of("quantities", quantity, LABELS)

    def _check_loads(self) -> None:
        least = 2 if self.estimate_mean else 1
        for load in self.loads:
            check.real_number("loads", load, above=0.0)
            for dim in self.dims:
                n = sample_size(load, dim)
                if n < least:
                    raise ValueError(
                        f"loads must give at least {least} samples, got {load:g}, which is {n} at d = {dim}."
                    )
                if 2 * n > self.population.available:
                    raise ValueError(
                        f"loads must leave two disjoint sets within the {self.population.available} samples "
                        f"of the data set, got {load:g}, which takes 2 · {n} at d = {dim}."
                    )

    def coordinates(self) -> dict[str, Coordinate]:
        """The number of samples n at each (dim, load)."""
        sizes = np.array([[sample_size(load, dim) for load in self.loads] for dim in self.dims])
        return {"n": Coordinate(("dim", "load"), sizes, "training samples n")}

    def variables(self) -> dict[str, Variable]:
        """The quantities asked for."""
        return {name: LABELS[name] for name in self.quantities}

    def shape(self, point: Point) -> Shape:
        """Dimension and padded size of a train set, none for the short cut."""
        dim, n = point["dim"], sample_size(point["load"], point["dim"])
        if self._takes_short_cut():
            return Shape(dim, 0)
        capacity = int(min(linear_gaussian_capacity(n, dim), self.population.available / 2))
        stride = self.value(point, "stride")
        return Shape(dim, capacity, None if stride is None else int(stride))

    def rows(self, point: Point) -> tuple[int, int]:
        """n, and the capacity of its shape; none for the short cut."""
        capacity = self.shape(point).capacity
        return sample_size(point["load"], point["dim"]) if capacity else 0, capacity

    def bytes_per_replicate(self, shape: Shape) -> int:
        """Two train sets in both precisions, their eigenvectors and products."""
        dim, capacity, stride = shape
        side = min(capacity or 2, dim) if stride is None else 3 * dim
        return 8 * dim * (4 * capacity + 8 * side + 2 * self.generated)

    @with_float64
    def simulate(
        self, key: Key, point: Point, *, shape: Shape | None = None, prepared: None = None
    ) -> dict[str, Array]:
        """One replicate at one point; see the base class."""
        shape = shape or self.shape(point)
        load = jnp.asarray(point["load"], jnp.float64)
        key = stream(key, "linear-overlaps", shape.dim, load)
        n = jnp.rint(load * shape.dim).astype(int)
        if shape.capacity == 0:
            return self._by_short_cut(key, n, shape.dim, point)
        return self._by_data(key, n, shape, point)

    def _image_shape(self, dim: int) -> tuple[int, int, int]:
        shape = self.population.image_shape(dim)
        if shape is None:
            raise ValueError(f"stride must be left out where there are no images, got {self.stride}.")
        return shape

    def _takes_short_cut(self) -> bool:
        """Whether the population is isotropic but for one spike at most, and only Σ̂ is asked for."""
        given = self.population
        plain = all(each is None for each in (given.covariance, given.samples, given.images))
        flat = given.exponent == 0.0 and len(given.spikes) <= 1
        few = set(self.quantities) <= set(OF_THE_COVARIANCE) and self.stride is None
        return plain and given.components == 1 and flat and few and not self.direct

    def _by_short_cut(self, key: Key, n: Integer, dim: int, point: Point) -> dict[str, Array]:
        numbers = {
            name: point.get(name, getattr(self.population, name)) for name in ("variance", "spike_scale")
        }
        strength = numbers["spike_scale"] * self.population.spikes[0] if self.population.spikes else 0.0
        sample = reduced_sample(
            key,
            n,
            dim,
            strength=strength,
            variance=numbers["variance"],
            ridge=self.value(point, "ridge"),
            known_mean=not self.estimate_mean,
        )
        eigenvalues = numbers["variance"] * jnp.ones(dim, jnp.float64).at[0].add(strength)
        population = eigenvalues if self.population.spikes else eigenvalues[0]
        return self._of_the_covariance(sample.covariance, population, sample.mean)

    def _by_data(self, key: Key, n: Integer, shape: Shape, point: Point) -> dict[str, Array]:
        fitted: dict[str, Any] = {
            "mean": None if self.estimate_mean else 0.0,
            "ridge": self.value(point, "ridge"),
        }
        law: TrainSets | PixelSets
        if shape.stride is None:
            law = train_sets(self.population, key, shape.capacity, shape.dim, point)
            model, other = (fit_linear_gaussian(train, n, **fitted) for train in law.train)
            along, offset = model.covariance, model.mean
        else:
            law = pixel_sets(self.population, key, shape.capacity, shape.dim, point)
            images = self._image_shape(shape.dim)
            model, other = (
                fit_equivariant_gaussian(train, images, shape.stride, n, **fitted) for train in law.train
            )
            along, offset = model.covariance.in_basis(law.axes), product(law.axes.T, model.mean)
        dim = law.train[0].shape[1]
        normal = jax.random.normal(stream(key, "z"), (self.generated, dim), jnp.float32)
        outputs = model.generate(normal)
        found = self._of_the_covariance(along, law.eigenvalues, offset)
        if "memorisation" in self.quantities:
            found["memorisation"] = metrics.memorisation(outputs, law.train[0], n)
        if "convergence" in self.quantities:
            found["convergence"] = metrics.convergence(model.covariance, other.covariance)
        if "sampled_convergence" in self.quantities:
            found["sampled_convergence"] = metrics.sampled_convergence(outputs, other.generate(normal))
        if "latent_recovery" in self.quantities:
            found["latent_recovery"] = metrics.subspace_recovery(along, min(self.directions, dim))
        return found

    def _of_the_covariance(self, covariance: Any, population: Array, mean: Array) -> dict[str, Array]:
        offset = mean if self.estimate_mean else None
        found: dict[str, Array] = {
            name: distance(covariance, population, offset)
            for name, distance in DISTANCES.items()
            if name in self.quantities
        }
        if "operator_norm" in self.quantities:
            found["operator_norm"] = metrics.operator_norm(covariance, population)
        return found
