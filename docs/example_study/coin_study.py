"""A study in a package of its own; once installed, jaxmem lists, runs, plots and reports it like its own.

pip install ./docs/example_study
jaxmem run biased-coin --flips 4 64 1024 --replicates 500 --figure coin.png
"""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
from scipy.stats import norm

from jaxmem.studies import Curve, Panel, Study, Variable, axis, number, stream


def _by_theory(at):
    """P(more heads than tails) as the number of flips grows: the central limit."""
    bias, flips = at.get("bias", 0.05), at["flip_count"]
    return norm.cdf(bias * flips**0.5 / (1 / 4 - bias**2) ** 0.5)


@dataclass(frozen=True)
class BiasedCoin(Study):
    """P(more heads than tails) of a coin over its flips.

    Each replicate flips a coin that shows heads with probability ½ + bias.
    """

    name: ClassVar[str] = "biased-coin"
    panels: ClassVar[tuple[Panel, ...]] = (
        Panel((Curve("excess", theory=_by_theory),), x="flip_count", hue="bias", limits=(0.4, 1.03)),
    )

    flips: tuple[int, ...] = axis((4, 16, 64, 256), "flip_count", "flips n")
    """Flips n (counts, increasing)."""

    bias: float | tuple[float, ...] = number(0.05, "bias b")
    """Bias b of the coin (from 0 to below ½)."""

    def variables(self):
        """Half a flip short of a tie counts for the tails."""
        return {"excess": Variable("heads minus tails", summary="sign")}

    def simulate(self, key, point, *, shape=None, prepared=None):
        """One replicate: `shape` holds the point's numbers as they are known before compiling."""
        flips = dict(shape or self.shape(point))["flip_count"]
        chance = 0.5 + jnp.asarray(self.value(point, "bias"))
        heads = jax.random.bernoulli(stream(key, "flips"), chance, (flips,)).sum()
        return {"excess": 2.0 * heads - flips}
