"""What the sweep asks of a study: nothing about diffusion, only points, shapes and one replicate."""

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

from jaxtyping import Array

from jaxmem._typing import Key
from jaxmem.describing.variables import Coordinate, Variable

Point = Mapping[str, Any]


@runtime_checkable
class Study(Hashable, Protocol):
    """A question asked of one replicate. `jaxmem.studies.Study` documents each member."""

    name: ClassVar[str]

    def axes(self) -> Mapping[str, tuple[Any, ...]]:
        """Coordinate name → values, in the order of the result's dimensions."""
        ...

    def axis_labels(self) -> Mapping[str, Mapping[str, str]]:
        """Coordinate name → attributes."""
        ...

    def coordinates(self) -> Mapping[str, Coordinate]:
        """Further coordinates of the result."""
        ...

    def variables(self) -> Mapping[str, Variable]:
        """Name → labels of everything `simulate` returns."""
        ...

    def configuration(self) -> Mapping[str, Any]:
        """The fields as plain data."""
        ...

    def shape(self, point: Point) -> Hashable:
        """Everything that fixes array shapes at a point."""
        ...

    def bytes_per_replicate(self, shape: Any) -> int:
        """About how much memory one replicate needs while it is computed."""
        ...

    def vectorised(self, shape: Any) -> int:
        """How many replicates share one step on a CPU."""
        ...

    def prepared_over(self) -> tuple[str, ...]:
        """The axes on which `prepare` depends."""
        ...

    def prepare(self, key: Key, point: Point) -> Any:
        """What the points of a replicate share."""
        ...

    def simulate(self, key: Key, point: Point, *, shape: Any, prepared: Any) -> Mapping[str, Array]:
        """One replicate at one point."""
        ...


@runtime_checkable
class StagedStudy(Study, Protocol):
    """A study whose replicates are cut into stages. `jaxmem.studies.StagedStudy` documents each member."""

    def look_steps(self, shape: Any) -> tuple[int, ...]:
        """Steps after which a replicate is looked at; the last one ends it."""
        ...

    def initial_state(self, key: Key, point: Point, *, shape: Any, prepared: Any) -> Any:
        """The state before the first step."""
        ...

    def advance(self, key: Key, point: Point, state: Any, steps: Any, *, shape: Any, prepared: Any) -> Any:
        """The state `steps` later."""
        ...

    def observe(
        self, key: Key, point: Point, state: Any, *, shape: Any, prepared: Any
    ) -> Mapping[str, Array]:
        """What is seen of a state."""
        ...

    def finish(
        self, key: Key, point: Point, state: Any, seen: Any, *, shape: Any, prepared: Any
    ) -> Mapping[str, Array]:
        """All variables, from the last state and what was seen."""
        ...
