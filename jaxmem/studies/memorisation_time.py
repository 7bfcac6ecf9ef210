"""How long until a score memorises? Random-feature scores over training time τ and samples n: system S8.

Source: Bonnaire, Urfin, Biroli & Mézard, NeurIPS 2025, arXiv 2505.17638: section 3 for the random-feature
score, section 2 for the fraction memorised.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32

from jaxmem import _checks as check
from jaxmem import metrics, theory
from jaxmem._typing import Key, Scalar
from jaxmem.describing.panels import Curve, Panel
from jaxmem.describing.variables import Coordinate, Variable
from jaxmem.noising import ornstein_uhlenbeck
from jaxmem.numerics.padding import padded_size
from jaxmem.numerics.precision import with_float64
from jaxmem.numerics.randomness import stream
from jaxmem.populations import Gaussian
from jaxmem.sampling import ancestral
from jaxmem.scores import RandomFeatures
from jaxmem.studies._study import Point, Study, axis
from jaxmem.studies._turning_points import first_crossing
from jaxmem.training import (
    FeatureMoments,
    RandomFeatureFlow,
    feature_moments,
    flow_readout,
    gradient_flow,
    quadratic_loss,
    sample_mode_rate,
    with_readout,
)


def _sample_mode_time(at: Mapping[str, Any]) -> Any:
    return 1 / theory.sample_mode_rate(at["samples"], at["features"], at["dim"], at["time"], at["ridge"])


class Shape(NamedTuple):
    """Padded size of the train set."""

    capacity: int


@dataclass(frozen=True)
class MemorisationTime(Study):
    """Memorised fraction and losses of a random-feature score over training time and samples.

    n samples of N(0, I) in d dimensions; s_A(x) = A tanh(W x/√d) is trained from A = 0 by gradient flow on

        L(A) = (1/d) E ‖σ s_A(μ x + σ ξ) + ξ‖² + (λ σ²/d) ‖A‖²,    μ = e^-t, σ² = Δ_t = 1 − e^-2t,

    whose trajectory follows from one eigendecomposition. Train and test loss (without the ridge) are those
    at the time t. To generate, each of a few noise levels from T down to t has a readout of its own, trained
    for the same τ, and samples are drawn backwards along them; a sample counts as memorised where it lies
    three times nearer to one training sample than to any other.

    The memorisation time is the τ at which test minus train loss passes half of its value at τ = ∞, infinite
    where that is after the last step; the generalisation time that at which the test loss has fallen half of
    its way to its least value.

    Where p ≫ n ≫ d and n ≪ d³ the nonlinear part of φ gives each sample a direction of its own, which the
    flow learns at a rate ∝ 1/n, and the linear part d directions of a rate without n. So the source explains
    the memorisation time, and 1 over the mean rate of these directions is measured beside it, free of any
    threshold: `sample_mode_time`. At small sizes the curve of log τ_mem over log n is bent: steeper where n
    is a few d, since the linear part then overfits early, and flatter where n is near p, since the loss ends
    at what p features and the ridge allow.
    """

    name: ClassVar[str] = "memorisation-time"
    default_replicates: ClassVar[int] = 4

    quick: ClassVar[Mapping[str, Any]] = {
        "samples": (16, 32, 64),
        "dim": 8,
        "features": 512,
        "noised": 4_096,
        "steps": 22,
        "replicates": 4,
    }
    panels: ClassVar[tuple[Panel, ...]] = (
        Panel(
            (Curve("train_loss", label="train"), Curve("test_loss", label="test")),
            x="step",
            hue="samples",
            limits=(0.0, 3.0),  # the test loss grows to 1/σ², 50 at t = 0.01
            joined=True,
            y_label="Loss at time t",
        ),
        Panel((Curve("memorised_fraction"),), x="step", hue="samples", limits=(0.0, None), joined=True),
        Panel(
            (
                Curve("memorisation_time", label="memorisation"),
                Curve("sample_mode_time", theory=_sample_mode_time, label="mean mode of the samples"),
                Curve("generalisation_time", label="generalisation"),
            ),
            x="samples",
            y_scale="log",
            y_label="Training time τ",
        ),
    )

    samples: tuple[int, ...] = axis((32, 64, 128, 256), "samples", "training samples n")
    """Training samples n (counts of at least 2, increasing); a larger set contains the smaller ones."""

    dim: int = 16
    """Dimension d of the data, which are standard normal (a count)."""

    features: int = 1_024
    """Random features p (a count); the source has p = 64 d."""

    time: float = 0.01
    """Time t of the losses and of the last noise level (above 0, below `start`)."""

    start: float = 2.0
    """Time T from which samples are generated."""

    levels: int = 5
    """Noise levels from T down to t, in geometric progression (a count, at least 2)."""

    ridge: float = 1e-3
    """Ridge λ, to compare with the eigenvalues of the features' second moments (above 0)."""

    noised: int = 8_192
    """Noised rows of the padded train set that the loss is averaged over (a count); as many test samples."""

    generated: int = 100
    """Samples generated at each step (a count)."""

    first_time: float = 1.0
    """First training time τ, learning rate times steps (above 0, below `last_time`)."""

    last_time: float = 1e7
    """Last training time τ."""

    steps: int = 43
    """Training times, from the first to the last in geometric progression (a count, at least 2)."""

    def __post_init__(self) -> None:
        """Refuse what cannot be computed, before anything is."""
        super().__post_init__()
        self.axes()
        for n in self.samples:
            check.positive_integer("samples", n, least=2)
        for name in ("dim", "features", "noised", "generated"):
            check.positive_integer(name, getattr(self, name))
        for name in ("levels", "steps"):
            check.positive_integer(name, getattr(self, name), least=2)
        for name in ("time", "ridge", "first_time"):
            check.real_number(name, getattr(self, name), above=0.0)
        check.real_number("start", self.start, above=self.time)
        check.real_number("last_time", self.last_time, above=self.first_time)

    def training_times(self) -> Float[np.ndarray, "step"]:
        """τ of each step."""
        return np.geomspace(self.first_time, self.last_time, self.steps)

    def coordinates(self) -> dict[str, Coordinate]:
        """The training time τ of each step."""
        label = "training time τ (learning rate × steps)"
        return {"step": Coordinate(("step",), self.training_times(), label)}

    def variables(self) -> dict[str, Variable]:
        """Trajectories over the training time, and the times read from them."""
        along = ("step",)
        return {
            "memorised_fraction": Variable("fraction memorised", dims=along),
            "train_loss": Variable("train loss", dims=along),
            "test_loss": Variable("test loss", dims=along),
            "memorisation_time": Variable("memorisation time $τ_{mem}$", power_law_over="samples"),
            "sample_mode_time": Variable("time of the samples' modes", power_law_over="samples"),
            "generalisation_time": Variable("generalisation time $τ_{gen}$", power_law_over="samples"),
        }

    def shape(self, point: Point) -> Shape:
        """The padded number of samples."""
        return Shape(padded_size(point["samples"]))

    def rows(self, point: Point) -> tuple[int, int]:
        """n, and the capacity of its shape."""
        return point["samples"], self.shape(point).capacity

    def bytes_per_replicate(self, shape: Shape) -> int:
        """Moments, eigenvectors and their workspace, and the readouts of all levels and steps; float64."""
        return 8 * self.features * (8 * self.features + 2 * self.steps * self.levels * self.dim)

    @with_float64
    def simulate(
        self, key: Key, point: Point, *, shape: Shape | None = None, prepared: None = None
    ) -> dict[str, Array]:
        """One replicate at one point; all n share features, fresh samples and the noise of the sampler."""
        capacity = (shape or self.shape(point)).capacity
        n = jnp.asarray(point["samples"], jnp.int32)
        train = Gaussian.isotropic(self.dim).sample(stream(key, "train"), capacity)
        model = RandomFeatures.draw(stream(key, "model"), self.dim, self.features)
        taus = jnp.asarray(self.training_times())
        draws = -(-self.noised // capacity)

        def fit(time: Scalar) -> tuple[FeatureMoments, RandomFeatureFlow]:
            level = ornstein_uhlenbeck(time)
            moments = feature_moments(stream(key, "noise", time), model, train, *level, draws=draws, count=n)
            return moments, gradient_flow(moments, level.sigma, self.ridge * level.sigma**2 / self.dim)

        def trained(time: Scalar) -> Float32[Array, "step d p"]:
            _, flow = fit(time)
            return jax.vmap(lambda tau: flow_readout(flow, tau))(taus).astype(jnp.float32)

        times = jnp.geomspace(self.start, self.time, self.levels)
        moments, flow = fit(times[-1])
        readouts = jax.vmap(lambda tau: flow_readout(flow, tau))(jnp.append(taus, jnp.inf))
        train_loss, test_loss = self._losses(key, model, moments, readouts, times[-1])
        earlier = jax.lax.map(trained, times[:-1])
        every = jnp.concatenate([earlier, readouts[None, :-1].astype(jnp.float32)])
        generated = self._generate(key, model, every, times)
        gap, least = test_loss - train_loss, test_loss[:-1].min()
        return {
            "memorised_fraction": jax.lax.map(
                lambda found: metrics.memorised_fraction(found, train, count=n), generated
            ),
            "train_loss": train_loss[:-1],
            "test_loss": test_loss[:-1],
            "memorisation_time": first_crossing(taus, gap[:-1], gap[-1] / 2),
            "sample_mode_time": 1 / sample_mode_rate(flow, n),
            "generalisation_time": first_crossing(taus, -test_loss[:-1], -(1 + least) / 2),
        }

    def _losses(
        self,
        key: Key,
        model: RandomFeatures,
        moments: FeatureMoments,
        readouts: Float[Array, "step d p"],
        time: Scalar,
    ) -> tuple[Float[Array, "step"], Float[Array, "step"]]:
        """Train and test loss of each readout."""
        level = ornstein_uhlenbeck(time)
        fresh = Gaussian.isotropic(self.dim).sample(stream(key, "test"), self.noised)
        test = feature_moments(stream(key, "test noise"), model, fresh, *level, draws=1)
        losses = jax.vmap(quadratic_loss, in_axes=(0, None, None))
        return losses(readouts, moments, level.sigma), losses(readouts, test, level.sigma)

    def _generate(
        self,
        key: Key,
        model: RandomFeatures,
        readouts: Float32[Array, "level step d p"],
        times: Float[Array, "level"],
    ) -> Float32[Array, "step generated d"]:
        """Samples drawn backwards through the levels, one set per step, all from the same noise."""
        noise = jax.vmap(lambda i: jax.random.fold_in(stream(key, "sampler"), i))(jnp.arange(self.generated))
        starts = jax.random.normal(stream(key, "start"), (self.generated, self.dim), jnp.float32)
        grid = jnp.append(times, 0.0).astype(jnp.float32)

        def at_step(along: Float32[Array, "level d p"]) -> Float32[Array, "generated d"]:
            def score(time: Scalar, x: Float32[Array, "d"]) -> Float32[Array, "d"]:
                return with_readout(model, along[jnp.argmin(jnp.abs(grid[:-1] - time))])(x)

            return jax.vmap(lambda one, x: ancestral(score, one, x, grid))(noise, starts)

        return jax.lax.map(at_step, readouts.swapaxes(0, 1))
