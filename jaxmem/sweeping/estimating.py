"""How long a sweep will take, from one replicate of every shape, computed twice: to compile, and to time."""

import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from jaxmem import _checks as check
from jaxmem.numerics.precision import with_float64
from jaxmem.sweeping.batching import Layout, run_task, task_inputs
from jaxmem.sweeping.grid import Family, Group, Task, families, missing_tasks
from jaxmem.sweeping.protocol import StagedStudy, Study
from jaxmem.sweeping.staged import Programs
from jaxmem.sweeping.store import open_store

LONG_ENOUGH = 1.0
"""Seconds over which steps of a staged study are timed, at least."""


class Estimate(NamedTuple):
    """What a sweep has to do, and how long that takes.

    Attributes:
        compiling: seconds, once for every shape; none where the persistent cache has the programs.
        computing: seconds of computing, one task at a time on the devices of this process.
        missing: (point, replicate) pairs that are to be computed.
        total: of all pairs, those in the store among them.
    """

    compiling: float
    computing: float
    missing: int
    total: int


def estimate(
    study: Study,
    *,
    replicates: int,
    seed: int = 0,
    store: str | os.PathLike[str] | None = None,
    memory_budget: int = 2**30,
) -> Estimate:
    """How long `sweep` with the same arguments will take, before it starts; nothing is written.

    Args:
        study: what is asked.
        replicates: independent data sets per grid point, at least 1.
        seed: of the replicate that is computed for it.
        store: what it holds already is left out.
        memory_budget: bytes that the working arrays of a chunk may take, about.

    Returns:
        Seconds and counts. The first replicates stand for all: where they differ much, as searches that end
        early do, it is of that order only. Batches of an accelerator are not timed, so it is too long there.

    Raises:
        ValueError: an argument is out of its range.
        StoreError: the store cannot be read.
    """
    replicates = check.positive_integer("replicates", replicates)
    every = families(study)
    completed = _completed(study, replicates, store)
    compiling = computing = 0.0
    missing = 0
    for family in every:
        left = sum(task.size for task in missing_tasks(family, completed, replicates))
        if not left:
            continue
        layout = Layout(_replicates_of_a_step(study, family), memory_budget)
        task = Task(family, tuple(range(layout.replicates)))
        if isinstance(study, StagedStudy):
            first, again = _staged(study, seed, task, layout)
        else:
            first, again = (_seconds(run_task, study, seed, task, layout) for _ in range(2))
        compiling += max(0.0, first - again)
        computing += again / task.size * left
        missing += left
    return Estimate(compiling, computing, missing, completed.size)


def _completed(study: Study, replicates: int, store: str | os.PathLike[str] | None) -> np.ndarray:
    """Which pairs a store has."""
    found = np.zeros((*(len(values) for values in study.axes().values()), replicates), bool)
    path = None if store is None else Path(store).expanduser()
    if path is not None and path.is_dir() and any(path.iterdir()):
        done = open_store(path)["completed"].values.astype(bool)
        if done.shape[:-1] == found.shape[:-1]:  # else it is of another study, as the sweep will say
            kept = min(replicates, done.shape[-1])
            found[..., :kept] = done[..., :kept]
    return found


def _replicates_of_a_step(study: Study, family: Family) -> int:
    """As many as fill a vectorised step on a processor."""
    return max(math.ceil(study.vectorised(group.shape) / len(group.points)) for group in family.groups)


def _seconds(function: Callable[..., Any], *words: Any) -> float:
    began = time.perf_counter()
    function(*words)
    return time.perf_counter() - began


@with_float64
def _staged(study: StagedStudy, seed: int, task: Task, layout: Layout) -> tuple[float, float]:
    """Seconds with and without compiling: of a few steps, and of one look for each there will be."""
    inputs = task_inputs(study, seed, task, layout)
    first = again = 0.0
    with threadpool_limits(limits=1, user_api="blas"):
        for group in task.family.groups:
            compiled, computed = _staged_group(
                study, group, Programs(study, group, layout.width(study, group.shape), inputs)
            )
            first, again = first + compiled + computed, again + computed
    return first, again


def _staged_group(study: StagedStudy, group: Group, programs: Programs) -> tuple[float, float]:
    looks = study.look_steps(group.shape)
    state = programs.start()
    began = time.perf_counter()
    state = programs.advance(state, 1)
    compiling, steps, taken = time.perf_counter() - began, 1, 0.0
    while looks[-1]:
        began = time.perf_counter()
        state = programs.advance(state, steps)
        taken = time.perf_counter() - began
        if taken >= LONG_ENOUGH or steps == looks[-1]:
            break
        steps = min(2 * steps, looks[-1])
    a_look = [_seconds(programs.observe, state) for _ in range(2)]
    compiling += max(0.0, a_look[0] - a_look[1])
    return compiling, looks[-1] * taken / steps + len(looks) * a_look[1]
