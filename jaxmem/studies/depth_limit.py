"""Does a residual network stay a discretised differential equation while it trains? System S7.

Source: Marion, Wu, Sander & Biau, ICLR 2024, arXiv 2309.01213.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float64

from jaxmem import _checks as check
from jaxmem._typing import Integer, Key, Scalar
from jaxmem.describing.panels import Curve, Panel
from jaxmem.describing.variables import Coordinate, Variable
from jaxmem.numerics.precision import with_float64
from jaxmem.numerics.randomness import stream
from jaxmem.scores.continuous_residual import (
    Adjoint,
    ContinuousResidual,
    functional_descent,
    functional_gradient,
)
from jaxmem.scores.scaled_residual import Activation, ScaledResidual, Start
from jaxmem.studies._staged import StagedStudy
from jaxmem.studies._study import Point, axis, number
from jaxmem.training import Regression, Training, advance, log_spaced_steps, start_training

LIMIT_STEPS = 8
"""Of the solver: 1e-5 of the gradient, a hundredth of what 1,024 layers change of it."""


class Shape(NamedTuple):
    """The number of layers: what fixes array shapes."""

    depth: int


@dataclass(frozen=True)
class DepthLimit(StagedStudy):
    """Differences of neighbouring layers, distance to the limit of depth, and loss, over layers and time.

    A network h_{k+1} = h_k + V_{k+1} φ(W_{k+1} h_k/√q)/(L √m), with A = B = I, is trained on n independent
    pairs of standard normals by gradient descent in steps of η L, all pairs in each: training time is η times
    steps, the same for every depth. Beside it trains one of L/2 layers from the same start and, if asked for,
    the `limit` of infinitely many: the neural ODE, its weights polynomials in depth.

    - `largest_difference` and `mean_difference`: of ‖Z_{k+1} − Z_k‖ over the layers, Z = (V, W) by the
      Frobenius norm; `smoothness` is L Σ ‖Z_{k+1} − Z_k‖², finite in L where weights have a derivative in
      depth.
    - `limit_distance`: (2 Σ_j ‖Z̄_j − Y_j‖²/L)^{1/2} with Y_j the layers of the network of L/2 and Z̄_j the
      mean of the two layers at the same depth: the distance to the limit where errors fall as 1/L
      (Richardson). `solved_distance` is (Σ_k ‖Z_k − Z(s_k)‖²/L)^{1/2} to the limit itself.
    - `output_gap` and `gradient_gap`: what L layers with the limit's weights change of its outputs, at most,
      and of the gradient of its loss, (Σ_k ‖L ∂ℓ/∂Z_k − g(s_k)‖²/Σ_k ‖g(s_k)‖²)^{1/2}.
    - `polyak_lojasiewicz`: −(dℓ/dt)/ℓ = L Σ_k ‖∂ℓ/∂Z_k‖²/ℓ along the path.

    From tied and from smooth starts the source proves differences of O(1/L) at all finite times. Independent
    weights have none to lose; ReLU loses them.
    """

    name: ClassVar[str] = "depth-limit"
    default_replicates: ClassVar[int] = 8

    quick: ClassVar[Mapping[str, Any]] = {
        "depths": (8, 16, 32, 64),
        "samples": 20,
        "dim": 8,
        "width": 16,
        "steps": 200,
        "replicates": 8,
    }
    panels: ClassVar[tuple[Panel, ...]] = (
        Panel(
            (
                Curve("largest_difference", label="largest"),
                Curve("mean_difference", label="mean"),
                Curve("limit_distance", label="distance to the limit"),
                Curve("solved_distance", label="distance to the neural ODE"),
            ),
            x="depth",
            hue="step",
            y_scale="log",
            y_label="Difference of weights",
        ),
        Panel((Curve("loss"),), x="step", hue="depth", y_scale="log", joined=True),
        Panel((Curve("polyak_lojasiewicz"),), x="step", hue="depth", y_scale="log", joined=True),
        Panel((Curve("smoothness"),), x="depth", hue="step", y_scale="log"),
    )

    depths: tuple[int, ...] = axis((16, 64, 256), "depth", "layers L")
    """Layers L (even counts of at least 4, increasing)."""

    samples: int = 100
    """Pairs n of input and target (a count)."""

    dim: int = 16
    """Dimension q of inputs, targets and hidden states (a count)."""

    width: int = 32
    """Width m of each layer (a count)."""

    start: Start = "tied"
    """Weights W at the start: the same in all layers, smooth along the depth, or independent; V is 0."""

    activation: Activation = "gelu"
    """Activation φ; GELU is its form with tanh."""

    limit: bool = False
    """Train the neural ODE too, with its weights at 12 Legendre nodes, and measure the distance to it."""

    adjoint: Adjoint = "discretise"
    """How the neural ODE is differentiated: through the steps of its solver, or by the adjoint equation
    solved backwards in depth."""

    learning_rate: float | tuple[float, ...] = number(0.01, "learning rate η")
    """Learning rate η (above 0); a step is η L times the gradient, and time advances by η."""

    steps: int = 500
    """Steps of gradient descent (a count)."""

    snapshots: int = 5
    """Looks at the network, from `first_step` to the last in about geometric progression (a count)."""

    first_step: int = 20
    """Step of the first look (a count, at most `steps`)."""

    def __post_init__(self) -> None:
        """Refuse what cannot be computed, before anything is."""
        super().__post_init__()
        self.axes()
        for depth in self.depths:
            check.positive_integer("depths", depth, least=4)
            if depth % 2:
                raise ValueError(f"depths must be even, beside each trains one of half as many, got {depth}.")
        check.boolean("limit", self.limit)
        check.one_of("adjoint", self.adjoint, get_args(Adjoint))
        if self.limit and self.start == "independent":
            raise ValueError("limit must be left out with independent layers, which have none, got True.")
        for name in ("samples", "dim", "width", "steps", "snapshots"):
            check.positive_integer(name, getattr(self, name))
        check.positive_integer("first_step", self.first_step, most=self.steps)
        check.one_of("start", self.start, get_args(Start))
        check.one_of("activation", self.activation, get_args(Activation))
        for rate in self.learning_rate if isinstance(self.learning_rate, tuple) else (self.learning_rate,):
            check.real_number("learning_rate", rate, above=0.0)

    def look_steps(self, shape: Shape | None = None) -> tuple[int, ...]:
        """Steps after which the networks are looked at."""
        return log_spaced_steps(self.steps, self.snapshots, first=self.first_step)

    def coordinates(self) -> dict[str, Coordinate]:
        """The steps."""
        return {"step": Coordinate(("step",), np.asarray(self.look_steps(), np.float64), "steps")}

    def variables(self) -> dict[str, Variable]:
        """What is seen along the training, with exponents in the depth."""
        labels = {
            "largest_difference": "largest difference of neighbouring layers",
            "mean_difference": "mean difference of neighbouring layers",
            "limit_distance": "distance to the limit of depth",
            "smoothness": "smoothness L Σ ‖ΔZ‖²",
            "polyak_lojasiewicz": "Polyak–Łojasiewicz constant",
        }
        if self.limit:
            labels |= {
                "solved_distance": "distance to the neural ODE",
                "output_gap": "largest change of an output by L layers",
                "gradient_gap": "relative change of the gradient by L layers",
            }
        found = {
            name: Variable(words, dims=("step",), power_law_over="depth") for name, words in labels.items()
        }
        return found | {
            "loss": Variable("loss", dims=("step",)),
            "outer_norm": Variable("largest ‖V‖/√(qm)", dims=("step",)),
            "inner_norm": Variable("largest ‖W‖/√(qm)", dims=("step",)),
            "diverged": Variable("share of diverged runs", summary="fraction"),
        }

    def shape(self, point: Point) -> Shape:
        """The number of layers."""
        return Shape(point["depth"])

    def bytes_per_replicate(self, shape: Shape) -> int:
        """Weights, gradients and activations of both networks, float64."""
        each = 3 * shape.depth * (2 * self.dim * self.width + 2 * self.samples * (self.dim + self.width))
        return 8 * 2 * each

    def vectorised(self, shape: Shape) -> int:
        """A layer's products are small: four replicates at once take four fifths of the time; no LAPACK."""
        return 4

    def network(self, key: Key, depth: int) -> ScaledResidual:
        """The network before training: the same weights, or the same path along the depth, for every L."""
        return ScaledResidual.draw(
            stream(key, "model"), self.dim, self.width, depth, start=self.start, activation=self.activation
        )

    @with_float64
    def initial_state(self, key: Key, point: Point, *, shape: Shape, prepared: None = None) -> Any:
        """All networks before the first step."""
        own = stream(key, "training")
        return tuple(
            start_training(problem, own, model)
            for problem, model in zip(
                self._problems(key, point, shape), self._models(key, shape), strict=True
            )
        )

    @with_float64
    def advance(
        self, key: Key, point: Point, state: Any, steps: Integer, *, shape: Shape, prepared: None = None
    ) -> Any:
        """All networks so many steps later."""
        return tuple(
            advance(problem, one, steps)
            for problem, one in zip(self._problems(key, point, shape), state, strict=True)
        )

    @with_float64
    def observe(
        self, key: Key, point: Point, state: Any, *, shape: Shape, prepared: None = None
    ) -> dict[str, Array]:
        """Differences along the depth, and the loss, of the network; its distance to the others."""
        here, half = (one.model for one in state[:2])
        differences = jnp.sqrt(_squares(jax.tree.map(lambda leaf: leaf[1:] - leaf[:-1], here)))
        halved = jax.tree.map(lambda leaf: (leaf[::2] + leaf[1::2]) / 2, here)
        apart = _squares(jax.tree.map(jnp.subtract, halved, half))
        (loss, _), slope = eqx.filter_value_and_grad(self._loss, has_aux=True)(here, key)
        size = (self.dim * self.width) ** 0.5
        norms = {
            f"{name}_norm": jnp.sqrt((leaf**2).sum((1, 2)).max()) / size
            for name, leaf in {"outer": here.outer, "inner": here.inner}.items()
        }
        return {
            "largest_difference": differences.max(),
            "mean_difference": differences.mean(),
            "smoothness": shape.depth * (differences**2).sum(),
            "limit_distance": jnp.sqrt(apart.mean()),
            "polyak_lojasiewicz": shape.depth * _squares(slope).sum() / loss,
            "loss": loss,
            **norms,
            **(self._against_limit(key, here, state[2].model) if self.limit else {}),
        }

    def _against_limit(self, key: Key, here: ScaledResidual, limit: ContinuousResidual) -> dict[str, Array]:
        """How far the network is from the neural ODE, and what its number of layers alone changes of that."""
        depth = len(here.outer)
        layers = limit.layers(depth)
        by_values, outputs = eqx.filter_grad(self._loss, has_aux=True)(limit, key)
        by_layers, of_layers = eqx.filter_grad(self._loss, has_aux=True)(layers, key)
        slopes = functional_gradient(by_values).layers(depth)
        apart = _squares(jax.tree.map(lambda ours, its: depth * ours - its, by_layers, slopes)).sum()
        return {
            "solved_distance": jnp.sqrt(_squares(jax.tree.map(jnp.subtract, here, layers)).mean()),
            "output_gap": jnp.sqrt(((of_layers - outputs) ** 2).sum(1).max()),
            "gradient_gap": jnp.sqrt(apart / _squares(slopes).sum()),
        }

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
        """What was seen, and whether the network diverged."""
        return seen | {"diverged": (state[0].diverged_at >= 0).astype(jnp.float64)}

    def pairs(self, key: Key) -> tuple[Float64[Array, "n q"], Float64[Array, "n q"]]:
        """Inputs and targets, independent standard normals."""
        shape = self.samples, self.dim
        drawn = (jax.random.normal(stream(key, name), shape, jnp.float32) for name in ("inputs", "targets"))
        inputs, targets = (rows.astype(jnp.float64) for rows in drawn)
        return inputs, targets

    def _models(self, key: Key, shape: Shape) -> list[ScaledResidual | ContinuousResidual]:
        """The network, that of half as many layers, and the limit."""
        models: list[Any] = [self.network(key, depth) for depth in (shape.depth, shape.depth // 2)]
        if self.limit:
            start: Any = self.start
            drawn = ContinuousResidual.draw(
                stream(key, "model"),
                self.dim,
                self.width,
                start=start,
                activation=self.activation,
                adjoint=self.adjoint,
                steps=LIMIT_STEPS,
            )
            models.append(drawn)
        return models

    def _problems(self, key: Key, point: Point, shape: Shape) -> list[Training]:
        """Gradient descent on all pairs in steps of η L."""
        objective, rate = Regression(*self.pairs(key)), self.value(point, "learning_rate")
        problems = [Training(objective, depth * rate) for depth in (shape.depth, shape.depth // 2)]
        return problems + ([Training(objective, rate, functional_descent)] if self.limit else [])

    def _loss(
        self, model: ScaledResidual | ContinuousResidual, key: Key
    ) -> tuple[Scalar, Float64[Array, "n q"]]:
        """The loss, and the outputs behind it."""
        inputs, targets = self.pairs(key)
        outputs = model.on_batch(inputs)
        return ((outputs - targets) ** 2).sum(1).mean(), outputs


def _squares(weights: ScaledResidual) -> Float64[Array, "layers"]:
    """‖Z_k‖² of each layer."""
    return (weights.outer**2).sum((1, 2)) + (weights.inner**2).sum((1, 2))
