"""P(Δ > 0) of the one-step linear denoiser over the load n/d: system S1.

Source: Halder, "A solvable generative model with a linear, one-step denoiser", arXiv 2411.17807, Figure 3.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar, Literal, NamedTuple, get_args

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float32, Float64

from jaxmem import _checks as check
from jaxmem._typing import Key, Samples, Scalar
from jaxmem.describing.panels import Curve, Guide, Panel
from jaxmem.describing.settings import values_of
from jaxmem.describing.variables import Coordinate, Variable
from jaxmem.metrics.energy_distance import energy_distance
from jaxmem.metrics.kernel_gap import kernel_bandwidth, kernel_gap, log_self_overlap
from jaxmem.metrics.maximum_mean_discrepancy import maximum_mean_discrepancy_squared, median_bandwidth
from jaxmem.metrics.sample_gap import sample_gap
from jaxmem.metrics.sliced_wasserstein import sliced_wasserstein
from jaxmem.numerics.precision import with_float64
from jaxmem.numerics.randomness import stream
from jaxmem.populations import AbstractPopulation, Empirical, Gaussian, PopulationSettings
from jaxmem.populations.train_test import TrainTest
from jaxmem.scores import (
    denoiser_capacity,
    fit_one_step_denoiser,
    generate,
    generated_law,
    generating_factor,
    generating_normals,
)
from jaxmem.studies._given_data import check_held_out, follow_data, held_out_split
from jaxmem.studies._law_distances import (
    GeneratedLaw,
    exact_distances,
    moment_distances,
    sampled_distances,
)
from jaxmem.studies._study import Point, Study, axis, number

Distance = Literal["sliced-wasserstein", "maximum-mean-discrepancy", "energy"]


class Shape(NamedTuple):
    """What fixes the arrays of a replicate."""

    dim: int
    capacity: int


class SharedReference(eqx.Module):
    """What all loads of a replicate share: the reference sample and its half of Δ's pair sums."""

    samples: Float32[Array, "N d"]
    log_self_overlap: Float64[Array, ""]


BIASED_BY_SIZE: tuple[Distance, ...] = ("sliced-wasserstein",)
"""Distances that favour the larger sample: both are cut to the same size."""


SQUARE = Guide("n = d", x=1.0)


def _probability_panel(variable: str) -> Panel:
    """P(variable > 0) with the load where it crosses 1/2."""
    return Panel(
        (Curve(variable),),
        limits=(-0.03, 1.03),
        guides=(SQUARE, Guide("P = 1/2", y=0.5)),
        transition=True,
        settings=(("N", "reference_size"),),
    )


def _affinity_per_dimension(log_affinity: xr.DataArray) -> xr.DataArray:
    """(1 − H²)^(1/d), which shows the change of slope that H² itself hides."""
    labels = {"long_name": "(1 − H²)^(1/d)", "units": "1", "summary": "mean"}
    shared = log_affinity / log_affinity["dim"]
    return shared.copy(data=np.exp(shared.values)).assign_attrs(labels)


MOST_DRAWS = 10**5
"""Each is a pass over the data; from here on the fit differs from that of ∞ draws by less than 1 %."""


