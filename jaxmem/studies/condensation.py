"""When does one data point carry the whole empirical score? Condensation over time and sample size.

Source: Biroli, Bonnaire, de Bortoli & Mézard, Nat. Commun. 15 (2024) 9957, arXiv 2402.18491.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from jaxmem import _checks as check
from jaxmem import metrics, theory
from jaxmem._typing import Key
from jaxmem.describing.panels import Curve, Guide, Panel
from jaxmem.describing.variables import Variable
from jaxmem.noising import ornstein_uhlenbeck
from jaxmem.numerics.precision import with_float64
from jaxmem.numerics.randomness import stream
from jaxmem.populations import Gaussian
from jaxmem.studies._study import Point, Study, axis


class Shape(NamedTuple):
    """What fixes the arrays of a replicate."""

    dim: int
    samples: int


def _condensed_share(at: Mapping[str, Any]) -> Any:
    return theory.condensed_share(at["time"], at["samples"], at["dim"])


@dataclass(frozen=True)
class Condensation(Study):
    """Posterior weights of noised training points, over time t, samples n and dimension d.

    Data are n samples of N(0, I); some are noised to time t of the Ornstein–Uhlenbeck process, and their
    posteriors α over the data measured. Before the collapse time t_C = −½ log(1 − n^(−2/d)) a point's own
    sample outweighs all others: the empirical optimal score only leads back to it.
    """

    name: ClassVar[str] = "condensation"

    quick: ClassVar[Mapping[str, Any]] = {"samples": (100, 1_000), "replicates": 20}
    panels: ClassVar[tuple[Panel, ...]] = (
        Panel((Curve("condensed", theory=_condensed_share),), x="time", hue="samples", limits=(-0.03, 1.03)),
        Panel((Curve("largest_weight"),), x="time", hue="samples", limits=(-0.03, 1.03)),
        Panel((Curve("participation"),), x="time", hue="samples", limits=(-0.03, 1.03)),
        Panel(
            (Curve("log_ratio"),),
            x="time",
            hue="samples",
            limits=(-15, 60),  # it grows as d/2 log(1/2t) without end
            guides=(Guide("own = others", y=0.0),),
        ),
    )

    dims: tuple[int, ...] = axis((10, 100), "dim", "dimension d")
    """Dimensions d of the data (counts, increasing)."""

    samples: tuple[int, ...] = axis((100, 1_000, 10_000), "samples", "training samples n")
    """Training samples n (counts of at least 2, increasing); a larger set contains the smaller ones."""

    times: tuple[float, ...] = axis(
        (0.02, 0.04, 0.06, 0.1, 0.15, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0), "time", "time t"
    )
    """Times t (above 0, increasing, in units of the Ornstein–Uhlenbeck rate)."""

    points: int = 200
    """Samples that are noised, each once or, where there are fewer, several times (a count)."""

    def __post_init__(self) -> None:
        """Refuse what cannot be computed, before anything is."""
        super().__post_init__()
        self.axes()
        for dim in self.dims:
            check.positive_integer("dims", dim)
        for n in self.samples:
            check.positive_integer("samples", n, least=2)
        for time in self.times:
            check.real_number("times", time, above=0.0)
        check.positive_integer("points", self.points)

    def variables(self) -> dict[str, Variable]:
        """Averages over the noised points."""
        return {
            "condensed": Variable("share with Z_own > Z_others"),
            "largest_weight": Variable("largest weight max_i α_i"),
            "participation": Variable("participation Σ α_i²"),
            "log_ratio": Variable("log Z_own − log Z_others"),
        }

    def shape(self, point: Point) -> Shape:
        """Dimension and number of samples: few of them, so that each is worth a compilation."""
        return Shape(point["dim"], point["samples"])

    def bytes_per_replicate(self, shape: Shape) -> int:
        """The data in float32, and three times in float64 while they are centred and cut into tiles."""
        return math.prod(shape) * (4 + 3 * 8)

    @with_float64
    def simulate(
        self, key: Key, point: Point, *, shape: Shape | None = None, prepared: None = None
    ) -> dict[str, Array]:
        """One replicate at one point; all times share data and noise."""
        dim, n = shape or self.shape(point)
        data = Gaussian.isotropic(dim).sample(stream(key, "data", dim), n)
        mu, sigma = ornstein_uhlenbeck(jnp.asarray(point["time"], jnp.float64))
        found = metrics.condensation(stream(key, "noise", dim), data, mu, sigma, points=self.points)
        return {
            "condensed": (found.log_ratio > 0).astype(jnp.float64).mean(),
            "largest_weight": found.largest_weight.mean(),
            "participation": found.participation.mean(),
            "log_ratio": found.log_ratio.mean(),
        }
