"""One task on the devices of this process: vmap and sequential map inside one jit per shape.

The randomness of a replicate comes from its own key, so nothing here can change a result but rounding: not
the number of replicates in a task, nor the width of a vectorised step, nor the number of devices.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array
from threadpoolctl import threadpool_limits

from jaxmem.numerics.precision import with_float64
from jaxmem.numerics.randomness import replicate_key
from jaxmem.sweeping.grid import Family, Index, Task
from jaxmem.sweeping.protocol import Study

MOST_REPLICATES_PER_TASK = 64
"""Small replicates are not batched further: at 64 a task's dispatch and writing (some 30 ms) are paid for."""


@dataclass(frozen=True)
class Layout:
    """How a task is laid out: replicates per task, and the bytes that one vectorised step may use."""

    replicates: int
    vector_bytes: int

    def width(self, study: Study, shape: Hashable) -> int:
        """Replicates vectorised together in one step: what fits on accelerators, what the study says on CPUs.

        Most studies say one: their replicate fills the cores, and several leave the cache. And jaxlib 0.10
        hangs on CPUs when two independent LAPACK calls of a program are both batched: 3 calls of eigh on
        1,500 matrices wait for each other's threads forever, on two cores within seconds.
        """
        if jax.default_backend() == "cpu":
            return study.vectorised(shape)
        return max(1, self.vector_bytes // max(1, study.bytes_per_replicate(shape)))


def choose_layout(
    study: Study, family: Family, replicates: int, chunk_size: int | None, memory_budget: int
) -> Layout:
    """The layout for `replicates` missing replicates of a family within `memory_budget` bytes."""
    largest = max(study.bytes_per_replicate(group.shape) for group in family.groups)
    devices = jax.local_device_count()
    if chunk_size is None:
        most = max(1, min(MOST_REPLICATES_PER_TASK, memory_budget // largest))
        tasks = -(-replicates // (most * devices))
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
    padded = np.resize(np.asarray(task.replicates), layout.replicates)  # whole shapes only: no recompilation
    mesh = Mesh(np.asarray(jax.local_devices()), ("replicate",))
    keys = _replicate_keys(seed, padded)
    prepared = None
    if task.family.prepared_at is not None:
        static = tuple((name, v) for name, v in task.family.prepared_at if isinstance(v, int))
        numbers = {name: jnp.asarray(v) for name, v in task.family.prepared_at if not isinstance(v, int)}
        prepared = _prepare(study, static, mesh, keys, numbers)
    results: Results = []
    for group in task.family.groups:
        points = [dict(point) for point in group.points]
        columns = {name: jnp.asarray([point[name] for point in points]) for name in points[0]}
        width = layout.width(study, group.shape)
        outputs = _simulate(study, group.shape, width, mesh, keys, columns, prepared)
        arrays = {name: np.asarray(output, np.float64) for name, output in outputs.items()}
        kept = len(task.replicates)
        results.extend(
            (index, {name: array[:kept, position] for name, array in arrays.items()})
            for position, index in enumerate(group.indices)
        )
    return results


def compilations() -> int:
    """How many programs this process has compiled for studies so far."""
    return _simulate._cache_size() + _prepare._cache_size()  # type: ignore[attr-defined]


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
        replicates, points = keys.shape[0], len(next(iter(columns.values())))
        pairs = replicates * points
        steps = -(-pairs // width)
        per_step = -(-pairs // steps)
        order = jnp.arange(steps * per_step) % pairs  # the last step is filled up: one program, not two

        def one(pair: Array) -> Mapping[str, Array]:
            replicate, position = pair // points, pair % points
            point = {name: column[position] for name, column in columns.items()}
            shared = jax.tree.map(lambda leaf: leaf[replicate], prepared)
            return study.simulate(keys[replicate], point, shape=shape, prepared=shared)

        body = one if per_step == 1 else jax.vmap(one)
        stacked = jax.lax.map(body, order if per_step == 1 else order.reshape(steps, per_step))
        return {
            name: leaf.reshape(steps * per_step, *leaf.shape[1 if per_step == 1 else 2 :])[:pairs].reshape(
                replicates, points, *leaf.shape[1 if per_step == 1 else 2 :]
            )
            for name, leaf in stacked.items()
        }

    split, whole = PartitionSpec("replicate"), PartitionSpec()
    return jax.shard_map(local, mesh=mesh, in_specs=(split, whole, split), out_specs=split, check_vma=False)(
        keys, columns, prepared
    )
