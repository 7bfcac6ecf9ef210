"""P(Δ > 0) of trained nonlinear scores over the load n/d and the number of parameters.

The nonlinear counterpart of the kernel onset of arXiv 2411.17807: the same question, asked of what a network
trained by denoising score matching generates. Fraction memorised: arXiv 2505.17638.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Literal, NamedTuple, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float32

from jaxmem import _checks as check
from jaxmem import metrics
from jaxmem._typing import Integer, Key, Reference, Samples
from jaxmem.describing.panels import Curve, Guide, Panel
from jaxmem.describing.settings import values_of
from jaxmem.describing.variables import Coordinate, Variable
from jaxmem.noising import BetaChain, OrnsteinUhlenbeckLevels, ornstein_uhlenbeck
from jaxmem.numerics.precision import with_float64
from jaxmem.numerics.randomness import stream
from jaxmem.populations import AbstractPopulation, Empirical, PopulationSettings, Sphere
from jaxmem.sampling import ancestral, denoising_implicit, heun, sample_reverse_process, time_grid
from jaxmem.scores import NoisePrediction, empirical_score, parameter_count
from jaxmem.studies._given_data import check_held_out, follow_data, held_out_split
from jaxmem.studies._networks import (
    Layout,
    Network,
    Size,
    activations_per_sample,
    check_network,
    draw_network,
)
from jaxmem.studies._study import Point, Study, axis, number
from jaxmem.studies.kernel_onset import sample_size
from jaxmem.training import DenoisingScoreMatching, Training, advance, start_training

Score = Callable[[Any, Any], Any]
ScoreName = Literal["residual", "two-layer", "u-net", "halder", "empirical", "population"]
Noising = Literal["log", "chain"]
Decay = Literal["cosine", "constant"]
Sampler = Literal["ancestral", "ddim", "heun", "sde", "ode"]

NOISE_PREDICTION = 2.0
"""σ² ‖s + ξ/σ‖², of error O(1) at every level; levels are drawn ∝ σ, so that more noise counts more."""

BANDWIDTH_ROWS = 200
"""The median distance of 19,900 pairs is known to 1 %; sorting 499,500 took longer than all other metrics."""


class Shape(NamedTuple):
    """What fixes the arrays of a replicate."""

    dim: int
    capacity: int
    width: int


@dataclass(frozen=True)
class NonlinearOnset(Study):
    """P(Δ > 0) and fraction memorised of a trained nonlinear score, over load, dimension and width.

    Each replicate draws n training samples, trains a network of (t, x) on them by denoising score matching,
    and generates samples by the reverse process from time `start`. Δ compares these with the train set and
    with a reference sample of the population, by the kernel of `kernel-onset`, by its one-dimensional form
    coordinate by coordinate, and by MMD and sliced Wasserstein. Memorising: P(Δ > 0) near 0. Generalising:
    near 1 for the kernel, whose reference sample is the larger one, and 1/2 for the last two, which compare n
    samples with n; below 1/2 for marginals, by the n − 1 others that a point has in a set of n. On a manifold
    of dimension k < d only these mean something: the kernel's overlaps grow there as ε^(k−d), most for the
    larger sample. Populations should have mean 0 and variances of about 1: the reverse process starts at
    N(0, σ²(start) I).
    """

    name: ClassVar[str] = "nonlinear-onset"

    quick: ClassVar[Mapping[str, Any]] = {
        "loads": (1.0, 4.0, 16.0, 64.0),
        "widths": (32,),
        "steps": 1_000,
        "replicates": 10,
    }
    panels: ClassVar[tuple[Panel, ...]] = (
        Panel(
            (Curve("delta"),), hue="network_width", limits=(-0.03, 1.03), guides=(Guide("P = 1/2", y=0.5),)
        ),
        Panel(
            (Curve("delta_marginal"),),
            hue="network_width",
            limits=(-0.03, 1.03),
            y_label="P(Δ of marginals > 0)",
            guides=(Guide("P = 1/2", y=0.5),),
        ),
        Panel((Curve("memorised_fraction"),), hue="network_width", limits=(-0.03, 1.03)),
        Panel(
            (Curve("delta_sliced_wasserstein"),),
            hue="network_width",
            limits=(-0.03, 1.03),
            guides=(Guide("P = 1/2", y=0.5),),
        ),
        Panel(
            (
                Curve("sliced_wasserstein_train", label="to the train set"),
                Curve("sliced_wasserstein_population", label="to fresh samples"),
            ),
            hue="network_width",
            y_label="Sliced Wasserstein distance",
        ),
    )

    dims: tuple[int, ...] = axis((8,), "dim", "dimension d")
    """Dimensions d of the data (counts, increasing)."""

    loads: tuple[float, ...] = axis((1.0, 2.0, 4.0, 8.0, 16.0, 32.0), "load", "load n/d")
    """Loads n/d (increasing); n is the nearest whole number, at least 2."""

    widths: tuple[int, ...] = axis((16, 64), "network_width", "width m")
    """Widths m of the network (counts, increasing)."""

    population: PopulationSettings = field(default_factory=PopulationSettings)
    """The law that the data come from."""

    sphere_dim: int | tuple[int, ...] | None = number(None, "intrinsic dimension k")
    """Take the data from the k-sphere of radius √(k + 1) in R^d instead (counts below every d)."""

    score: ScoreName = "residual"
    """A residual MLP, a two-layer ReLU network, or for square images of d pixels a U-Net (halder: that of
    arXiv 2411.17807), trained; or the exact limits: the empirical optimal score of the train set, which
    memorises, and the population's, which does not."""

    depth: int = 2
    """Blocks of the residual MLP, or of each level of the U-Net (a count)."""

    multipliers: tuple[int, ...] = (1, 2)
    """Channels of the U-Net's levels in units of its width; each level after the first halves the image."""

    steps: int = 2_000
    """Training steps (a count)."""

    batch_size: int = 64
    """Noised samples in a step (a count)."""

    learning_rate: float | tuple[float, ...] = number(3e-3, "learning rate")
    """Learning rate of Adam at the first step (above 0)."""

    decay: Decay = "cosine"
    """Whether the learning rate falls to 0 along a cosine or stays as it is."""

    noising: Noising = "log"
    """The noise levels: of times in geometric progression from `start` to `end`, drawn ∝ σ; or of a chain of
    `levels` steps, β growing linearly from 1e-4 to `last_beta`, drawn uniformly."""

    last_beta: float = 0.1
    """β of the chain's last step (from 1e-4 to below 1); 200 levels leave ᾱ = 4e-5 of the signal at 0.1, and
    0.13 at the 0.02 of arXiv 2411.17807, which generates from pure noise all the same."""

    start: float = 3.0
    """Time T at which generation starts (above `end`, in units of the Ornstein–Uhlenbeck rate)."""

    end: float = 0.01
    """The smallest time that is trained and visited (above 0)."""

    levels: int = 40
    """Times from `start` to `end`, in geometric progression, that are trained and visited (at least 2)."""

    sampler: Sampler = "ancestral"
    """The discrete sampler, DDIM or Heun's method, which end without noise; the reverse SDE or the
    probability-flow ODE, which leave the noise of time `end`."""

    eta: float = 0.0
    """Noise η of DDIM, from 0 for none to 1 for that of the discrete sampler."""

    generated_size: int = 200
    """Generated samples (a count, at least 2)."""

    reference_size: int = 1_000
    """Size N of the reference sample (a count, at least every n); of a data set these are held out, by
    default half of the data at most."""

    bandwidth: float | tuple[float, ...] = number(1.0, "bandwidth scale σ")
    """Scale σ of the kernel bandwidths ε = σ N^(-1/d), of marginals σ/N (above 0, in the units of the
    data)."""

    def __post_init__(self) -> None:
        """Refuse what cannot be computed, before anything is."""
        follow_data(self, held_out="reference_size")
        super().__post_init__()
        self.axes()
        for name in ("dims", "widths"):
            for value in getattr(self, name):
                check.positive_integer(name, value)
        for load in self.loads:
            check.real_number("loads", load, above=0.0)
            for dim in self.dims:
                if not 2 <= sample_size(load, dim) <= self.reference_size:
                    raise ValueError(
                        f"loads must give from 2 to reference_size = {self.reference_size} samples, "
                        f"got {load:g}, which at d = {dim} gives {sample_size(load, dim)}."
                    )
        known = self.population.has_score
        allowed = tuple(name for name in get_args(ScoreName) if known or name != Network.POPULATION)
        for dim in self.dims:
            layout = Layout(self.multipliers, self.depth)
            check_network(self.score, self._size(dim), allowed, layout=layout, field="score")
        self._check_sampler()
        self._check_noising()
        for name, least in {
            "depth": 1,
            "steps": 1,
            "batch_size": 1,
            "levels": 2,
            "generated_size": 2,
        }.items():
            check.positive_integer(name, getattr(self, name), least=least)
        for name in ("learning_rate", "bandwidth"):
            for value in values_of(getattr(self, name)):
                check.real_number(name, value, above=0.0)
        check.real_number("end", self.end, above=0.0)
        check.real_number("start", self.start, above=self.end)
        self._check_sphere()
        if any(values_of(self.population.mean)):
            raise ValueError(
                f"mean must be 0 in {self.name}, whose generation starts about 0, got {self.population.mean}."
            )
        self.population.check(self.dims)
        most = max(sample_size(load, dim) for load in self.loads for dim in self.dims)
        check_held_out(self, most, "reference_size")

    def _check_sampler(self) -> None:
        check.one_of("sampler", self.sampler, get_args(Sampler))
        check.real_number("eta", self.eta, least=0.0, most=1.0)
        if self.eta and self.sampler != "ddim":
            raise ValueError(f"eta must be 0 for all samplers but ddim, got {self.eta:g} for {self.sampler}.")

    def _check_sphere(self) -> None:
        for sphere in values_of(self.sphere_dim):
            if sphere is not None:
                check.positive_integer("sphere_dim", sphere, most=min(self.dims) - 1)
        if self.sphere_dim is not None and self.population != PopulationSettings():
            raise ValueError(f"sphere_dim must be left out beside a population, got {self.sphere_dim}.")

    def _check_noising(self) -> None:
        check.one_of("decay", self.decay, get_args(Decay))
        check.one_of("noising", self.noising, get_args(Noising))
        check.real_number("last_beta", self.last_beta, least=1e-4, below=1.0)
        if self.noising == "chain" and self.sampler in ("sde", "ode"):
            raise ValueError(f"sampler must be ancestral, ddim or heun on a chain, got {self.sampler}.")

    def coordinates(self) -> dict[str, Coordinate]:
        """The number of samples at each (dim, load), and of parameters at each (dim, width)."""
        sizes = np.array([[sample_size(load, dim) for load in self.loads] for dim in self.dims])
        counts = np.array([[self._parameters(dim, width) for width in self.widths] for dim in self.dims])
        return {
            "n": Coordinate(("dim", "load"), sizes, "training samples n"),
            "parameters": Coordinate(("dim", "network_width"), counts, "parameters P"),
        }

    def variables(self) -> dict[str, Variable]:
        """What is measured of the generated samples."""
        return {
            "delta": Variable("kernel gap Δ / exp(log_scale)", summary="sign"),
            "log_scale": Variable("log scale of Δ", summary="none"),
            "delta_marginal": Variable("kernel gap Δ of marginals / exp(log_scale_marginal)", summary="sign"),
            "log_scale_marginal": Variable("log scale of the Δ of marginals", summary="none"),
            "memorised_fraction": Variable("fraction memorised"),
            "maximum_mean_discrepancy_train": Variable("squared MMD to the train set"),
            "maximum_mean_discrepancy_population": Variable("squared MMD to n fresh samples"),
            "delta_maximum_mean_discrepancy": Variable("Δ of the squared MMD", summary="sign"),
            "sliced_wasserstein_train": Variable("sliced Wasserstein distance to the train set"),
            "sliced_wasserstein_population": Variable("sliced Wasserstein distance to n fresh samples"),
            "delta_sliced_wasserstein": Variable("Δ of the sliced Wasserstein", summary="sign"),
            "diverged": Variable("share of diverged runs", summary="fraction"),
        }

    def shape(self, point: Point) -> Shape:
        """Dimension, the most samples at any load and width: a step's cost does not depend on rows."""
        return Shape(point["dim"], sample_size(max(self.loads), point["dim"]), point["network_width"])

    def rows(self, point: Point) -> tuple[int, int]:
        """n, and the capacity of its shape."""
        return sample_size(point["load"], point["dim"]), self.shape(point).capacity

    def bytes_per_replicate(self, shape: Shape) -> int:
        """Samples and their gaps in float64, activations of a batch, and three copies of the weights."""
        samples = shape.capacity + self.reference_size + self.generated_size
        each = activations_per_sample(self.score, self._size(shape.dim), shape.width, self.depth)
        activations = max(self.batch_size, self.generated_size) * each
        return 4 * (12 * samples * shape.dim + activations + 3 * self._parameters(shape.dim, shape.width))

    def vectorised(self, shape: Shape) -> int:
        """Replicates share the step loop where its operations are too small to fill a core alone."""
        return 1 if self.score in Network.OF_IMAGES else max(1, 128 // shape.width)

    @with_float64
    def simulate(
        self, key: Key, point: Point, *, shape: Shape | None = None, prepared: None = None
    ) -> dict[str, Array]:
        """One replicate at one point; the reference sample is the same for all its loads and widths."""
        shape = shape or self.shape(point)
        dim, load = shape.dim, jnp.asarray(point["load"], jnp.float64)
        n = jnp.rint(load * dim).astype(jnp.int32)
        sphere = self.value(point, "sphere_dim")
        population = self.population.build(dim, point) if sphere is None else Sphere.of(dim, sphere)
        train: Samples
        reference: Samples
        if isinstance(population, Empirical):
            split = stream(key, "split", dim)
            train, reference = held_out_split(population, split, shape.capacity, self.reference_size)
        else:
            train = population.sample(stream(key, "train", dim, load), shape.capacity)
            reference = population.sample(stream(key, "reference", dim), self.reference_size)
        own = stream(key, "run", dim, load, shape.width)
        score, diverged = self._score(own, point, population, train, n, shape)
        generated = self._generate(stream(own, "generate"), score, dim)
        gap, marginal = (
            distance(train, reference, generated, scale=self.value(point, "bandwidth"), count=n)
            for distance in (metrics.sample_kernel_gap, metrics.marginal_kernel_gap)
        )
        return {
            "delta": gap.value,
            "log_scale": gap.log_scale,
            "delta_marginal": marginal.value,
            "log_scale_marginal": marginal.log_scale,
            "memorised_fraction": metrics.memorised_fraction(generated, train, count=n),
            **_distances(stream(key, "directions", dim), train, reference, generated, n),
            "diverged": diverged,
        }

    def _score(
        self,
        key: Key,
        point: Point,
        population: AbstractPopulation,
        train: Samples,
        n: Integer,
        shape: Shape,
    ) -> tuple[Score, Array]:
        """The score to generate with, and 1 where its training diverged."""
        never = jnp.zeros((), jnp.float64)
        schedule = self._schedule()
        if self.score == "empirical":
            return lambda time, x: empirical_score(x, train, *schedule(time), count=n), never
        if self.score == "population":
            return lambda time, x: population.noised(*schedule(time)).score(x), never
        objective = DenoisingScoreMatching(
            jnp.asarray(train), schedule, self.batch_size, count=jnp.asarray(n)
        )
        problem = Training(objective, self.value(point, "learning_rate"), self._optimiser)
        model = self._draw(stream(key, "model"), shape.dim, shape.width)
        state = advance(problem, start_training(problem, stream(key, "training"), model), self.steps)
        return state.model, (state.diverged_at >= 0).astype(jnp.float64)

    def _optimiser(self, learning_rate: Any) -> optax.GradientTransformation:
        if self.decay == "constant":
            return optax.adam(learning_rate)
        return optax.adam(optax.cosine_decay_schedule(learning_rate, self.steps))

    def _draw(self, key: Key, dim: int, width: int) -> NoisePrediction:
        """The network before training."""
        chain = self.noising == "chain"
        return draw_network(
            self.score,
            key,
            self._size(dim),
            width,
            BetaChain(self.levels, last=self.last_beta) if chain else ornstein_uhlenbeck,
            shortest_time=1 / self.levels if chain else self.end,
            layout=Layout(self.multipliers, self.depth),
            time_unit=float(self.levels) if chain else 1.0,
        )

    def _size(self, dim: int) -> Size:
        """The shape of the images that d pixels are; d where they are no square."""
        side = math.isqrt(dim)
        return self.population.image_shape(dim) or ((side, side, 1) if side**2 == dim else dim)

    def _schedule(self) -> OrnsteinUhlenbeckLevels | BetaChain:
        if self.noising == "chain":
            return BetaChain(self.levels, last=self.last_beta)
        return OrnsteinUhlenbeckLevels(self._times(), weight_exponent=NOISE_PREDICTION)

    def _parameters(self, dim: int, width: int) -> int:
        """Trained numbers; the exact scores have none."""
        if self.score in ("empirical", "population"):
            return 0
        return parameter_count(eqx.filter_eval_shape(self._draw, jax.random.key(0), dim, width))

    def _times(self) -> Float32[Array, "levels"]:
        return time_grid(self.start, self.end, self.levels - 1, spacing="log")

    def _generate(self, key: Key, score: Score, dim: int) -> Float32[Array, "generated d"]:
        """Samples from N(0, σ²(start) I) back; all but the SDE and the ODE go on from `end` to 0."""
        if self.sampler in ("sde", "ode"):
            return sample_reverse_process(
                score, key, self.generated_size, dim, self._times(), method=self.sampler
            )
        schedule = self._schedule()
        if self.noising == "chain":
            times = jnp.arange(self.levels, -1, -1, dtype=jnp.float32)
        else:
            times = jnp.append(self._times(), jnp.zeros(1, jnp.float32))
        normal = jax.random.normal(stream(key, "start"), (self.generated_size, dim), jnp.float32)
        starts = schedule(times[0]).sigma * normal
        if self.sampler == "heun":
            return jax.vmap(lambda x: heun(score, x, times, schedule))(starts)
        keys = jax.vmap(lambda i: stream(key, "walk", i))(jnp.arange(self.generated_size))
        walk = partial(denoising_implicit, eta=self.eta) if self.sampler == "ddim" else ancestral
        return jax.vmap(lambda key, x: walk(score, key, x, times, schedule))(keys, starts)


def _distances(
    key: Key, train: Samples, reference: Reference, generated: Float32[Array, "generated d"], n: Integer
) -> dict[str, Array]:
    """Distances to the train set and to n fresh samples: alike unless the model knows its train set."""
    bandwidth = metrics.median_bandwidth(reference, BANDWIDTH_ROWS)
    found: dict[str, Array] = {}
    for name, distance in {
        "maximum_mean_discrepancy": partial(metrics.maximum_mean_discrepancy_squared, bandwidth=bandwidth),
        "sliced_wasserstein": partial(metrics.sliced_wasserstein, key),
    }.items():
        to_train, to_population = distance(train, generated, n), distance(reference, generated, n)
        found |= {
            f"{name}_train": to_train,
            f"{name}_population": to_population,
            f"delta_{name}": to_train - to_population,
        }
    return found
