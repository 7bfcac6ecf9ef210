"""What was measured of a model: every number with its baseline and interval."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import norm

from jaxmem.measuring.distances import DistanceGap
from jaxmem.metrics.data_copying import DataCopying
from jaxmem.statistics.excess_test import excess_p_value
from jaxmem.statistics.export import plain
from jaxmem.statistics.intervals import mean_and_standard_error, wilson_interval
from jaxmem.statistics.proportions import proportion_difference_interval

LEVEL = 0.05
"""Of the tests together."""


@dataclass(frozen=True)
class Share:
    """A share of the generated samples beside that of held-out ones, which is NaN where there are none."""

    value: float
    """Of the generated samples."""
    low: float
    """Lower end of Wilson's interval."""
    high: float
    """Upper end of Wilson's interval."""
    held_out: float = np.nan
    """Of the held-out samples: what a perfect model has."""
    held_out_low: float = np.nan
    """Lower end of Wilson's interval."""
    held_out_high: float = np.nan
    """Upper end of Wilson's interval."""
    excess: float = np.nan
    """The difference of the two."""
    excess_low: float = np.nan
    """Lower end of Newcombe's interval of the difference."""
    excess_high: float = np.nan
    """Upper end of Newcombe's interval of the difference."""
    p_value: float = np.nan
    """Of Fisher's exact test, one-sided towards copying."""

    @classmethod
    def of(
        cls,
        generated: Bool[np.ndarray, "generated"],
        confidence: float,
        held_out: "Bool[np.ndarray, 'held_out'] | None" = None,
        *,
        copying_lowers: bool = False,
    ) -> "Share":
        """From which of the samples count."""
        x, m = int(generated.sum()), len(generated)
        low, high = map(float, wilson_interval(x, m, confidence))
        own = cls(x / m, low, high)
        if held_out is None:
            return own
        y, n = int(held_out.sum()), len(held_out)
        low, high = map(float, wilson_interval(y, n, confidence))
        excess_low, excess_high = map(float, proportion_difference_interval(x, m, y, n, confidence))
        counts = (m - x, m, n - y, n) if copying_lowers else (x, m, y, n)
        return replace(
            own,
            held_out=y / n,
            held_out_low=low,
            held_out_high=high,
            excess=x / m - y / n,
            excess_low=excess_low,
            excess_high=excess_high,
            p_value=excess_p_value(*counts),
        )


@dataclass(frozen=True)
class Average:
    """A mean over samples and its standard error."""

    value: float = np.nan
    """The mean."""
    error: float = np.nan
    """Its standard error."""

    @classmethod
    def of(cls, values: Float[np.ndarray, "n"]) -> "Average":
        """From the samples' values."""
        return cls(*map(float, mean_and_standard_error(values)))


@dataclass(frozen=True)
class Cell:
    """One cell of the data-copying test."""

    z: float
    """Z of Mann and Whitney, below 0 where generated samples are nearer to the train set."""
    p_value: float
    """Of Z, one-sided towards copying."""
    generated: int
    """How many generated samples are in it."""
    held_out: int
    """How many held-out samples are in it."""
    used: bool
    """Whether it counts in C_T."""
    copied: bool
    """Whether p is significant at 5 % among the cells used (Bonferroni)."""


@dataclass(frozen=True)
class CellTest:
    """The data-copying test C_T."""

    value: float = np.nan
    """C_T: below 0 where the train set is copied, above where samples keep farther off than they should."""
    z: float = np.nan
    """C_T in units of its standard deviation for a perfect model."""
    p_value: float = np.nan
    """Of that, one-sided towards copying."""
    cells: tuple[Cell, ...] = ()
    """Those of the partition."""

    @classmethod
    def of(cls, found: DataCopying) -> "CellTest":
        """With p-values, and which cells are copied."""
        p_values = norm.cdf(found.cell_z)
        copied = found.cell_used & (p_values < LEVEL / max(1, int(found.cell_used.sum())))
        columns = (found.cell_z, p_values, found.cell_generated, found.cell_held_out, found.cell_used, copied)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return cls(found.value, found.z, float(norm.cdf(found.z)), tuple(Cell(*row) for row in rows))


