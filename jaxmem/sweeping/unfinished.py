"""Tasks of staged studies that are in hand: each has a folder in the store, by which a later run finds it."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from jaxmem.checkpoints.trees import replace_file
from jaxmem.sweeping.batching import Layout
from jaxmem.sweeping.grid import Family, Task

STAGES = ".stages"
"""The folder in a store; it is gone when the store is complete."""


def task_folder(store: Path, task: Task, layout: Layout) -> Path:
    """The folder of a task, made together with a note of what the task is."""
    note = json.dumps(
        {
            "groups": [group.indices for group in task.family.groups],
            "replicates": task.replicates,
            "layout": layout.replicates,
        }
    )
    folder = store / STAGES / hashlib.sha256(note.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / "task.json", note.encode())
    return folder


def forget_task(folder: Path) -> None:
    """Remove what a finished task has left; it is in the store."""
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # others are in hand
        folder.parent.rmdir()


def unfinished_tasks(
    store: Path, families: tuple[Family, ...], completed: np.ndarray, memory_budget: int
) -> Iterator[tuple[Task, Layout]]:
    """The tasks that an earlier run was at, as it had laid them out, where nothing of them is in the store.

    Folders of tasks that the store has meanwhile are removed.
    """
    known = {
        tuple(group.indices for group in part): (family, part)
        for family in families
        for part in _parts(family)
    }
    for folder in sorted((store / STAGES).glob("*")):
        try:
            note = json.loads((folder / "task.json").read_text())
            indices = tuple(tuple(tuple(index) for index in group) for group in note["groups"])
            replicates, layout = tuple(note["replicates"]), Layout(int(note["layout"]), memory_budget)
            family, groups = known[indices]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if max(replicates) >= completed.shape[-1]:
            continue  # of a run for more replicates
        task = Task(Family(family.prepared_at, groups), replicates)
        if any(completed[index][list(replicates)].any() for index in task.family.indices):
            forget_task(folder)
        else:
            yield task, layout


def _parts(family: Family) -> Iterator[tuple]:
    """The groups of a family, all of them and each alone: a task has those where something is missing."""
    yield family.groups
    if len(family.groups) > 1:
        for group in family.groups:
            yield (group,)
