"""The sweep's own work: CPU time of 100,000 tasks that do nothing, and how busy 64 workers are that sleep.

    python benchmarks/bookkeeping.py            # both; about two minutes
    python benchmarks/bookkeeping.py --workers  # two processes against one of a single thread, with Dask
    python benchmarks/bookkeeping.py --data     # what 500 MB of data cost on the wire to two processes

Tasks are those of `linear-overlaps` over 100 dimensions, a replicate each; they return at once, or after
0.3 s. The floor of the first is nothing, of the second the time that 64 perfect workers take.
"""

import sys
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

import jaxmem
from jaxmem.populations import GivenArray, PopulationSettings
from jaxmem.studies import LinearOverlaps
from jaxmem.sweeping import cluster, families, run

TASKS, WORKERS, SECONDS = 100_000, 64, 0.3


class Immediate(ThreadPoolExecutor):
    """Computes where it is called: no thread, no wait."""

    def submit(self, function, *words, **named):
        """The result, already there."""
        future = Future()
        future.set_result(function(*words, **named))
        return future


def nothing(study, seed, task, layout):
    """What a task returns, without computing it."""
    count = len(task.replicates)
    return [(index, {name: np.zeros(count) for name in study.quantities}) for index in task.family.indices]


def sleeping(*task):
    """The same after a while."""
    time.sleep(SECONDS)
    return nothing(*task)


def bookkeeping() -> None:
    dims = tuple(range(1, 101))
    study = LinearOverlaps(dims=dims, loads=(1.0,), quantities=("convergence",), direct=True)
    assert len(families(study)) == len(dims)
    with tempfile.TemporaryDirectory() as folder:
        run.run_task = nothing
        began = time.process_time()
        settings = {"chunk_size": 1, "executor": Immediate(1), "store": Path(folder) / "s"}
        found = jaxmem.sweep(study, replicates=TASKS // len(dims), **settings)
        assert found["completed"].all()
        print(f"{TASKS:,} tasks: {time.process_time() - began:.1f} s of CPU")
        run.run_task = sleeping
        began = time.monotonic()
        few = TASKS // len(dims) // 50
        with ThreadPoolExecutor(WORKERS) as executor:
            settings = {"chunk_size": 1, "executor": executor, "store": Path(folder) / "t"}
            jaxmem.sweep(study, replicates=few, **settings)
        perfect = few * len(dims) * SECONDS / WORKERS
        print(f"{WORKERS} workers: {perfect / (time.monotonic() - began):.1%} busy")


def two_processes() -> None:
    """Each with one core; every program is compiled in each beforehand, by a run of the same chunks."""
    study = LinearOverlaps(dims=(200,), loads=(0.5, 1.0, 2.0, 4.0), direct=True)
    seconds = {}
    for count in (1, 2):
        with cluster(count, None) as client:
            if count == 1:
                client.run(_one_core)
            jaxmem.sweep(study, replicates=64, chunk_size=16, executor=client, seed=1)
            began = time.monotonic()
            jaxmem.sweep(study, replicates=256, chunk_size=16, executor=client)
            seconds[count] = time.monotonic() - began
    print(
        f"one process {seconds[1]:.1f} s, two {seconds[2]:.1f} s: {seconds[1] / seconds[2]:.2f} times as fast"
    )


def data() -> None:
    """Bytes through this machine's loopback while 40 tasks of a data set run on two processes.

    The floor is one copy to each process; Dask adds one, to the scheduler. With each task it would be forty.
    """
    import psutil  # noqa: PLC0415 - of the extra

    def sent() -> int:
        return psutil.net_io_counters(pernic=True)["lo"].bytes_sent

    rows = np.random.default_rng(0).normal(size=(10**6, 64))
    population = PopulationSettings(samples=GivenArray.from_array(rows))
    study = LinearOverlaps(population=population, loads=(1.0,), quantities=("convergence",), direct=True)
    run.run_task = nothing
    with cluster(2, None) as client:
        before, began = sent(), time.monotonic()
        jaxmem.sweep(study, replicates=40, chunk_size=1, executor=client)
        copies = (sent() - before) / rows.nbytes
        print(
            f"40 tasks of {rows.nbytes / 1e6:.0f} MB on two processes: {copies:.2f} copies on the wire, "
            f"{time.monotonic() - began:.1f} s"
        )


def _one_core() -> None:
    import os  # noqa: PLC0415 - in the worker

    for thread in os.listdir("/proc/self/task"):
        os.sched_setaffinity(int(thread), {sorted(os.sched_getaffinity(0))[0]})


if __name__ == "__main__":
    told = {"--workers": two_processes, "--data": data}
    next((told[word] for word in sys.argv if word in told), bookkeeping)()
