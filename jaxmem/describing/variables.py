"""What a number in a result is called: the labels that travel with every stored array."""

from dataclasses import dataclass
from typing import Any, Literal

Summary = Literal["sign", "mean", "median", "fraction", "none"]


@dataclass(frozen=True)
class Variable:
    """Labels of one output of a study, stored as attributes of its array.

    Attributes:
        long_name: the name on an axis, with its symbol.
        units: "1" for a pure number.
        summary: how replicates are summarised: "sign" by P(value > 0), "mean" by mean and standard error,
            "median" by the median and its interval (for heavy tails), "fraction" by the share of ones, "none"
            not at all.
        dims: dimensions of one replicate's value beyond the grid, such as ("step",); empty for a scalar.
        power_law_over: the axis along which `summarise` fits a power law through its replicates, if any.
    """

    long_name: str
    units: str = "1"
    summary: Summary = "mean"
    dims: tuple[str, ...] = ()
    power_law_over: str = ""


@dataclass(frozen=True)
class Coordinate:
    """A labelled coordinate that is not an axis of the grid: dims, values and labels."""

    dims: tuple[str, ...]
    values: Any
    long_name: str
    units: str = "1"
