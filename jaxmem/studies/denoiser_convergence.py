"""Do two denoisers that share no training image learn the same, and is it the population's? System S6.

Sources: Kadkhodaie, Guth, Simoncelli & Mallat, ICLR 2024, arXiv 2310.02557 (K); Maillard & Goldt, arXiv
2605.21402 (MG).
"""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Float32, Float64

from jaxmem import _checks as check
from jaxmem import metrics
from jaxmem._typing import Integer, Key, Scalar
from jaxmem.describing.panels import Curve, Panel
from jaxmem.describing.pictures import as_pictures, picture_coordinates, picture_variable
from jaxmem.describing.variables import Coordinate, Variable
from jaxmem.noising import UniformNoise
from jaxmem.numerics import linear_algebra
from jaxmem.numerics.linear_algebra import product
from jaxmem.numerics.precision import with_float64
from jaxmem.numerics.randomness import stream
from jaxmem.populations import Empirical, PopulationSettings
from jaxmem.sampling import heun, stochastic_ascent
from jaxmem.scores import BiasFreeCNN, BiasFreeDenoiser, parameter_count
from jaxmem.scores.image_rows import image_shape_of
from jaxmem.studies._denoiser_looks import (
    Rows,
    errors_by_noise,
    jacobians_by_noise,
    kept_directions,
    mean_of,
)
from jaxmem.studies._given_data import check_held_out
from jaxmem.studies._staged import StagedStudy
from jaxmem.studies._study import Point, axis, number
from jaxmem.training import BlindDenoising, Training, advance, start_training

NetworkName = Literal["u-net", "cnn", "linear"]
Sampler = Literal["flow", "ascent"]

MODELS = ("a", "b")
SMALLEST_NOISE = 0.02
"""Where the flow ends, as a share of the largest noise, before the last step to none."""

ASCENT_END = 0.05
"""Where the ascent ends, likewise: K's 0.05 from 1."""


class Shape(NamedTuple):
    """Rows of each padded train set, and channels: what fixes array shapes."""

    capacity: int
    channels: int


class Drawn(NamedTuple):
    """The two train sets, held-out samples, and the mean and leading direction of the population."""

    train: tuple[Rows, Rows]
    test: Rows
    mean: Float32[Array, "d"]
    leading: Float64[Array, "d"]


