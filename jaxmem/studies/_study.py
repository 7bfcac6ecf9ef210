"""The study: one question, asked of one replicate; its fields are its configuration.

A study is a frozen dataclass. The same fields serve Python, the command line and the configuration that is
stored beside the results. To add one: write its fields with a docstring each, `variables` and `simulate`, and
list it in `jaxmem/studies/__init__.py`, or, in a package of one's own, as an entry point of the group
`jaxmem.studies` (docs/example_study). The sweep does the rest; `shape` and what follows it are refinements.
"""

import dataclasses
import itertools
import math
import typing
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from jaxtyping import Array

from jaxmem import _checks as check
from jaxmem._typing import Key
from jaxmem.describing.panels import Panel
from jaxmem.describing.settings import make_plain, takes_one_or_many
from jaxmem.describing.variables import Coordinate, Variable

Point = Mapping[str, Any]
"""One point of the grid: a value per axis, concrete or traced."""


def axis(default: Any, coordinate: str, long_name: str, units: str = "1") -> Any:
    """A field that is always an axis of the grid: `dims` makes the dimension `dim`."""
    metadata = {"coordinate": coordinate, "long_name": long_name, "units": units}
    return dataclasses.field(default=default, metadata=metadata)


def number(default: Any, long_name: str, units: str = "1") -> Any:
    """A field that is one number, or an axis of its own name when several are given."""
    return dataclasses.field(default=default, metadata={"long_name": long_name, "units": units})


@dataclass(frozen=True)
class Study(ABC):
    """Base of all studies.

    Fields made by `axis`, and fields annotated `float | tuple[float, ...]` that hold a tuple, are the axes of
    the grid, in order of declaration; those of a nested settings dataclass count too.
    """

    name: ClassVar[str]
    """What the command line calls it."""

    default_replicates: ClassVar[int] = 300
    """Replicates per grid point where the command line is told no number."""

    quick: ClassVar[Mapping[str, Any]] = {}
    """Fields, and `replicates`, of a first look that takes about a minute on two CPU cores."""

    panels: ClassVar[tuple[Panel, ...]] = ()
    """What its figure shows; where there are none, every summarised variable gets a panel."""

    def __post_init__(self) -> None:
        """Take lists and arrays where tuples are meant; a study with checks of its own calls this first."""
        make_plain(self)

    def axes(self) -> dict[str, tuple[Any, ...]]:
        """Coordinate name → values, in the order of the result's dimensions."""
        return {name: tuple(value) for name, value, _ in _axis_fields(self)}

    def axis_labels(self) -> dict[str, dict[str, str]]:
        """Coordinate name → its `long_name` and `units`."""
        return {name: labels for name, _, labels in _axis_fields(self)}

    def coordinates(self) -> dict[str, Coordinate]:
        """Further coordinates of the result, such as the number of samples at each (dim, load)."""
        return {}

    @abstractmethod
    def variables(self) -> dict[str, Variable]:
        """Name → labels of everything `simulate` returns."""

    def configuration(self) -> dict[str, Any]:
        """The fields as plain data, for the store: two studies with the same configuration are the same."""
        return _plain(self)

    def value(self, point: Point, field: str) -> Any:
        """The number called `field` at this point: from the point where it is an axis, else the field's."""
        return point[field] if field in point else getattr(self, field)

    def shape(self, point: Point) -> Hashable:
        """Everything that fixes array shapes at a concrete point: points of one shape share a compilation.

        By default all of the point, as pairs (name, value): right for any study, a compilation a point.
        """
        return tuple(point.items())

    def rows(self, point: Point) -> tuple[int, int]:
        """Training samples at a point, and rows of the padded array that holds them; none by default."""
        return 0, 0

    def padding_wasted(self) -> float | None:
        """Share of padded rows that hold no sample, over the whole grid; None where nothing is padded."""
        axes = self.axes()
        rows = [
            self.rows(dict(zip(axes, values, strict=True))) for values in itertools.product(*axes.values())
        ]
        used, held = (sum(column) for column in zip(*rows, strict=True))
        return 1 - used / held if held else None

    def bytes_per_replicate(self, shape: Any) -> int:
        """About how much memory one replicate of this shape needs while it is computed; 1 MiB by default."""
        return 2**20

    def vectorised(self, shape: Any) -> int:
        """How many replicates share one step on a CPU (accelerators take what fits in memory).

        One is best where a replicate fills the cores. More only where no two LAPACK calls that do not wait
        for each other are batched: `jaxmem.sweeping.batching.Layout` says why.
        """
        return 1

    def prepared_over(self) -> tuple[str, ...]:
        """The axes on which `prepare` depends."""
        return ()

    def prepare(self, key: Key, point: Point) -> Any:
        """What all points of a replicate that agree on `prepared_over` share; None where nothing is."""
        return None

    @abstractmethod
    def simulate(
        self, key: Key, point: Point, *, shape: Any = None, prepared: Any = None
    ) -> dict[str, Array]:
        """One replicate at one point: a pure function of its arguments, free of global state.

        Args:
            key: the replicate's key, `jaxmem.replicate_key(seed, replicate)`.
            point: a value per axis; numbers may be traced when `shape` is given.
            shape: `self.shape(point)` by default.
            prepared: `self.prepare(key, point)` by default.

        Returns:
            A float array per variable, of the variable's own dims.
        """


def _axis_fields(settings: Any) -> list[tuple[str, tuple[Any, ...], dict[str, str]]]:
    """(coordinate, values, labels) of every axis in `settings` and in the dataclasses nested in it."""
    found: list[tuple[str, tuple[Any, ...], dict[str, str]]] = []
    hints = typing.get_type_hints(type(settings))
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        labels = {
            "long_name": field.metadata.get("long_name", field.name.replace("_", " ")),
            "units": field.metadata.get("units", "1"),
        }
        if dataclasses.is_dataclass(value):
            found.extend(_axis_fields(value))
        elif "coordinate" in field.metadata:
            check.increasing(field.name, value)
            found.append((field.metadata["coordinate"], value, labels))
        elif isinstance(value, tuple) and takes_one_or_many(hints[field.name]):
            check.increasing(field.name, value)
            found.append((field.name, value, labels))
    return found


def _plain(value: Any) -> Any:
    """`value` as nested dicts, lists, strings and numbers."""
    if dataclasses.is_dataclass(value) and hasattr(value, "configuration") and not isinstance(value, Study):
        return value.configuration()
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no infinity
    return value if isinstance(value, bool | int | float | str | type(None)) else str(value)
