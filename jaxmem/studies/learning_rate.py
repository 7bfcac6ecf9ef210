"""Do large learning rates prevent memorisation? A two-layer score trained by SGD: system S3.

Source: Wu, Marion, Biau & Boyer, COLT 2025, arXiv 2502.03435: excess risk against η, and sharpness.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from jaxmem import _checks as check
from jaxmem import metrics
from jaxmem._typing import Key, Samples, Scalar
from jaxmem.describing.panels import Curve, Guide, Panel
from jaxmem.describing.settings import values_of
from jaxmem.describing.variables import Variable
from jaxmem.metrics.score_error import POINTS, BatchScore
from jaxmem.noising import SingleLevel
from jaxmem.numerics.precision import with_float64
from jaxmem.numerics.randomness import stream
from jaxmem.populations import Gaussian
from jaxmem.scores import TwoLayerReLU, empirical_score, empirical_score_on_line, scores_at
from jaxmem.scores.score_model import partition_trainable
from jaxmem.studies._study import Point, Study, axis, number
from jaxmem.training import DenoisingScoreMatching, Training, advance, start_training

SHARPNESS_NOISES = 50
"""1,000 points at n = 20: λ_max is within 2 % of that over 10 times as many."""

LANCZOS_STEPS = 40
"""Matrix-vector products of the Lanczos method, and vectors of parameters that it keeps."""

VECTORISED_UP_TO = 2**17
"""Activations of a step, batch size × width, up to which 8 replicates share its loop."""


class Shape(NamedTuple):
    """What fixes the arrays and the length of a replicate."""

    dim: int
    steps: int


@dataclass(frozen=True)
class LearningRate(Study):
    """Excess risk, sharpness and total variation of a trained two-layer score over the learning rate.

    A network of width m is trained on n samples by SGD with step m·η and fresh noise, for a number of steps
    that scales as 1/η. Memorising: the score is near the empirical optimum s*, excess risk near 0.
    Generalising: it is near the score of the fitted Gaussian, whose excess risk is given beside.
    """

    name: ClassVar[str] = "learning-rate"

    quick: ClassVar[Mapping[str, Any]] = {"width": 200, "noises": 1_000, "replicates": 4}
    panels: ClassVar[tuple[Panel, ...]] = (
        Panel(
            (
                Curve("excess_risk", label="trained network"),
                Curve("excess_risk_gaussian", label="fitted Gaussian"),
            ),
            x="learning_rate",
            hue="noise",
            y_scale="log",
            y_label="Excess risk",
        ),
        Panel(
            (Curve("sharpness_ratio"),),
            x="learning_rate",
            hue="noise",
            guides=(Guide("edge of stability", y=1.0),),
        ),
        Panel(
            (
                Curve("total_variation", label="trained network"),
                Curve("total_variation_optimal", label="empirical optimum s*"),
            ),
            x="learning_rate",
            hue="noise",
            y_scale="log",
            y_label="Weighted total variation",
        ),
    )

    learning_rates: tuple[float, ...] = axis((0.05, 0.1, 0.5), "learning_rate", "learning rate η")
    """Learning rates η (above 0, in any order); a step of SGD is width · η."""

    noise: float | tuple[float, ...] = number((0.31, 0.57), "noise level σ")
    """Noise level σ (above 0 and below 1; the signal is μ = √(1 − σ²))."""

    dim: int | tuple[int, ...] = number(1, "dimension d")
    """Dimension d of the data, which are standard normal (a count)."""

    samples: int = 20
    """Training samples n (a count, at least 2)."""

    width: int = 1_000
    """Width m of the network (a count)."""

    batch_size: int = 50
    """Pairs of a sample and a noise in a step (a count).

    The source's 50 may be pairs, or noises for each of its 20 samples: 1,000 pairs. Its findings need the
    second. At η = 0.5 and 8 replicates, 1,000 pairs give λ_max · mη/2 = 0.91 ± 0.12 at σ = 0.31 and
    0.87 ± 0.04 at 0.57, and excess risks 0.97 ± 0.22 and 0.036 ± 0.012, under the fitted Gaussian's 1.30
    and 0.08. With 50 pairs gradient noise rules: excess risks 2.2 ± 0.3 and 0.56 ± 0.10, networks that lose
    their neurons, and one that diverges. 50 is the default: the literal reading, and 20 times cheaper.
    """

    epochs_at_unit_rate: float = 2_500.0
    """Steps at η = 1; there are this many over η (above 0)."""

    noises: int = 5_000
    """Noise draws per sample that the risks are averaged over (a count)."""

    def __post_init__(self) -> None:
        """Refuse what cannot be computed, before anything is; learning rates are put in order."""
        super().__post_init__()
        for rate in self.learning_rates:
            check.real_number("learning_rates", rate, above=0.0)
        object.__setattr__(self, "learning_rates", tuple(sorted(self.learning_rates)))
        self.axes()
        for sigma in values_of(self.noise):
            check.real_number("noise", sigma, above=0.0, below=1.0)
        check.positive_integer("samples", self.samples, least=2)
        for dim in self._dims():
            check.positive_integer("dim", dim)
        for name in ("width", "batch_size", "noises"):
            check.positive_integer(name, getattr(self, name))
        check.real_number("epochs_at_unit_rate", self.epochs_at_unit_rate, above=0.0)

    def variables(self) -> dict[str, Variable]:
        """What is measured after the last step; the total variation is for d = 1."""
        found = {
            "excess_risk": Variable("excess risk R(s) − R(s*)"),
            "excess_risk_gaussian": Variable("excess risk of the fitted Gaussian"),
            "relative_excess_risk": Variable("excess risk over that of the zero score"),
            "sharpness": Variable("sharpness λ_max"),
            "sharpness_ratio": Variable("λ_max · mη/2"),
            "diverged": Variable("share of diverged runs", summary="fraction"),
        }
        if self._dims() == (1,):
            found["total_variation"] = Variable("weighted total variation of s'")
            found["total_variation_optimal"] = Variable("weighted total variation of s*'")
        return found

    def shape(self, point: Point) -> Shape:
        """The dimension and the number of steps."""
        steps = max(1, round(self.epochs_at_unit_rate / point["learning_rate"]))
        return Shape(int(self.value(point, "dim")), steps)

    def bytes_per_replicate(self, shape: Shape) -> int:
        """Activations and points of the risk's blocks, its normals, and the basis of the Lanczos method."""
        parameters = self.width * (2 * shape.dim + 1)
        risk = (8 * self.width + 40 * shape.dim) * POINTS + 4 * self.samples * self.noises * shape.dim
        return risk + 8 * LANCZOS_STEPS * parameters

    def vectorised(self, shape: Shape) -> int:
        """Replicates share the step loop where its operations are too small to fill a core alone."""
        return 8 if self.batch_size * self.width * shape.dim <= VECTORISED_UP_TO else 1

    @with_float64
    def simulate(
        self, key: Key, point: Point, *, shape: Shape | None = None, prepared: None = None
    ) -> dict[str, Array]:
        """One replicate at one point; all learning rates and noise levels share data and initial weights."""
        shape = shape or self.shape(point)
        rate, sigma = (jnp.asarray(value) for value in (point["learning_rate"], self.value(point, "noise")))
        mu = jnp.sqrt(1 - sigma**2)
        dim = shape.dim
        data = Gaussian.isotropic(dim).sample(stream(key, "data", dim, self.samples), self.samples)
        objective = DenoisingScoreMatching(data, SingleLevel(mu, sigma), self.batch_size)
        problem = Training(objective, self.width * rate)
        model = TwoLayerReLU.draw(stream(key, "model", self.width), dim, self.width)
        state = advance(problem, start_training(problem, stream(key, "training"), model), shape.steps)
        found = self._risks(key, state.model, data, mu, sigma)
        top = self._sharpness(key, state.model, data, mu, sigma)
        found |= {
            "sharpness": top,
            "sharpness_ratio": top * self.width * rate / 2,
            "diverged": (state.diverged_at >= 0).astype(jnp.float64),
        }
        return found | (self._variations(state.model, data, mu, sigma) if self._dims() == (1,) else {})

    def _dims(self) -> tuple[int, ...]:
        return values_of(self.dim)

    def _risks(
        self, key: Key, model: TwoLayerReLU, data: Samples, mu: Scalar, sigma: Scalar
    ) -> dict[str, Array]:
        """Mean squared gaps to s*: of the network, and of the Gaussian fitted to each coordinate."""
        average = metrics.monte_carlo(stream(key, "risk"), data, self.noises)
        mean, variance = data.mean(0), data.var(0)

        def optimum(y: Array) -> Array:
            return empirical_score(y, data, mu, sigma)

        def fitted(y: Array) -> Array:
            return -(y - mu * mean) / (mu**2 * variance + sigma**2)

        def gap(score: BatchScore) -> Array:
            return metrics.mean_squared_gap(score, optimum, data, mu, sigma, average)

        excess = gap(partial(scores_at, model))
        return {
            "excess_risk": excess,
            "excess_risk_gaussian": gap(fitted),
            "relative_excess_risk": excess / gap(jnp.zeros_like),
        }

    def _sharpness(self, key: Key, model: TwoLayerReLU, data: Samples, mu: Scalar, sigma: Scalar) -> Array:
        """λ_max of the Hessian of the risk over `SHARPNESS_NOISES` draws per sample."""
        trained, rest = partition_trainable(model)
        average = metrics.monte_carlo(stream(key, "sharpness"), data, SHARPNESS_NOISES)
        points = (mu * data + sigma * average.normals).reshape(-1, data.shape[1])
        targets = (-average.normals / sigma).reshape(-1, data.shape[1])

        def risk(parameters: PyTree) -> Array:
            residual = scores_at(eqx.combine(parameters, rest), points) - targets
            return (residual**2).sum(-1).mean()

        return metrics.sharpness(risk, trained, stream(key, "lanczos"), iterations=LANCZOS_STEPS).value

    def _variations(self, model: TwoLayerReLU, data: Samples, mu: Scalar, sigma: Scalar) -> dict[str, Array]:
        """TV of the network, from its kinks, and of s*, from its curvature."""

        def curvature(y: Array) -> Array:
            return empirical_score_on_line(y, data, mu, sigma).curvature

        return {
            "total_variation": metrics.total_variation_of_kinks(*model.kinks(), data, mu, sigma),
            "total_variation_optimal": metrics.total_variation_of_curve(curvature, data, mu, sigma),
        }
