"""A task of a study that is cut into stages: saved on the way, shown on the way, continued to the same bits.

In the task's folder lie, for each group of points, the state that the next step depends on, what was seen at
each snapshot, and the outcome once it is there. A snapshot is written before any later state: a run that is
killed makes again what it had seen since the last state, bit for bit, since the programs are the same.
"""

import hashlib
import json
import time
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, PyTree
from threadpoolctl import threadpool_limits

from jaxmem.checkpoints import digest_of_program, load_snapshot, load_tree, save_snapshot, save_tree
from jaxmem.numerics.precision import with_float64
from jaxmem.sweeping.batching import (
    COUNTED,
    Layout,
    Results,
    TaskInputs,
    chosen_width,
    columns_of,
    for_every_pair,
    results_of,
    task_inputs,
)
from jaxmem.sweeping.grid import Group, Task
from jaxmem.sweeping.memory import within_memory
from jaxmem.sweeping.protocol import StagedStudy
from jaxmem.sweeping.unfinished import Place

STAGE_SECONDS, STAGE_SHARE = 120.0, 0.05
"""A stage lasts so long, or so large a part of the replicate if that is longer."""

CALL_SECONDS = 5.0
"""Steps are taken for about so long at a time: as often a run looks whether it is to end."""


class StoppedError(Exception):
    """The task was told to end; what it had done is saved."""


@dataclass(frozen=True)
class Watch:
    """How a task in this process is told to end, and tells how many steps of how many it has taken."""

    stop: Event = field(default_factory=Event)
    report: Callable[[int, int], Any] = lambda step, last: None


def run_staged_task(
    study: StagedStudy,
    seed: int,
    task: Task,
    layout: Layout,
    place: Place | None,
    stage_seconds: float = STAGE_SECONDS,
    watch: Watch | None = None,
) -> Results:
    """Compute a task stage by stage, going on from its place, where it is saved; None saves nothing.

    Module-level and picklable, so that any executor can carry it elsewhere; `watch` only in this process.
    """
    with threadpool_limits(limits=1, user_api="blas"):
        return _run(study, seed, task, layout, place, stage_seconds, watch or Watch())


@with_float64
def _run(
    study: StagedStudy,
    seed: int,
    task: Task,
    layout: Layout,
    place: Place | None,
    stage_seconds: float,
    watch: Watch,
) -> Results:
    inputs = task_inputs(study, seed, task, layout)
    header = json.dumps([study.name, study.configuration(), seed, task.replicates, layout.replicates])
    results: Results = []
    for number, group in enumerate(task.family.groups):
        saved = None if place is None else _Saved(place, number, header)
        outcome = partial(_outcome, study, group, inputs, saved, stage_seconds, watch)
        width = chosen_width(study, group, layout, inputs, partial(_lowered_step, study, group, inputs))
        arrays = within_memory((study, group.shape), outcome, width)
        results.extend(results_of(group, arrays, len(task.replicates)))
    return results


def _lowered_step(study: StagedStudy, group: Group, inputs: TaskInputs, width: int) -> Any:
    return Programs(study, group, width, inputs).lowered_step()


