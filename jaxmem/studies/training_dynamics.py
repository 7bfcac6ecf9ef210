"""When does a network start to copy? One score network trained far beyond its best: system S4.

Sources: Bonnaire, Urfin, Biroli & Mézard, NeurIPS 2025, arXiv 2505.17638 (B); Marion & Wu 2026, arXiv
2605.06077 (MW).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Literal, NamedTuple, get_args

import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float32

from jaxmem import _checks as check
from jaxmem._typing import Integer, Key
from jaxmem.describing.panels import Curve, Panel
from jaxmem.describing.pictures import picture_coordinates, picture_variable
from jaxmem.describing.settings import values_of
from jaxmem.describing.variables import Coordinate, Variable
from jaxmem.noising import BetaChain
from jaxmem.numerics.precision import with_float64
from jaxmem.numerics.randomness import stream
from jaxmem.populations import AbstractPopulation, Empirical, PopulationSettings
from jaxmem.scores import empirical_score
from jaxmem.studies._given_data import check_held_out
from jaxmem.studies._imported import imported
from jaxmem.studies._looks import Looks, Score, check_features, held_out_variables, look_variables
from jaxmem.studies._networks import (
    Layout,
    Network,
    Size,
    activations_per_sample,
    check_network,
    draw_network,
)
from jaxmem.studies._staged import StagedStudy
from jaxmem.studies._study import Point, axis, number
from jaxmem.studies._training_times import Criteria, time_variables, training_times
from jaxmem.training import (
    DenoisingScoreMatching,
    Training,
    advance,
    averaged_model,
    log_spaced_steps,
    start_training,
)

Optimiser = Literal["adam", "momentum"]

MOMENTUM = 0.95
"""Of the stochastic gradient descent of B."""

LOSS_LEVELS = 10
"""Noise levels at which losses are told apart: the middles of so many equal parts of the chain."""


class Shape(NamedTuple):
    """The rows of the padded train set, the width of the network and the batch: what fixes array shapes."""

    capacity: int
    width: int
    batch_size: int | None


class _Drawn(NamedTuple):
    """What a replicate draws beside its network."""

    population: AbstractPopulation
    looks: Looks


@dataclass(frozen=True)
class TrainingDynamics(StagedStudy):
    """Losses, copies and distances of a score network along its training, over samples, width and batch.

    Each replicate draws n training samples and `test_samples` others, trains a network to predict the noise
    of the chain x_k = √ᾱ_k x_0 + √(1 − ᾱ_k) ξ, k uniform on 1 … T, and looks at it at steps in geometric
    progression: the loss on training and on test samples, by noise level; and `generated_size` samples by
    DDIM: what share is three times nearer to one training sample than to any other, beside the same share of
    the test samples, which no model can have copied; and their distance to as many training as test samples,
    beside the distance of these two from each other, which no model undercuts but by copying.

    Three times are read off each replicate, on log time between two looks:

    - `memorisation_time`: the copied share passes that of the test samples by `memorised_share`. The first
      copies are seen earlier the more samples are looked at: it is a share of `generated_size`.
    - `divergence_time`: the test loss leaves the train loss by `standard_errors` times the standard error of
      their difference; also by noise level.
    - `generalisation_time`: the sliced Wasserstein distance to the test samples has come within `tolerance`
      of its first minimum; a minimum and the maximum after it count where the curve turns by more than
      `tolerance`, so that noise is not read as double descent.

    A time that is not reached is infinite. Generated images and the training images nearest to them are kept
    at each look; `jaxmem.plotting.plot_pictures` draws them. All n of one width and batch share one
    compilation; a larger train set contains the smaller ones.
    """

    name: ClassVar[str] = "training-dynamics"
    default_replicates: ClassVar[int] = 4

    quick: ClassVar[Mapping[str, Any]] = {
        "samples": (16, 64),
        "widths": (8,),
        "steps": 600,
        "snapshots": 8,
        "test_samples": 16,
        "generated_size": 32,
        "sampling_steps": 20,
        "replicates": 2,
    }
    panels: ClassVar[tuple[Panel, ...]] = (
        Panel(
            (Curve("train_loss", label="train"), Curve("test_loss", label="test")),
            x="step",
            hue="samples",
            joined=True,
            y_scale="log",
            y_label="Loss per dimension",
        ),
        Panel(
            (
                Curve("memorised_fraction", label="generated"),
                Curve("memorised_fraction_test", label="test samples"),
            ),
            x="step",
            hue="samples",
            limits=(-0.03, 1.03),
            joined=True,
            y_label="Fraction memorised",
        ),
        Panel(
            (Curve("memorised_fraction", label="generated"),),
            x="steps_per_sample",
            hue="samples",
            limits=(-0.03, 1.03),
            joined=True,
        ),
        Panel(
            (
                Curve("sliced_wasserstein_train", label="to the train samples"),
                Curve("sliced_wasserstein_test", label="to the test samples"),
            ),
            x="step",
            hue="samples",
            joined=True,
            y_scale="log",
            y_label="Sliced Wasserstein distance",
        ),
        Panel(
            (
                Curve("memorisation_time", label="copies"),
                Curve("divergence_time", label="losses part"),
                Curve("generalisation_time", label="best distance"),
            ),
            x="samples",
            y_scale="log",
            y_label="Training steps",
        ),
    )

    samples: tuple[int, ...] = axis((64, 128, 256), "samples", "training samples n")
    """Training samples n (counts of at least 2, increasing)."""

    widths: tuple[int, ...] = axis((16,), "network_width", "width W")
    """Widths W of the network: channels of the U-Net, neurons of the residual MLP (counts, increasing)."""

    population: PopulationSettings = field(default_factory=lambda: PopulationSettings(images="field"))
    """What the samples are drawn from."""

    dim: int = 64
    """Dimension d of a law's samples, height times width of its images; given data have their own."""

    network: str = Network.U_NET
    """The network: u-net (for images), residual (an MLP), or one's own as module:function, called with (key,
    image shape or d, width), which returns (t, x) → noise, t from 0 to 1; or the exact limits, empirical and
    population, which are not trained."""

    multipliers: tuple[int, ...] = (1, 2)
    """Channels of the U-Net's levels, in units of its width; each level after the first halves the image."""

    attention: int = 0
    """How many of the coarsest levels of the U-Net have attention (0 for none)."""

    blocks: int = 1
    """Residual blocks of the U-Net at each level, or of the residual MLP (a count)."""

    steps: int = 20_000
    """Training steps τ_max (a count)."""

    snapshots: int = 24
    """Looks at the network, from `first_step` to the last step in about geometric progression (a count)."""

    first_step: int = 10
    """Step of the first look (a count, at most `steps`)."""

    optimiser: Optimiser = "adam"
    """Adam, or stochastic gradient descent with momentum 0.95."""

    learning_rate: float | tuple[float, ...] = number(1e-3, "learning rate η")
    """Learning rate η, constant (above 0)."""

    batch_size: int | tuple[int, ...] | None = number(64, "batch size B")
    """Noised samples in a step (a count); None for every training sample once, full batch."""

    average_decay: float | None = None
    """Also look at the moving average of the weights that keeps this share of itself in a step (from 0 to
    1); None for no average."""

    chain_steps: int = 1_000
    """Steps T of the noising chain (a count)."""

    last_beta: float = 0.02
    """β of the chain's last step; it grows linearly from 1e-4 (from 1e-4 to below 1)."""

    sampling_steps: int = 50
    """Steps of DDIM, evenly over the chain (a count, at most T)."""

    generated_size: int = 128
    """Generated samples at each look (a count, at least 2)."""

    test_samples: int = 64
    """Held-out samples; distances and losses take as many training samples (at least 2, at most every n)."""

    features: str = ""
    """Also compare samples in features of one's own, module:function, which takes rows (m, d) and returns
    (m, k); none by default."""

    pictures: int = 4
    """Generated images that are kept at each look, with the training image nearest to each (0 for none)."""

    memorised_share: float = 0.1
    """Copied share, over that of the test samples, that counts as memorisation (above 0, below 1)."""

    standard_errors: float = 4.0
    """Standard errors by which the test loss has left the train loss (above 0)."""

    tolerance: float = 0.05
    """Relative change that is no turn of a distance (above 0, below 1)."""

    def __post_init__(self) -> None:
        """Refuse what cannot be computed, before anything is."""
        super().__post_init__()
        self.axes()
        for name in ("samples", "widths"):
            for value in getattr(self, name):
                check.positive_integer(name, value, least=2 if name == "samples" else 1)
        for name in ("dim", "blocks", "steps", "snapshots", "chain_steps"):
            check.positive_integer(name, getattr(self, name))
        for name in ("generated_size", "test_samples"):
            check.positive_integer(name, getattr(self, name), least=2)
        check.positive_integer("test_samples", self.test_samples, most=min(self.samples))
        check.positive_integer("first_step", self.first_step, most=self.steps)
        check.positive_integer("sampling_steps", self.sampling_steps, most=self.chain_steps)
        check.positive_integer("pictures", self.pictures, least=0, most=self.generated_size)
        for value in values_of(self.batch_size):
            if value is not None:
                check.positive_integer("batch_size", value)
        if self.features:
            check_features("features", imported("features", self.features), self._dim())
        check.one_of("optimiser", self.optimiser, get_args(Optimiser))
        self._check_numbers()
        self.population.check((self._dim(),))
        check_held_out(self, max(self.samples), "test_samples")
        law = () if not self.population.has_score else (Network.POPULATION,)
        allowed = (Network.U_NET, Network.RESIDUAL, Network.EMPIRICAL, *law)
        check_network(self.network, self._size(), allowed, layout=self._layout(), field="network")

    def _check_numbers(self) -> None:
        for rate in values_of(self.learning_rate):
            check.real_number("learning_rate", rate, above=0.0)
        if self.average_decay is not None:
            check.real_number("average_decay", self.average_decay, least=0.0, most=1.0)
        check.real_number("last_beta", self.last_beta, least=1e-4, below=1.0)
        check.real_number("standard_errors", self.standard_errors, above=0.0)
        for name in ("memorised_share", "tolerance"):
            check.real_number(name, getattr(self, name), above=0.0, below=1.0)

    def look_steps(self, shape: Shape | None = None) -> tuple[int, ...]:
        """The steps after which the network is looked at, the same for every shape."""
        return log_spaced_steps(self.steps, self.snapshots, first=self.first_step)

    def coordinates(self) -> dict[str, Coordinate]:
        """Steps, steps per sample, the indices of the noise levels, and pixels."""
        steps = np.asarray(self.look_steps(), np.float64)
        per_sample = steps / np.asarray(self.samples, np.float64)[:, None]
        found = {
            "step": Coordinate(("step",), steps, "training steps τ"),
            "steps_per_sample": Coordinate(("samples", "step"), per_sample, "training steps per sample τ/n"),
            "noise_level": Coordinate(
                ("noise_level",), np.asarray(self._loss_indices()), "index k of the noise level"
            ),
        }
        shape = self._image_shape()
        if shape is not None and self.pictures:
            found |= picture_coordinates(self.pictures, shape)
        return found

    def variables(self) -> dict[str, Variable]:
        """What is seen along the training, for the last weights and their average, and the times."""
        found: dict[str, Variable] = {}
        for suffix, of in self._weights().items():
            seen = look_variables(self.test_samples, of, features=bool(self.features))
            labels = seen | time_variables(self._power_law_over(), of)
            found |= {f"{name}{suffix}": variable for name, variable in labels.items()}
        found |= held_out_variables(features=bool(self.features))
        found |= {
            "sliced_wasserstein_floor": Variable("sliced Wasserstein distance of train and test samples"),
            "frechet_floor": Variable("Fréchet distance of train and test samples"),
            "train_loss_floor": Variable("train loss of the empirical optimal score"),
            "diverged": Variable("share of diverged runs", summary="fraction"),
        }
        if self.population.has_score:
            found["test_loss_floor"] = Variable("test loss of the population's score")
        if self._image_shape() is not None and self.pictures:
            found |= {
                "generated": picture_variable("generated images", "step"),
                "nearest": picture_variable("their nearest training images", "step"),
            }
        return found

    def _weights(self) -> dict[str, str]:
        """Which weights are looked at: suffix of the variables → words for it."""
        averaged = self.average_decay is not None and self.network not in Network.EXACT
        return {"": ""} | ({"_averaged": ", averaged weights"} if averaged else {})

    def _power_law_over(self) -> str:
        """The first of n, W, B, η that has several values: over it the times get an exponent."""
        axes = self.axes()
        names = ("samples", "network_width", "batch_size", "learning_rate")
        return next((name for name in names if len(axes.get(name, ())) > 1), "samples")

    def shape(self, point: Point) -> Shape:
        """One for all n: the padded train set, width and batch."""
        batch = self.value(point, "batch_size")
        return Shape(max(self.samples), point["network_width"], None if batch is None else int(batch))

    def rows(self, point: Point) -> tuple[int, int]:
        """n, and the capacity of its shape."""
        return point["samples"], max(self.samples)

    def bytes_per_replicate(self, shape: Shape) -> int:
        """Activations of the largest batch, and the samples."""
        batch = max(shape.batch_size or shape.capacity, self.generated_size, self.test_samples)
        kept = activations_per_sample(self.network, self._size(), shape.width, self.blocks)
        rows = shape.capacity + 4 * (self.generated_size + self.test_samples)
        return 4 * batch * kept + 8 * rows * self._dim()

    @with_float64
    def initial_state(self, key: Key, point: Point, *, shape: Shape, prepared: None = None) -> Any:
        """The training state before the first step; of an exact score, which is not trained, what is seen."""
        if self.network in Network.EXACT:
            drawn = self._draw(key, point, shape)
            return drawn.looks.at(self._exact(self.network, drawn))
        own = stream(key, "network", shape.width)
        model = draw_network(
            self.network,
            stream(own, "model"),
            self._size(),
            shape.width,
            self._chain(),
            shortest_time=1 / self.chain_steps,
            layout=self._layout(),
            time_unit=float(self.chain_steps),
        )
        return start_training(self._problem(key, point, shape), stream(own, "training"), model)

    @with_float64
    def advance(
        self, key: Key, point: Point, state: Any, steps: Integer, *, shape: Shape, prepared: None = None
    ) -> Any:
        """The training state so many steps later."""
        if self.network in Network.EXACT:
            return state
        return advance(self._problem(key, point, shape), state, steps)

    @with_float64
    def observe(
        self, key: Key, point: Point, state: Any, *, shape: Shape, prepared: None = None
    ) -> dict[str, Array]:
        """Losses, copies and distances of the last weights and of their average."""
        if self.network in Network.EXACT:
            return state
        looks = self._draw(key, point, shape).looks
        found = looks.at(state.model)
        if self.average_decay is None:
            return found
        averaged = looks.at(averaged_model(state), pictures=False)
        return found | {f"{name}_averaged": value for name, value in averaged.items()}

    @with_float64
    def finish(
        self,
        key: Key,
        point: Point,
        state: Any,
        seen: dict[str, Array],
        *,
        shape: Shape,
        prepared: None = None,
    ) -> dict[str, Array]:
        """What was seen, the times read off it, and what no network is better than."""
        drawn, looks_taken = self._draw(key, point, shape), len(self.look_steps())
        looks, held_out = drawn.looks, drawn.looks.of_held_out()
        copied = held_out["memorised_fraction_test"]
        floor = looks.distances(looks.train[: self.test_samples], looks.test)
        exact = {"train_loss_floor": looks.losses(self._exact(Network.EMPIRICAL, drawn)).train.mean()}
        if self.population.has_score:
            exact["test_loss_floor"] = looks.losses(self._exact(Network.POPULATION, drawn)).test.mean()
        if self.network in Network.EXACT:
            diverged = jnp.zeros((), jnp.float64)
        else:
            diverged = (state.diverged_at >= 0).astype(jnp.float64)
        found = held_out | {
            "memorised_fraction_test": jnp.broadcast_to(copied, (looks_taken,)),
            **{f"{name}_floor": value for name, value in floor.items()},
            **exact,
            "diverged": diverged,
        }
        for suffix in self._weights():
            times = training_times(
                jnp.asarray(self.look_steps(), jnp.float64),
                copied=seen[f"memorised_fraction{suffix}"] - copied,
                parting=seen[f"parting{suffix}"],
                parting_by_level=seen[f"parting_by_level{suffix}"],
                distance=seen[f"sliced_wasserstein_test{suffix}"],
                criteria=Criteria(self.memorised_share, self.standard_errors, self.tolerance),
            )
            found |= {f"{name}{suffix}": value for name, value in times.items()}
        return found | {name: value for name, value in seen.items() if "parting" not in name}

    def _draw(self, key: Key, point: Point, shape: Shape) -> "_Drawn":
        """The population, and what a score is looked at with: train and test samples among it."""
        population = self.population.build(self._dim(), point)
        train, test = self._split(key, population, shape.capacity)
        n = jnp.asarray(point["samples"], jnp.int32)
        return _Drawn(population, self._looks(stream(key, "looks"), train, test, n))

    def _problem(self, key: Key, point: Point, shape: Shape) -> Training:
        """The objective and the optimiser."""
        looks = self._draw(key, point, shape).looks
        objective = DenoisingScoreMatching(
            looks.train, self._chain(), shape.batch_size, count=jnp.asarray(looks.count)
        )
        optimiser = optax.adam if self.optimiser == "adam" else partial(optax.sgd, momentum=MOMENTUM)
        average = None if self.average_decay is None else jnp.float32(self.average_decay)
        return Training(objective, self.value(point, "learning_rate"), optimiser, average_decay=average)

    def _looks(self, key: Key, train: Array, test: Array, n: Integer) -> Looks:
        walk = np.unique(np.rint(np.linspace(0, self.chain_steps, self.sampling_steps + 1)))[::-1]
        return Looks(
            key,
            train,
            test,
            n,
            self._chain(),
            jnp.asarray(self._loss_indices(), jnp.float32),
            walk.astype(np.float32),
            self.generated_size,
            self.pictures,
            self._image_shape(),
            imported("features", self.features) if self.features else None,
        )

    def _split(
        self, key: Key, population: AbstractPopulation, capacity: int
    ) -> tuple[Float32[Array, "capacity d"], Float32[Array, "test d"]]:
        """Train and test samples: none of a data set, and no region of a photograph, is in both."""
        if isinstance(population, Empirical):
            split = population.train_test(stream(key, "data"), capacity, self.test_samples)
            return split.train, split.test
        train = population.sample(stream(key, "train"), capacity)
        return jnp.asarray(train), jnp.asarray(population.sample(stream(key, "test"), self.test_samples))

    def _exact(self, name: str, drawn: "_Drawn") -> Score:
        """The empirical optimal score of the train set, or the population's."""
        chain, looks = self._chain(), drawn.looks
        if name == Network.EMPIRICAL:
            return lambda time, x: empirical_score(x, looks.train, *chain(time), count=looks.count)
        return lambda time, x: drawn.population.noised(*chain(time)).score(x)

    def _layout(self) -> Layout:
        return Layout(self.multipliers, self.blocks, self.attention)

    def _chain(self) -> BetaChain:
        return BetaChain(self.chain_steps, last=self.last_beta)

    def _loss_indices(self) -> list[int]:
        """Middles of equal parts of the chain."""
        parts = min(LOSS_LEVELS, self.chain_steps)
        return [math.ceil((part + 0.5) * self.chain_steps / parts) for part in range(parts)]

    def _dim(self) -> int:
        return self.population.data_dim or self.dim

    def _image_shape(self) -> tuple[int, int, int] | None:
        return self.population.image_shape(self._dim())

    def _size(self) -> Size:
        return self._image_shape() or self._dim()
