"""Tasks of staged studies that are in hand: each has a folder in the store, by which a later run finds it."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from jaxmem.checkpoints.trees import replace_file
from jaxmem.sweeping.batching import Layout
from jaxmem.sweeping.grid import Family, Task

OWNER = "run"
"""A file of this name in a task's folder holds the name of the run that the task is computed for."""

STAGES = ".stages"
"""The folder in a store; it is gone when the store is complete."""


Standing = Literal["held", "ended", "taken over"]


@dataclass(frozen=True)
class Place:
    """Where a task is saved while a run has it in hand, wherever it is computed.

    Attributes:
        folder: of the task.
        run: name of the run, another for every call of `sweep`.
    """

    folder: Path
    run: str

    def standing(self) -> Standing:
        """Whether the run goes on, has ended, or another one has the task: its client died, a worker lives.

        A task of an ended run saves what it has; the folder of one that is taken over is another's.
        """
        try:
            return "held" if (self.folder / OWNER).read_text() == self.run else "taken over"
        except OSError:
            return "ended" if self.folder.is_dir() else "taken over"

    def end(self) -> None:
        """Tell the task to save what it has and end."""
        with suppress(OSError):
            (self.folder / OWNER).unlink()

    def forget(self) -> None:
        """Remove what the finished task has left; it is in the store."""
        _remove(self.folder)


def place_of(store: Path, task: Task, layout: Layout, run: str) -> Place:
    """The place of a task in the hands of a run, made together with a note of what the task is."""
    note = json.dumps(
        {
            "groups": [group.indices for group in task.family.groups],
            "replicates": task.replicates,
            "layout": layout.replicates,
        }
    )
    folder = store / STAGES / hashlib.sha256(note.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / OWNER, run.encode())
    replace_file(folder / "task.json", note.encode())
    return Place(folder, run)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # others are in hand
        folder.parent.rmdir()


def unfinished_tasks(
    store: Path, families: tuple[Family, ...], completed: np.ndarray, memory_budget: int
) -> Iterator[tuple[Task, Layout]]:
    """The tasks that an earlier run was at, as it had laid them out, where the store lacks any part of them.

    A run that was killed while it wrote has some groups of a task in the store: the outcomes of the others
    are in the folder, so the task is taken up whole. Folders of what the store has meanwhile, or of what
    another folder holds too, are removed.
    """
    taken = completed.astype(bool)
    noted = {
        folder: _task_of(folder, families, memory_budget) for folder in sorted((store / STAGES).glob("*"))
    }
    readable = [(folder, *found) for folder, found in noted.items() if found is not None]
    for folder, task, layout in sorted(readable, key=lambda found: -found[1].size):
        if max(task.replicates) >= completed.shape[-1]:
            continue  # of a run for more replicates
        places = [(index, list(task.replicates)) for index in task.family.indices]
        if all(taken[index][replicates].all() for index, replicates in places):
            _remove(folder)
            continue
        for index, replicates in places:
            taken[index][replicates] = True
        yield task, layout


def _task_of(folder: Path, families: tuple[Family, ...], memory_budget: int) -> tuple[Task, Layout] | None:
    """What the note in a folder says; None if it cannot be read, or is of another grid."""
    known = {group.indices: (family, group) for family in families for group in family.groups}
    try:
        note = json.loads((folder / "task.json").read_text())
        indices = [tuple(tuple(index) for index in group) for group in note["groups"]]
        homes, groups = zip(*(known[group] for group in indices), strict=True)
        replicates = tuple(int(replicate) for replicate in note["replicates"])
        layout = Layout(int(note["layout"]), memory_budget)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if any(home is not homes[0] for home in homes) or not 0 < len(replicates) <= layout.replicates:
        return None
    return Task(Family(homes[0].prepared_at, groups), replicates), layout