def _outcome(
    study: StagedStudy,
    group: Group,
    inputs: TaskInputs,
    saved: "_Saved | None",
    stage_seconds: float,
    watch: Watch,
    width: int,
) -> dict[str, np.ndarray]:
    """The outcome of a group, from its folder as far as that goes."""
    snapshots = study.look_steps(group.shape)
    programs = Programs(study, group, width, inputs)
    place, header = None, ""
    if saved is not None:
        if saved.place.standing() != "held":  # it had waited for a worker
            raise StoppedError
        place, header = saved.folder(), saved.header_of(programs)
        done = load_snapshot(place / f"outcome-{header[:16]}.npz")
        if done is not None:
            return done
    state, step = programs.start(), 0
    seen = _Seen(place, header)
    if place is not None:
        with suppress(OSError, ValueError):  # none yet, or another program's: from the beginning
            earlier, reached = load_tree(place / "state.eqx", (state, 0), header)
            if all(seen.has(number) for number, target in enumerate(snapshots) if target < reached):
                state, step = earlier, reached  # a disk that has lost a snapshot costs the way to it
    clock = _Clock(step, snapshots[-1], stage_seconds)
    for number, target in enumerate(snapshots):
        if step > target or (step == target and seen.has(number)):
            continue
        while step < target:
            ahead = min(clock.steps_ahead, target - step)
            began = time.monotonic()
            state = programs.advance(state, ahead)
            clock.took(ahead, time.monotonic() - began)
            step += ahead
            watch.report(step, snapshots[-1])
            standing = "held" if saved is None else saved.place.standing()
            stopped = watch.stop.is_set() or standing != "held"
            if place is not None and standing != "taken over" and (clock.stage_is_over(step) or stopped):
                save_tree(place / "state.eqx", (state, step), header)
                clock.saved(step)
            if stopped:
                raise StoppedError
        seen.keep(number, programs.observe(state))
    outcome = programs.finish(state, seen.stacked(len(snapshots)))
    if place is not None:
        save_snapshot(place / f"outcome-{header[:16]}.npz", outcome)
    return outcome


@dataclass(frozen=True)
class _Saved:
    """Where a group of a task is saved, and for what it is good."""

    place: Place
    number: int
    header: str

    def folder(self) -> Path:
        folder = self.place.folder / f"group-{self.number}"
        folder.mkdir(exist_ok=True)
        return folder

    def header_of(self, programs: "Programs") -> str:
        return hashlib.sha256(f"{self.header} {programs.digest()}".encode()).hexdigest()


class _Seen:
    """What was seen at each snapshot: on disk as it is made, or in memory where there is no place for it."""

    def __init__(self, place: Path | None, header: str):
        self._place, self._name = place, header[:16]
        self._kept: dict[int, dict[str, np.ndarray]] = {}

    def _path(self, number: int) -> Path:
        assert self._place is not None
        return self._place / f"snapshot-{number}-{self._name}.npz"

    def has(self, number: int) -> bool:
        return self._place is not None and load_snapshot(self._path(number)) is not None

    def keep(self, number: int, arrays: dict[str, np.ndarray]) -> None:
        if self._place is None:
            self._kept[number] = arrays
        else:
            save_snapshot(self._path(number), arrays)

    def stacked(self, snapshots: int) -> dict[str, np.ndarray]:
        """All of them, (replicates, points, snapshot, ...)."""
        every = [
            self._kept[number] if self._place is None else load_snapshot(self._path(number))
            for number in range(snapshots)
        ]
        first = every[0]
        assert first is not None
        return {name: np.stack([one[name] for one in every if one is not None], 2) for name in first}


class _Clock:
    """How many steps to take at a time, and when a stage is over."""

    def __init__(self, step: int, last: int, stage_seconds: float):
        self._last, self._stage_seconds = last, stage_seconds
        self._calls = 0
        self.steps_ahead = 1
        self.saved(step)

    def took(self, steps: int, seconds: float) -> None:
        """The first call compiles and says nothing; the others say how many steps take `CALL_SECONDS`."""
        self._calls += 1
        if self._calls > 1:
            self.steps_ahead = int(min(max(1.0, CALL_SECONDS * steps / max(seconds, 1e-9)), 2**30))

    def stage_is_over(self, step: int) -> bool:
        long_enough = time.monotonic() - self._at >= self._stage_seconds
        return long_enough and step - self._step >= STAGE_SHARE * self._last

    def saved(self, step: int) -> None:
        self._step, self._at = step, time.monotonic()