@dataclass(frozen=True)
class NearestPair:
    """A generated sample and the training sample nearest to it."""

    generated: int
    """The row of the generated sample."""
    train: int
    """The row of the training sample."""
    distance: float
    """Between them."""
    ratio: float
    """To the distance of the second nearest training sample."""


@dataclass(frozen=True)
class Measurement:
    """Whether a model copies its train set. Without held-out samples, what needs them is NaN or empty."""

    generated_count: int
    """Generated samples."""
    train_count: int
    """Training samples, repeats included."""
    held_out_count: int
    """Held-out samples, 0 if none were given."""
    dim: int
    """Numbers a sample, of its features where these are compared."""
    train_duplicates: int
    """Training samples that repeat an earlier one; nearest neighbours are sought without them."""
    generated_duplicates: int
    """Generated samples that repeat an earlier one."""
    held_out_in_train: int
    """Held-out samples that equal a training sample: a leak, unless the population is discrete."""
    memorised: Share
    """Samples whose nearest training sample is nearer than `ratio` times the second nearest."""
    authentic: Share
    """Samples farther from their nearest training sample than that one is from the next."""
    memorisation: Average
    """Order parameter m: the largest |cos| with a training sample, about their mean."""
    nearest_pairs: tuple[NearestPair, ...]
    """The nearest pairs, the nearest first."""
    memorised_upper: float
    """The largest memorised fraction that is not refuted (Clopper and Pearson, one-sided)."""
    unseen_upper: float
    """The largest rate of copies that so many samples might not have shown once."""
    ratio: float
    """Of distances, under which a sample counts as memorised."""
    confidence: float
    """Of the intervals."""
    seed: int
    """Of everything random."""
    data_copying: CellTest = CellTest()
    """C_T with its cells."""
    memorisation_held_out: Average = Average()
    """m of the held-out samples."""
    distances: dict[str, DistanceGap] = field(default_factory=dict)
    """Δ by distance, between equal numbers of train and held-out samples."""
    compared: int = 0
    """How many train and how many held-out samples Δ compares."""
    detectable_copies: float = np.nan
    """The smallest rate of copies that the test of the memorised fraction finds with power 0.8 at 5 %."""

    @property
    def p_values(self) -> dict[str, float]:
        """Of every test, one-sided towards copying; none without held-out samples."""
        found = {
            "memorised_fraction": self.memorised.p_value,
            "authenticity": self.authentic.p_value,
            "data_copying": self.data_copying.p_value,
            **{name: gap.p_value for name, gap in self.distances.items()},
        }
        return {name: p for name, p in found.items() if not np.isnan(p)}

    @property
    def copying_seen_by(self) -> tuple[str, ...]:
        """The tests that reject, together at 5 %, that the model is as it would be without copying.

        Source: Holm, Scand. J. Stat. 6, 65 (1979): the r-th smallest of k p-values is held to
        0.05/(k − r + 1), until one fails.
        """
        ordered = sorted(self.p_values.items(), key=lambda named: named[1])
        seen: set[str] = set()
        for rank, (name, p) in enumerate(ordered):
            if p > LEVEL / (len(ordered) - rank):
                break
            seen.add(name)
        return tuple(name for name in self.p_values if name in seen)

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers by name, None for NaN; baselines and intervals of `memorised_fraction` begin so."""
        found = dict(self._flat())
        found["copying_seen_by"] = list(self.copying_seen_by)
        return {name: _plain(value) for name, value in found.items()}

    def as_json(self) -> str:
        """The same as one JSON object."""
        return json.dumps(self.as_dict(), ensure_ascii=False, allow_nan=False, indent=2)

    def _flat(self) -> Iterator[tuple[str, Any]]:
        names = {"memorised": "memorised_fraction", "authentic": "authenticity"}
        for each in fields(self):
            name, value = names.get(each.name, each.name), getattr(self, each.name)
            if not isinstance(value, Share | Average | CellTest):
                yield name, value
                continue
            for inner in fields(value):
                yield (name if inner.name == "value" else f"{name}_{inner.name}"), getattr(value, inner.name)


def _plain(value: Any) -> Any:
    if isinstance(value, DistanceGap):
        return _plain(value._asdict())
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, Cell | NearestPair):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    return plain(value)
