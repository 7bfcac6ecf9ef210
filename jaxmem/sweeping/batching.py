"""One task on the devices of this process: vmap and sequential map inside one jit per shape.

The randomness of a replicate comes from its own key, so nothing here can change a result but rounding: not
the number of replicates in a task, nor the width of a vectorised step, nor the number of devices.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array
from threadpoolctl import threadpool_limits

from jaxmem.numerics.precision import with_float64
from jaxmem.numerics.randomness import replicate_key
from jaxmem.sweeping.grid import Family, Group, Index, Task
from jaxmem.sweeping.memory import fitting_width, within_memory
from jaxmem.sweeping.protocol import Study

MOST_REPLICATES_PER_TASK = 64
"""Small replicates are not batched further: at 64 a task's dispatch and writing (some 30 ms) are paid for."""


@dataclass(frozen=True)
class Layout:
    """How a task is laid out: replicates per task, and the bytes that one vectorised step may use."""

    replicates: int
    vector_bytes: int

    def width(self, study: Study, shape: Hashable) -> int:
        """Replicates vectorised together in one step: on accelerators what should fit, else the study's.

        Most studies say one: their replicate fills the cores, and several leave the cache. And jaxlib 0.10
        hangs on CPUs when two independent LAPACK calls of a program are both batched: 3 calls of eigh on
        1,500 matrices wait for each other's threads forever, on two cores within seconds.
        """
        if jax.default_backend() == "cpu":
            return study.vectorised(shape)
        return max(1, self.vector_bytes // max(1, study.bytes_per_replicate(shape)))


def choose_layout(
    study: Study,
    family: Family,
    replicates: int,
    chunk_size: int | None,
    memory_budget: int,
    least_tasks: int = 1,
) -> Layout:
    """The layout for `replicates` missing replicates of a family within `memory_budget` bytes.

    `least_tasks` of them, where there are as many replicates.
    """
    largest = max(study.bytes_per_replicate(group.shape) for group in family.groups)
    devices = jax.local_device_count()
    if chunk_size is None:
        most = max(1, min(MOST_REPLICATES_PER_TASK, memory_budget // largest))
        tasks = max(-(-replicates // (most * devices)), min(least_tasks, replicates))
        chunk_size = -(-replicates // tasks)  # tasks of equal size waste no padded replicates
    per_task = -(-chunk_size // devices) * devices
    return Layout(per_task, memory_budget)


Results = list[tuple[Index, dict[str, np.ndarray]]]
"""Per point: its position and, per variable, an array (replicates, *dims of the variable)."""


def run_task(study: Study, seed: int, task: Task, layout: Layout) -> Results:
    """Compute a task. Module-level and picklable, so that any executor can carry it elsewhere.

    LAPACK runs on one thread meanwhile: its own threads spin beside XLA's, and on two busy cores a replicate
    at d = 100 then took 200 ms instead of 4.
    """
    with threadpool_limits(limits=1, user_api="blas"):
        return _run_task(study, seed, task, layout)


@with_float64
def _run_task(study: Study, seed: int, task: Task, layout: Layout) -> Results:
    inputs = task_inputs(study, seed, task, layout)
    results: Results = []
    for group in task.family.groups:
        more = inputs.mesh, inputs.keys, columns_of(group), inputs.prepared
        program = partial(_simulate, study, group.shape)
        lower = partial(_simulate.lower, study, group.shape)
        width = chosen_width(study, group, layout, inputs, lower, *more)
        outputs = within_memory((study, group.shape), program, width, *more)
        arrays = {name: np.asarray(output, np.float64) for name, output in outputs.items()}
        results.extend(results_of(group, arrays, len(task.replicates)))
    return results


class TaskInputs(NamedTuple):
    """What the groups of a task share, replicates along the first axis."""

    mesh: Mesh
    keys: Array
    prepared: Any


def task_inputs(study: Study, seed: int, task: Task, layout: Layout) -> TaskInputs:
    """Keys and preparation of a task's replicates, filled up to whole shapes: no recompilation.

    A task may have been laid out for another number of devices than it is computed on.
    """
    devices = jax.local_device_count()
    padded = np.resize(np.asarray(task.replicates), -(-layout.replicates // devices) * devices)
    mesh = Mesh(np.asarray(jax.local_devices()), ("replicate",))
    keys = _replicate_keys(seed, padded)
    if task.family.prepared_at is None:
        return TaskInputs(mesh, keys, None)
    static = tuple((name, v) for name, v in task.family.prepared_at if isinstance(v, int))
    numbers = {name: jnp.asarray(v) for name, v in task.family.prepared_at if not isinstance(v, int)}
    return TaskInputs(mesh, keys, _prepare(study, static, mesh, keys, numbers))


def chosen_width(
    study: Study, group: Group, layout: Layout, inputs: TaskInputs, lower: Callable[..., Any], *more: Any
) -> int:
    """The width of a group's program: the layout's on a processor, on accelerators what its report allows.

    `lower` takes the width and `more`; no width above the (replicate, point) pairs of a device says more.
    """
    width = layout.width(study, group.shape)
    if jax.default_backend() == "cpu":
        return width
    most = len(inputs.keys) // inputs.mesh.size * len(group.points)
    return fitting_width((study, group.shape), lower, width, most, layout.vector_bytes, *more)


def columns_of(group: Group) -> dict[str, Array]:
    """The points of a group, an array per coordinate."""
    points = [dict(point) for point in group.points]
    return {name: jnp.asarray([point[name] for point in points]) for name in points[0]}


def results_of(group: Group, arrays: Mapping[str, np.ndarray], kept: int) -> Results:
    """The first `kept` replicates, point by point, of arrays (replicates, points, ...)."""
    return [
        (index, {name: array[:kept, position] for name, array in arrays.items()})
        for position, index in enumerate(group.indices)
    ]


COUNTED: list[Any] = []
"""Further compiled functions whose programs count: those of stages."""


def compilations() -> int:
    """How many programs this process has compiled for studies so far."""
    return sum(program._cache_size() for program in (_simulate, _prepare, *COUNTED))


@jax.jit
def _replicate_keys(seed: Array, replicates: Array) -> Array:
    return jax.vmap(lambda replicate: replicate_key(seed, replicate))(replicates)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _prepare(
    study: Study, static: tuple[tuple[str, int], ...], mesh: Mesh, keys: Array, numbers: Mapping[str, Array]
) -> Any:
    def local(keys: Array, numbers: Mapping[str, Array]) -> Any:
        return jax.lax.map(lambda key: study.prepare(key, {**dict(static), **numbers}), keys)

    split, whole = PartitionSpec("replicate"), PartitionSpec()
    return jax.shard_map(local, mesh=mesh, in_specs=(split, whole), out_specs=split, check_vma=False)(
        keys, numbers
    )


@partial(jax.jit, static_argnums=(0, 1, 2, 3))
def _simulate(
    study: Study,
    shape: Hashable,
    width: int,
    mesh: Mesh,
    keys: Array,
    columns: Mapping[str, Array],
    prepared: Any,
) -> dict[str, Array]:
    """Outputs of shape (replicates, points, ...)."""

    def local(keys: Array, columns: Mapping[str, Array], prepared: Any) -> dict[str, Array]:
        def one(replicate: Array, position: Array) -> Mapping[str, Array]:
            point = {name: column[position] for name, column in columns.items()}
            shared = jax.tree.map(lambda leaf: leaf[replicate], prepared)
            return study.simulate(keys[replicate], point, shape=shape, prepared=shared)

        return for_every_pair(one, width, keys.shape[0], len(next(iter(columns.values()))))

    split, whole = PartitionSpec("replicate"), PartitionSpec()
    return jax.shard_map(local, mesh=mesh, in_specs=(split, whole, split), out_specs=split, check_vma=False)(
        keys, columns, prepared
    )


def for_every_pair(one: Callable[[Array, Array], Any], width: int, replicates: int, points: int) -> Any:
    """What `one(replicate, position)` returns as (replicates, points, ...), `width` pairs at a time."""
    pairs = replicates * points
    steps = -(-pairs // width)
    per_step = -(-pairs // steps)
    order = jnp.arange(steps * per_step) % pairs  # the last step is filled up: one program, not two

    def of_pair(pair: Array) -> Any:
        return one(pair // points, pair % points)

    body = of_pair if per_step == 1 else jax.vmap(of_pair)
    stacked = jax.lax.map(body, order if per_step == 1 else order.reshape(steps, per_step))

    def unfolded(leaf: Array) -> Array:
        inner = leaf.shape[1 if per_step == 1 else 2 :]
        return leaf.reshape(steps * per_step, *inner)[:pairs].reshape(replicates, points, *inner)

    return jax.tree.map(unfolded, stacked)
