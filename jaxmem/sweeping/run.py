"""The sweep: asks a study's question at every point of its grid, for as many replicates as wanted."""

import os
from collections.abc import Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import AbstractContextManager, closing, nullcontext
from itertools import islice
from pathlib import Path
from typing import NoReturn

import xarray as xr
from tqdm import tqdm

from jaxmem import _checks as check
from jaxmem.numerics.randomness import refuse_old_streams
from jaxmem.sweeping.batching import Layout, Results, choose_layout, run_task
from jaxmem.sweeping.capacity import refuse_too_large
from jaxmem.sweeping.errors import StoreError
from jaxmem.sweeping.grid import Task, families, missing_tasks
from jaxmem.sweeping.progress import progress_bar
from jaxmem.sweeping.protocol import Study
from jaxmem.sweeping.store import Store

TASKS_AHEAD = 2
"""Tasks submitted beyond the one being written: the device never waits for the disk."""


def sweep(
    study: Study,
    *,
    replicates: int,
    seed: int = 0,
    store: str | os.PathLike[str] | None = None,
    chunk_size: int | None = None,
    memory_budget: int = 2**30,
    executor: Executor | None = None,
    progress: bool = False,
) -> xr.Dataset:
    """Run a study over its grid.

    Every (point, replicate) is reproducible alone: `study.simulate(replicate_key(seed, r), point)` gives what
    is stored here, whatever the chunks, devices or order. Finished chunks are written at once; calling again
    with the same store computes only what is missing, and more replicates may be asked for at any time.

    Args:
        study: a dataclass of `jaxmem.studies`; its fields are the grid and the configuration.
        replicates: independent data sets per grid point, at least 1.
        seed: of all randomness, a whole number from 0 to 2³² − 1.
        store: directory of a Zarr store to write and continue, one run at a time; what it has lost is
            computed again. None keeps the results in memory.
        chunk_size: replicates per chunk; by default as many as fit `memory_budget`, 64 at most.
        memory_budget: bytes that the working arrays of a chunk may take, about.
        executor: where chunks are computed, anything shaped like `concurrent.futures.Executor`; by default
            a thread of this process, with every local device sharing the replicates.
        progress: show a bar with replicates per second and time left on standard error.

    Returns:
        Dataset with the study's axes and `replicate` as dimensions and raw values per replicate.

    Raises:
        ValueError: an argument is out of its range, or the machine too small for what is asked.
        StoreError: the store cannot be written, is damaged, was made by another configuration, or is being
            written by another run.
        KeyboardInterrupt: passed on after the chunk in progress has been written.
    """
    if isinstance(study, type) or not isinstance(study, Study):
        raise ValueError(f"study must be a study, such as jaxmem.studies.KernelOnset(), got {study!r}.")
    replicates = check.positive_integer("replicates", replicates)
    seed = check.positive_integer("seed", seed, least=0, most=2**32 - 1)
    memory_budget = check.positive_integer("memory_budget", memory_budget)
    if chunk_size is not None:
        chunk_size = check.positive_integer("chunk_size", chunk_size)
    _refuse_forks(executor)
    refuse_old_streams()
    refuse_too_large(study, replicates, None if store is None else Path(store).expanduser())
    with closing(Store(study, replicates, seed, store)) as written:
        done = int(written.completed.sum())
        bar = progress_bar(study.name, written.completed.size, done, shown=progress)
        pool: AbstractContextManager[Executor] = (
            ThreadPoolExecutor(max_workers=1) if executor is None else nullcontext(executor)
        )
        with bar, pool as workers:
            _run(workers, study, seed, _tasks(study, written, chunk_size, memory_budget), written, bar)
        return written.dataset()


def _refuse_forks(executor: Executor | None) -> None:
    """A forked process inherits the locks of JAX's threads, but not the threads: it waits for ever."""
    if not isinstance(executor, ProcessPoolExecutor):
        return
    context = executor._mp_context
    if context is not None and context.get_start_method() == "fork":
        raise ValueError(
            "executor must start its processes afresh, got a ProcessPoolExecutor that forks, in which JAX "
            'hangs; give it mp_context=multiprocessing.get_context("spawn").'
        )


def _tasks(
    study: Study, written: Store, chunk_size: int | None, memory_budget: int
) -> Iterator[tuple[Task, Layout]]:
    """What is missing, family by family."""
    completed = written.completed.copy()
    for family in families(study):
        missing = sum(task.size for task in missing_tasks(family, completed, completed.shape[-1]))
        if missing:
            replicates = -(-missing // len(family.indices))
            layout = choose_layout(study, family, replicates, chunk_size, memory_budget)
            for task in missing_tasks(family, completed, layout.replicates):
                yield task, layout


def _run(
    executor: Executor,
    study: Study,
    seed: int,
    tasks: Iterator[tuple[Task, Layout]],
    written: Store,
    bar: "tqdm[NoReturn]",
) -> None:
    """Compute the tasks a few ahead of the disk; whatever ends the run, finished chunks are written."""
    pending: dict[Future[Results], Task] = {}

    def finish(future: Future[Results]) -> None:
        task, results = pending[future], future.result()
        before = int(written.completed.sum())
        written.write(task.replicates, results)
        bar.update(int(written.completed.sum()) - before)
        del pending[future]  # last: an interrupted write is repeated below

    try:
        while True:
            for task, layout in islice(tasks, TASKS_AHEAD + 1 - len(pending)):
                pending[executor.submit(run_task, study, seed, task, layout)] = task
            if not pending:
                return
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                finish(future)
    except StoreError:
        for future in pending:
            future.cancel()
        raise
    except BaseException:
        running = [future for future in pending if not future.cancel()]
        for future in running:
            if future.exception() is None:
                finish(future)
        raise