class Programs:
    """The compiled parts of a study at one group of points; states are arrays (replicates, points, ...)."""

    def __init__(self, study: StagedStudy, group: Group, width: int, inputs: TaskInputs):
        self._static = (study, group.shape, width, inputs.mesh)
        self._inputs = (inputs.keys, columns_of(group), inputs.prepared)

    def lowered_step(self) -> Any:
        """What takes the most memory, not yet compiled."""
        return _compiled_step.lower(
            "advance", *self._static, *self._inputs, self._state_shape(), jax.ShapeDtypeStruct((), jnp.int32)
        )

    def _state_shape(self) -> PyTree:
        return jax.eval_shape(partial(_part, "start", *self._static), *self._inputs, None, None)

    def digest(self) -> str:
        """Of the programs of a step, a look and the end."""
        state = self._state_shape()
        one = jax.ShapeDtypeStruct((), jnp.int32)
        step = partial(_part, "advance", *self._static)
        look = partial(_part, "observe", *self._static)
        return digest_of_program(step, *self._inputs, state, one) + digest_of_program(
            look, *self._inputs, state, None
        )

    def start(self) -> PyTree:
        """The states before the first step."""
        return _compiled("start", *self._static, *self._inputs, None, None)

    def advance(self, state: PyTree, steps: int) -> PyTree:
        """The states so many steps later; those given are gone."""
        return jax.block_until_ready(
            _compiled_step("advance", *self._static, *self._inputs, state, jnp.int32(steps))
        )

    def observe(self, state: PyTree) -> dict[str, np.ndarray]:
        """What is seen of the states."""
        found = _compiled("observe", *self._static, *self._inputs, state, None)
        return {name: np.asarray(value) for name, value in found.items()}

    def finish(self, state: PyTree, seen: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outcome, from the last states and all that was seen."""
        found = _compiled("finish", *self._static, *self._inputs, state, dict(seen))
        return {name: np.asarray(value, np.float64) for name, value in found.items()}


def _part(
    part: str,
    study: StagedStudy,
    shape: Hashable,
    width: int,
    mesh: Mesh,
    keys: Array,
    columns: Mapping[str, Array],
    prepared: Any,
    state: PyTree,
    more: Any,
) -> Any:
    """One part of a study for all pairs: `more` is the number of steps to advance, or what was seen."""

    def local(keys: Array, columns: Mapping[str, Array], prepared: Any, state: PyTree, more: Any) -> Any:
        def one(replicate: Array, position: Array) -> Any:
            point = {name: column[position] for name, column in columns.items()}
            shared = jax.tree.map(lambda leaf: leaf[replicate], prepared)
            key, given = keys[replicate], {"shape": shape, "prepared": shared}
            if part == "start":
                return eqx.filter(study.initial_state(key, point, **given), eqx.is_array)
            mine = jax.tree.map(lambda leaf: leaf[replicate, position], state)
            like = eqx.filter_eval_shape(lambda: study.initial_state(key, point, **given))
            rest = eqx.filter(like, lambda leaf: not isinstance(leaf, jax.ShapeDtypeStruct))
            whole = eqx.combine(mine, rest)
            if part == "advance":
                return eqx.filter(study.advance(key, point, whole, more, **given), eqx.is_array)
            if part == "observe":
                return study.observe(key, point, whole, **given)
            seen = jax.tree.map(lambda leaf: leaf[replicate, position], more)
            return study.finish(key, point, whole, seen, **given)

        return for_every_pair(one, width, keys.shape[0], len(next(iter(columns.values()))))

    split, whole = PartitionSpec("replicate"), PartitionSpec()
    specs = (split, whole, split, split, split if part == "finish" else whole)
    return jax.shard_map(local, mesh=mesh, in_specs=specs, out_specs=split, check_vma=False)(
        keys, columns, prepared, state, more
    )


_STATIC = (0, 1, 2, 3, 4)
_compiled = jax.jit(_part, static_argnums=_STATIC)
_compiled_step = jax.jit(_part, static_argnums=_STATIC, donate_argnums=8)
COUNTED.extend([_compiled, _compiled_step])