@dataclass(frozen=True)
class KernelOnset(Study):
    """P(Δ > 0), Hellinger and Kullback–Leibler of the one-step linear denoiser over the load n/d.

    Each replicate draws n training samples and fits the denoiser to them; Δ = ∫(ρ_T − ρ_G)² − ∫(ρ_O − ρ_G)²
    compares the generated law ρ_G with the smoothed train set ρ_T and with a smoothed reference sample ρ_O
    of the population. Memorising: P(Δ > 0) near 0; generalising: near 1. Defaults are the source's settings.
    Of data near a manifold of dimension k < d the overlaps grow as ε^(k−d), most for the larger sample, and
    say little of copies: compare by `distances` there.
    """

    name: ClassVar[str] = "kernel-onset"
    quick: ClassVar[Mapping[str, Any]] = {"dims": (8, 16), "reference_size": 1_000, "replicates": 100}
    panels: ClassVar[tuple[Panel, ...]] = (
        _probability_panel("delta"),
        Panel(
            (Curve("log_affinity", transform=_affinity_per_dimension),),
            y_label="$(1 - H^2)^{1/d}$",
            guides=(SQUARE,),
        ),
        Panel((Curve("hellinger_squared"),), guides=(SQUARE,)),
        *(
            _probability_panel(f"delta_{name}")
            for name in ("sliced_wasserstein", "maximum_mean_discrepancy", "energy")
        ),
    )

    dims: tuple[int, ...] = axis((16, 100), "dim", "dimension d")
    """Dimensions d of the data (counts, increasing)."""

    loads: tuple[float, ...] = axis((0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0), "load", "load n/d")
    """Loads n/d (increasing); n is the nearest whole number, at least 1."""

    population: PopulationSettings = field(default_factory=PopulationSettings)
    """The law that the data come from; its mean moves everything and changes nothing."""

    reference_size: int = 10_000
    """Size N of the reference sample (a count, at least 2); of a data set these are held out, by default half
    of the data at most."""

    time: float | tuple[float, ...] = number(2.0, "time T")
    """Time T of the diffusion step (above 0, in units of the Ornstein–Uhlenbeck rate)."""

    noise_scale: float | tuple[float, ...] | None = number(None, "noise scale λ")
    """Noise scale λ (above 0, in units of the noise variance 1 − e^-2T); by default e^-2T."""

    draws: float = 1
    """Noise draws per training sample (a count, or inf for the closed form)."""

    bandwidth: float | tuple[float, ...] = number(1.0, "bandwidth scale σ")
    """Scale σ of the kernel bandwidths ε = σ N^(-1/d) (above 0, in the units of the data)."""

    fresh_reference: bool = False
    """Draw a reference sample per load, as the source does, instead of one for all loads of a replicate."""

    distances: tuple[Distance, ...] = ()
    """Also compare samples by these distances: Δ_D = D(train, generated) − D(reference, generated), with the
    first min(n, N) samples of the reference."""

    generated_size: int = 1_000
    """Generated samples for `distances`, and for the law's distances to a mixture (a count, at least 2)."""

    def __post_init__(self) -> None:
        """Refuse what cannot be computed, before anything is."""
        follow_data(self, held_out="reference_size")
        super().__post_init__()
        self.axes()
        for dim in self.dims:
            check.positive_integer("dims", dim)
        for load in self.loads:
            check.real_number("loads", load, above=0.0)
            for dim in self.dims:
                if sample_size(load, dim) < 1:
                    raise ValueError(
                        f"loads must give at least 1 sample, got {load:g}, which at d = {dim} gives 0."
                    )
        check.boolean("fresh_reference", self.fresh_reference)
        check.positive_integer("reference_size", self.reference_size, least=2)
        check.positive_integer("generated_size", self.generated_size, least=2)
        for name in ("time", "noise_scale", "bandwidth"):
            for value in values_of(getattr(self, name)):
                if not (name == "noise_scale" and value is None):
                    check.real_number(name, value, above=0.0)
        if self.draws != math.inf:
            check.real_number("draws", self.draws, least=1, most=MOST_DRAWS)
            if self.draws != int(self.draws):
                raise ValueError(f"draws must be a whole number of at least 1 or inf, got {self.draws!r}.")
        for distance in self.distances:
            check.one_of("distances", distance, get_args(Distance))
        self.population.check(self.dims)
        most = max(sample_size(load, dim) for load in self.loads for dim in self.dims)
        check_held_out(self, most, "reference_size")

    def coordinates(self) -> dict[str, Coordinate]:
        """The number of samples n at each (dim, load)."""
        sizes = np.array([[sample_size(load, dim) for load in self.loads] for dim in self.dims])
        return {"n": Coordinate(("dim", "load"), sizes, "training samples n")}

    def variables(self) -> dict[str, Variable]:
        """Δ as (value, log scale), the law's distances to the population, and Δ_D of each sample distance.

        A data set has no density: of the distances to it only that of the first two moments is left.
        """
        densities = {
            "hellinger_squared": Variable("squared Hellinger distance H²"),
            "log_affinity": Variable("log(1 − H²)", summary="none"),
            "kl_generated_population": Variable("KL(generated‖population)", units="nat", summary="median"),
            "kl_population_generated": Variable("KL(population‖generated)", units="nat", summary="median"),
        }
        return {
            "delta": Variable("kernel gap Δ / exp(log_scale)", summary="sign"),
            "log_scale": Variable("log scale of Δ", summary="none"),
            **({} if self.population.data is not None else densities),
            "bures_squared": Variable("squared Wasserstein-2 distance of the laws"),
        } | {
            f"delta_{distance.replace('-', '_')}": Variable(
                f"Δ of the {distance.replace('-', ' ')}", summary="sign"
            )
            for distance in self.distances
        }

    def shape(self, point: Point) -> Shape:
        """Dimension and padded size of the train set."""
        dim = point["dim"]
        return Shape(dim, denoiser_capacity(sample_size(point["load"], dim), dim, self.draws))

    def rows(self, point: Point) -> tuple[int, int]:
        """n, and the capacity of its shape."""
        return sample_size(point["load"], point["dim"]), self.shape(point).capacity

    def bytes_per_replicate(self, shape: Shape) -> int:
        """Reference, its rows in units and whitened in float32, centred in float64; the fit's in float64."""
        dim, capacity = shape
        return 4 * dim * 5 * self.reference_size + 8 * dim * (4 * capacity + 8 * dim)

    def prepared_over(self) -> tuple[str, ...]:
        """A shared reference depends on every axis but those of the denoiser."""
        if self.fresh_reference:
            return ()
        return tuple(name for name in self.axes() if name not in ("load", "time", "noise_scale"))

    def prepare(self, key: Key, point: Point) -> SharedReference | None:
        """The reference sample of a replicate, the same for all its loads: common random numbers."""
        return None if self.fresh_reference else self._reference(key, point["dim"], point)

    @with_float64
    def simulate(
        self, key: Key, point: Point, *, shape: Shape | None = None, prepared: SharedReference | None = None
    ) -> dict[str, Array]:
        """One replicate at one point; see the base class."""
        dim, capacity = shape or self.shape(point)
        load = jnp.asarray(point["load"], jnp.float64)
        n = jnp.rint(load * dim).astype(int)
        if prepared is None:
            prepared = self._reference(key, dim, point, *([load] if self.fresh_reference else []))
        population = self._centred(dim, point)
        if isinstance(population, Empirical):
            own = [load] if self.fresh_reference else []  # its reference goes with it
            train = self._held_out(key, population, capacity, *own).train
        else:
            train = population.sample(stream(key, "train", dim, load), capacity)
        denoiser = fit_one_step_denoiser(
            stream(key, "fit", dim, load),
            train,
            self.value(point, "time"),
            self._noise_scale(point),
            draws=self.draws,
            count=n,
        )
        mean, covariance = generated_law(denoiser)
        gap = kernel_gap(
            train,
            prepared.samples,
            mean,
            covariance,
            scale=self.value(point, "bandwidth"),
            count=n,
            log_reference_overlap=prepared.log_self_overlap,
        )
        results = {"delta": gap.value, "log_scale": gap.log_scale}
        generate_key = stream(key, "generate", dim, load)
        law_sampled = not isinstance(population, Gaussian | Empirical)
        if self.distances or law_sampled:
            generated = generate(denoiser, generate_key, self.generated_size)
        for distance in self.distances:
            measure = _sample_distance(distance, stream(key, "distance", dim), prepared.samples)
            equal = jnp.minimum(n, self.reference_size)
            results[_gap_name(distance)] = sample_gap(
                measure,
                train,
                prepared.samples,
                generated,
                equal if distance in BIASED_BY_SIZE else n,
                reference_count=equal,
            )
        if isinstance(population, Empirical):
            return results | {
                "bures_squared": moment_distances(population, mean, covariance, n, dim).bures_squared
            }
        if isinstance(population, Gaussian):
            return results | exact_distances(population, mean, covariance, n)
        normals = generating_normals(denoiser, generate_key, self.generated_size)
        law = GeneratedLaw(mean, covariance, generating_factor(denoiser))
        return results | sampled_distances(population, prepared.samples, law, generated, normals, n)

    def _centred(self, dim: int, point: Point) -> AbstractPopulation:
        """The population about its mean: denoiser and distances move with it, float32 samples lose digits."""
        settings = replace(self.population, mean=0.0)
        return settings.build(dim, {name: value for name, value in point.items() if name != "mean"})

    def _noise_scale(self, point: Point) -> Scalar | float:
        """λ, by default e^-2T."""
        given = self.value(point, "noise_scale")
        return jnp.exp(-2 * jnp.asarray(self.value(point, "time"), jnp.float64)) if given is None else given

    def _reference(self, key: Key, dim: int, point: Point, *load: Scalar) -> SharedReference:
        population = self._centred(dim, point)
        if isinstance(population, Empirical):
            samples = self._held_out(key, population, 1, *load).test
        else:
            samples = population.sample(stream(key, "reference", dim, *load), self.reference_size)
        bandwidth = kernel_bandwidth(self.value(point, "bandwidth"), self.reference_size, dim)
        return SharedReference(samples, log_self_overlap(samples, bandwidth))

    def _held_out(self, key: Key, population: Empirical, train: int, *load: Scalar) -> TrainTest:
        """Train set and reference of a data set: the loads of a replicate train on more and more of it."""
        own = stream(key, "split", population.dim, *load)
        return held_out_split(population, own, train, self.reference_size)


def sample_size(load: float, dim: int) -> int:
    """n, the whole number nearest to load · d (halves to even)."""
    return round(load * dim)


def _gap_name(distance: Distance) -> str:
    return f"delta_{distance.replace('-', '_')}"


def _sample_distance(distance: Distance, key: Key, reference: Samples) -> Callable[..., Scalar]:
    """D(x, y, count): directions or bandwidth are those of the replicate, the same for both terms of Δ_D."""
    if distance == "sliced-wasserstein":
        return partial(sliced_wasserstein, key)
    if distance == "maximum-mean-discrepancy":
        return partial(maximum_mean_discrepancy_squared, bandwidth=median_bandwidth(reference))
    return energy_distance
