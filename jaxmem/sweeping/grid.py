"""The grid: its points, which of them share work and array shapes, and what is still missing.

A *family* is a set of points whose replicates share what `study.prepare` returns; a *group* is the points of
a family that share a compilation. A *task* is a family for a few replicates: the unit that is computed,
written and reported.
"""

import itertools
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxmem.sweeping.protocol import Study

Index = tuple[int, ...]
"""Where a point lies on the grid: one position per axis."""


@dataclass(frozen=True)
class Group:
    """Points of one shape: positions on the grid and, in the same order, their coordinate values."""

    shape: Hashable
    indices: tuple[Index, ...]
    points: tuple[tuple[tuple[str, Any], ...], ...]


@dataclass(frozen=True)
class Family:
    """Groups whose replicates share one preparation."""

    prepared_at: tuple[tuple[str, Any], ...] | None
    groups: tuple[Group, ...]

    @property
    def indices(self) -> tuple[Index, ...]:
        """All positions of the family."""
        return tuple(index for group in self.groups for index in group.indices)


@dataclass(frozen=True)
class Task:
    """A family to compute for the given replicates, at the groups where any of them is missing."""

    family: Family
    replicates: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of (point, replicate) pairs."""
        return len(self.family.indices) * len(self.replicates)


def grid_points(study: Study) -> dict[Index, dict[str, Any]]:
    """Position → coordinate values, for every point of the grid."""
    axes = study.axes()
    positions = itertools.product(*(range(len(values)) for values in axes.values()))
    return {
        index: {name: values[i] for (name, values), i in zip(axes.items(), index, strict=True)}
        for index in positions
    }


def families(study: Study) -> tuple[Family, ...]:
    """The grid cut into families and groups.

    A study that prepares nothing has a family per shape: then a task is as small as it can be.
    """
    shared = study.prepared_over()
    collected: dict[Hashable, dict[Hashable, list[tuple[Index, dict[str, Any]]]]] = {}
    for index, point in grid_points(study).items():
        shape = study.shape(point)
        family_key = tuple((name, point[name]) for name in shared) if shared else ("shape", shape)
        collected.setdefault(family_key, {}).setdefault(shape, []).append((index, point))
    return tuple(
        Family(
            prepared_at=key if shared else None,  # type: ignore[arg-type]
            groups=tuple(
                Group(shape, tuple(i for i, _ in found), tuple(tuple(p.items()) for _, p in found))
                for shape, found in groups.items()
            ),
        )
        for key, groups in collected.items()
    )


def missing_tasks(family: Family, completed: np.ndarray, replicates_per_task: int) -> Iterator[Task]:
    """Tasks for what `completed` (grid × replicate, 1 where done) lacks, and only the groups in need."""
    done = np.stack([completed[index] for index in family.indices])
    todo = np.flatnonzero(~done.astype(bool).all(axis=0))
    for start in range(0, len(todo), replicates_per_task):
        replicates = todo[start : start + replicates_per_task]
        groups = tuple(
            group
            for group in family.groups
            if not all(completed[index][replicates].all() for index in group.indices)
        )
        yield Task(Family(family.prepared_at, groups), tuple(int(r) for r in replicates))