@dataclass(frozen=True)
class DenoiserConvergence(StagedStudy):
    """Convergence q, memorisation m, latent recovery Q and errors of two blind denoisers, over samples.

    Two disjoint sets of n images train one network each, from the same weights and with the same noise:
    y = x + σ ξ, σ uniform up to `largest_noise`, loss ‖f(y) − x‖², f blind to σ. Both generate from the same
    starts, by default by Heun's method for the probability flow, whose score at noise σ is (f(y) − y)/σ².

    - `convergence`: the cosine of the two images of one start, about the population's mean.
    - `memorisation`: the largest |cosine| of a generated with a training image; `memorised_fraction` counts
      those three times nearer to one than to any other.
    - `latent_recovery`: the squared overlap of the leading principal vector of the generated images with the
      population's; it means something where that is a single one.
    - `error_train`, `error_test`, `error_other`: mean squared error per pixel at each of `noise`, on the
      own train set, on held-out images and on the other model's train set. On held-out images of a law it is
      the sum of three: `minimum_error`, that of the exact denoiser f* of this σ; `bias_squared`,
      E ⟨f_A − f*, f_B − f*⟩, which both share; and `disagreement`, the variance ½ E ‖f_A − f_B‖², all that
      convergence sees.
    - `effective_dimension`, the trace of the Jacobian, and `shrinkage`, the eigenvalues of its symmetric part
      in falling order, at `jacobian_images` noised held-out images; `stein_risk`, the error as estimated
      there without the clean image. Above 400 pixels by random signs and Lanczos' method.

    Everything of one model is the mean over the two.
    """

    name: ClassVar[str] = "denoiser-convergence"
    default_replicates: ClassVar[int] = 4

    quick: ClassVar[Mapping[str, Any]] = {
        "samples": (4, 64),
        "channels": (4,),
        "blocks": 1,
        "steps": 300,
        "generated_size": 32,
        "sampling_steps": 10,
        "replicates": 2,
    }
    panels: ClassVar[tuple[Panel, ...]] = (
        Panel(
            (
                Curve("convergence", label="convergence q"),
                Curve("memorisation", label="memorisation m"),
                Curve("latent_recovery", label="latent recovery Q"),
            ),
            x="samples",
            hue="channels",
            limits=(-0.03, 1.03),
            y_label="Order parameter",
        ),
        Panel(
            (
                Curve("error_train", label="own train set"),
                Curve("error_test", label="held out"),
                Curve("error_other", label="the other's train set"),
            ),
            x="samples",
            hue="noise",
            y_scale="log",
            y_label="Mean squared error per pixel",
        ),
        Panel(
            (
                Curve("bias_squared", label="bias²"),
                Curve("disagreement", label="variance"),
                Curve("minimum_error", label="of the exact denoiser"),
            ),
            x="samples",
            hue="noise",
            y_scale="log",
            y_label="Part of the error",
        ),
        Panel(
            (
                Curve("generated_a", label="model A"),
                Curve("nearest_a", label="nearest in A"),
                Curve("generated_b", label="model B"),
                Curve("nearest_b", label="nearest in B"),
            ),
            x="samples",
            hue="channels",
            pictures=True,
            limits=(-1.0, 1.0),
        ),
    )

    samples: tuple[int, ...] = axis((16, 64, 256), "samples", "training samples n of each model")
    """Training samples n of each model (counts, increasing)."""

    channels: tuple[int, ...] = axis((16,), "channels", "channels of the finest level")
    """Channels of the network's finest level (counts, increasing)."""

    population: PopulationSettings = field(default_factory=lambda: PopulationSettings(images="field"))
    """The images: a data set, or a law."""

    dim: int = 64
    """Pixels of a law's images; given images have their own."""

    network: NetworkName = "u-net"
    """The bias-free U-Net of K, a plain bias-free CNN (cnn), or its linear form with circular padding."""

    blocks: int = 2
    """Halvings of the U-Net; twice as many and two more layers of the CNN (a count)."""

    steps: int = 3_000
    """Training steps (a count)."""

    batch_size: int = 64
    """Noised images in a step (a count)."""

    learning_rate: float | tuple[float, ...] = number(1e-3, "learning rate")
    """Learning rate of Adam at the first step, from where it falls to 0 along a cosine (above 0)."""

    largest_noise: float = 2.0
    """Largest noise σ of training and where generation starts (above 0); K's 1 for pixels from 0 to 1."""

    noise: tuple[float, ...] = (0.1, 0.3, 1.0)
    """Noise levels σ at which errors are measured (above 0, increasing)."""

    test_samples: int = 128
    """Held-out images (a count, at least 2)."""

    generated_size: int = 128
    """Images generated by each model (a count, at least 2)."""

    sampling_steps: int = 30
    """Steps of Heun's method, two evaluations each (a count, at least 2)."""

    sampler: Sampler = "flow"
    """Heun's method for the probability flow, or the stochastic ascent of K, which injects noise."""

    ascent_step: float = 0.01
    """Step h of the ascent (above 0, at most 1)."""

    ascent_noise: float = 0.1
    """β of the ascent (above 0, at most 1): 1 injects no noise."""

    jacobian_images: int = 4
    """Held-out images at which Jacobians are taken (0 for none)."""

    pictures: int = 4
    """Images of each model that are kept, with the training images nearest to them (0 for none)."""

    def __post_init__(self) -> None:
        """Refuse what cannot be computed, before anything is."""
        super().__post_init__()
        self.axes()
        for name in ("samples", "channels"):
            for value in getattr(self, name):
                check.positive_integer(name, value)
        for name in ("dim", "blocks", "steps", "batch_size"):
            check.positive_integer(name, getattr(self, name))
        for name in ("test_samples", "generated_size", "sampling_steps"):
            check.positive_integer(name, getattr(self, name), least=2)
        check.positive_integer("pictures", self.pictures, least=0, most=self.generated_size)
        check.positive_integer("jacobian_images", self.jacobian_images, least=0, most=self.test_samples)
        check.one_of("sampler", self.sampler, get_args(Sampler))
        for name in ("ascent_step", "ascent_noise"):
            check.real_number(name, getattr(self, name), above=0.0, most=1.0)
        check.real_number("largest_noise", self.largest_noise, above=0.0)
        check.increasing("noise", self.noise)
        for sigma in self.noise:
            check.real_number("noise", sigma, above=0.0)
        for rate in self.learning_rate if isinstance(self.learning_rate, tuple) else (self.learning_rate,):
            check.real_number("learning_rate", rate, above=0.0)
        check.one_of("network", self.network, get_args(NetworkName))
        self.population.check((self._dim(),))
        if self.population.image_shape(self._dim()) is None:
            raise ValueError("images must be given, a data set or a law of images, got none.")
        image_shape_of(self._image_shape(), divisor=2**self.blocks if self.network == "u-net" else 1)
        check_held_out(self, max(self.samples), "test_samples", sets=2)

    def look_steps(self, shape: Shape | None = None) -> tuple[int, ...]:
        """The networks are looked at when they are trained."""
        return (self.steps,)

    def coordinates(self) -> dict[str, Coordinate]:
        """Noise levels of the errors, parameters of the network, and pixels."""
        counts = [parameter_count(self._network(jax.random.key(0), width)) for width in self.channels]
        found = {
            "noise": Coordinate(("noise",), np.asarray(self.noise), "noise level σ"),
            "parameters": Coordinate(("channels",), np.asarray(counts), "parameters P"),
        }
        if self.jacobian_images:
            order = np.arange(1, kept_directions(self._dim()) + 1)
            found["direction"] = Coordinate(("direction",), order, "direction k")
        return found | (picture_coordinates(self.pictures, self._image_shape()) if self.pictures else {})

    def variables(self) -> dict[str, Variable]:
        """Order parameters, errors by noise level, and images of one start side by side."""
        found = {
            "convergence": Variable("convergence q"),
            "memorisation": Variable("memorisation m"),
            "memorised_fraction": Variable("fraction memorised"),
            "latent_recovery": Variable("latent recovery Q"),
            "error_train": Variable("error on the own train set", dims=("noise",)),
            "error_test": Variable("error on held-out images", dims=("noise",)),
            "error_other": Variable("error on the other's train set", dims=("noise",)),
            "disagreement": Variable("½ E ‖f_A − f_B‖² per pixel", dims=("noise",)),
            "diverged": Variable("share of diverged runs", summary="fraction"),
        }
        if self.population.has_score:
            found |= {
                "minimum_error": Variable("error of the exact denoiser", dims=("noise",)),
                "bias_squared": Variable("bias² per pixel", dims=("noise",)),
            }
        if self.jacobian_images:
            found |= {
                "effective_dimension": Variable("effective dimension Tr ∇f", dims=("noise",)),
                "shrinkage": Variable("shrinkage λ", dims=("noise", "direction")),
                "stein_risk": Variable("Stein's estimate of the error", dims=("noise",)),
            }
        if self.pictures:
            for model in MODELS:
                found[f"generated_{model}"] = picture_variable(f"images of model {model.upper()}")
                found[f"nearest_{model}"] = picture_variable(f"nearest training images of {model.upper()}")
        return found

    def shape(self, point: Point) -> Shape:
        """One for all n: the padded train set and the channels."""
        return Shape(max(self.samples), point["channels"])

    def rows(self, point: Point) -> tuple[int, int]:
        """n, and the capacity of its shape."""
        return point["samples"], max(self.samples)

    def bytes_per_replicate(self, shape: Shape) -> int:
        """Activations of the largest batch of both models, and the samples."""
        batch = max(self.batch_size, self.generated_size, self.test_samples)
        rows = 2 * shape.capacity + 4 * (self.generated_size + self.test_samples)
        return self._dim() * (4 * 40 * self.blocks * shape.channels * batch + 8 * rows)

    @with_float64
    def initial_state(self, key: Key, point: Point, *, shape: Shape, prepared: None = None) -> Any:
        """Both training states, of the same weights and the same noise to come."""
        drawn = self._draw(key, point, shape)
        model = self._network(stream(key, "model", shape.channels), shape.channels)
        return tuple(
            start_training(self._problem(point, rows), stream(key, "training"), model) for rows in drawn.train
        )

    @with_float64
    def advance(
        self, key: Key, point: Point, state: Any, steps: Integer, *, shape: Shape, prepared: None = None
    ) -> Any:
        """Both training states so many steps later."""
        drawn = self._draw(key, point, shape)
        return tuple(
            advance(self._problem(point, rows), one, steps)
            for one, rows in zip(state, drawn.train, strict=True)
        )

    @with_float64
    def observe(
        self, key: Key, point: Point, state: Any, *, shape: Shape, prepared: None = None
    ) -> dict[str, Array]:
        """Everything that is measured of the two models."""
        drawn, n = self._draw(key, point, shape), jnp.asarray(point["samples"], jnp.int32)
        models = [one.model for one in state]
        exact = self.population.build(self._dim(), point) if self.population.has_score else None
        found = errors_by_noise(key, models, drawn.train, drawn.test, self.noise, count=n, exact=exact)
        if self.jacobian_images:
            found |= jacobians_by_noise(key, models, drawn.test[: self.jacobian_images], self.noise)
        generated = [self._generate(key, model, drawn.mean) for model in models]
        about = [rows.astype(jnp.float64) - drawn.mean for rows in generated]
        pairs = list(zip(generated, drawn.train, strict=True))
        found |= {
            "convergence": metrics.sampled_convergence(*about),
            "memorisation": mean_of(metrics.memorisation(g, t, n, mean=drawn.mean) for g, t in pairs),
            "memorised_fraction": mean_of(metrics.memorised_fraction(g, t, count=n) for g, t in pairs),
            "latent_recovery": mean_of(product(_leading(rows), drawn.leading) ** 2 for rows in generated),
        }
        for name, (rows, train) in zip(MODELS, pairs, strict=True):
            if self.pictures:
                shown = rows[: self.pictures]
                nearest = metrics.nearest_training(shown, train, count=n).row
                found[f"generated_{name}"] = as_pictures(shown, self._image_shape())
                found[f"nearest_{name}"] = as_pictures(train[nearest], self._image_shape())
        return found

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
        """What was seen at the one look, and whether a model diverged."""
        diverged = jnp.stack([one.diverged_at >= 0 for one in state]).any()
        return {name: value[0] for name, value in seen.items()} | {"diverged": diverged.astype(jnp.float64)}

    def _generate(self, key: Key, model: Any, mean: Float[Array, "d"]) -> Float32[Array, "generated d"]:
        """Images from noise about the mean; the same starts, and noise on the way, for both models."""
        normal = jax.random.normal(stream(key, "start"), (self.generated_size, mean.size), jnp.float32)
        starts = mean + self.largest_noise * normal
        if self.sampler == "ascent":
            return self._ascend(stream(key, "ascent"), model, starts)
        ends = self.largest_noise, SMALLEST_NOISE * self.largest_noise
        walk = np.append(np.geomspace(*ends, self.sampling_steps), 0.0).astype(np.float32)

        def score(sigma: Scalar, x: Float[Array, "d"]) -> Float[Array, "d"]:
            return (model(x) - x) / sigma**2

        return jax.vmap(lambda x: heun(score, x, walk, UniformNoise(0.0, self.largest_noise)))(starts)

    def _ascend(self, key: Key, model: Any, starts: Float32[Array, "generated d"]) -> Rows:
        """By the stochastic ascent, an image at a time: they end after different numbers of steps."""

        def one(number: Integer, x: Float32[Array, "d"]) -> Float32[Array, "d"]:
            return stochastic_ascent(
                model,
                stream(key, "image", number),
                x,
                start=self.largest_noise,
                end=ASCENT_END * self.largest_noise,
                step=self.ascent_step,
                noise_share=self.ascent_noise,
            )

        return jax.vmap(one)(jnp.arange(len(starts)), starts)

    def _draw(self, key: Key, point: Point, shape: Shape) -> Drawn:
        """Two disjoint train sets and held-out samples; no image is in two of them."""
        known = self.population.data is not None  # XLA folds constants slowly: 15 s at 14 × 14
        with jax.ensure_compile_time_eval() if known else nullcontext():
            population = self.population.build(self._dim(), point)
            mean, covariance = population.mean(), jnp.asarray(population.covariance(), jnp.float64)
            leading = linear_algebra.eigh(covariance)[1][:, -1]
        test_key, train_key = stream(key, "test"), stream(key, "train")
        if isinstance(population, Empirical):
            (first, second), test = population.disjoint_train_sets(
                train_key, shape.capacity, self.test_samples, sets=2
            )
            train = first, second
        else:
            first, second = population.disjoint_samples(train_key, shape.capacity)
            train, test = (first, second), jnp.asarray(population.sample(test_key, self.test_samples))
        return Drawn(train, test, mean.astype(jnp.float32), leading)

    def _problem(self, point: Point, rows: Rows) -> Training:
        """Blind denoising of one model's train set."""
        schedule = UniformNoise(0.0, self.largest_noise)
        count = jnp.asarray(point["samples"], jnp.int32)
        objective = BlindDenoising(rows, self.batch_size, schedule, count)
        return Training(objective, self.value(point, "learning_rate"), self._optimiser)

    def _optimiser(self, learning_rate: Any) -> optax.GradientTransformation:
        return optax.adam(optax.cosine_decay_schedule(learning_rate, self.steps))

    def _network(self, key: Key, channels: int) -> BiasFreeDenoiser | BiasFreeCNN:
        shape, depth = self._image_shape(), 2 * self.blocks + 2
        if self.network == "u-net":
            return BiasFreeDenoiser.draw(key, shape, self.blocks, channels)
        if self.network == "cnn":
            return BiasFreeCNN.draw(key, shape, depth, channels)
        return BiasFreeCNN.draw(key, shape, depth, channels, activation="identity", padding="circular")

    def _dim(self) -> int:
        return self.population.data_dim or self.dim

    def _image_shape(self) -> tuple[int, int, int]:
        shape = self.population.image_shape(self._dim())
        assert shape is not None
        return shape


def _leading(rows: Float[Array, "m d"]) -> Float64[Array, "d"]:
    """The first principal vector of some images."""
    centred = rows.astype(jnp.float64) - rows.astype(jnp.float64).mean(0)
    return linear_algebra.eigh(product(centred.T, centred))[1][:, -1]
