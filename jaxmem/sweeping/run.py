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
from jaxmem.sweeping.protocol import StagedStudy, Study
from jaxmem.sweeping.staged import STAGE_SECONDS, Watch, run_staged_task
from jaxmem.sweeping.store import Store
from jaxmem.sweeping.unfinished import forget_task, task_folder, unfinished_tasks

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
    stage_seconds: float = STAGE_SECONDS,
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
        progress: show a bar with replicates per second and time left on standard error, and the steps inside
            a replicate where a study is cut into stages.
        stage_seconds: a replicate that is cut into stages is saved so often in the store, or twenty times in
            all where that is longer: no more is lost by a run that is killed, and the next one ends in the
            same bits. Other studies lose the chunk in hand.

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
    check.real_number("stage_seconds", stage_seconds, least=0.0)
    with closing(Store(study, replicates, seed, store)) as written:
        done = int(written.completed.sum())
        bar = progress_bar(study.name, written.completed.size, done, shown=progress)
        pool: AbstractContextManager[Executor] = (
            ThreadPoolExecutor(max_workers=1) if executor is None else nullcontext(executor)
        )
        with bar, pool as workers:
            work = _Work(workers, study, seed, stage_seconds, written, bar, local=executor is None)
            work.run(_tasks(study, written, chunk_size, memory_budget))
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
    """What is missing: first what an earlier run was at, then family by family."""
    completed = written.completed.copy()
    every = families(study)
    if isinstance(study, StagedStudy) and written.path is not None:
        for task, layout in unfinished_tasks(written.path, every, written.completed, memory_budget):
            for index in task.family.indices:
                completed[index][list(task.replicates)] = 1
            yield task, layout
    for family in every:
        missing = sum(task.size for task in missing_tasks(family, completed, completed.shape[-1]))
        if missing:
            replicates = -(-missing // len(family.indices))
            layout = choose_layout(study, family, replicates, chunk_size, memory_budget)
            for task in missing_tasks(family, completed, layout.replicates):
                yield task, layout


class _Work:
    """A sweep in hand: tasks given to an executor, results written as they come."""

    def __init__(
        self,
        executor: Executor,
        study: Study,
        seed: int,
        stage_seconds: float,
        written: Store,
        bar: "tqdm[NoReturn]",
        *,
        local: bool,
    ):
        self._executor, self._study, self._seed = executor, study, seed
        self._stage_seconds, self._written, self._bar = stage_seconds, written, bar
        self._watch = Watch(report=self._report) if local else None
        self._pending: dict[Future[Results], tuple[Task, Path | None]] = {}

    def run(self, tasks: Iterator[tuple[Task, Layout]]) -> None:
        """Compute the tasks a few ahead of the disk; whatever ends the run, what is finished is written."""
        try:
            while True:
                for task, layout in islice(tasks, TASKS_AHEAD + 1 - len(self._pending)):
                    self._submit(task, layout)
                if not self._pending:
                    return
                for future in wait(self._pending, return_when=FIRST_COMPLETED).done:
                    self._finish(future)
        except StoreError:
            self._stop()
            for future in self._pending:
                future.cancel()
            raise
        except BaseException:
            self._stop()
            running = [future for future in self._pending if not future.cancel()]
            for future in running:
                if future.exception() is None:
                    self._finish(future)
            raise

    def _submit(self, task: Task, layout: Layout) -> None:
        path = self._written.path
        if not isinstance(self._study, StagedStudy) or path is None:
            future = self._executor.submit(run_task, self._study, self._seed, task, layout)
            self._pending[future] = task, None
            return
        folder = task_folder(path, task, layout)
        more = (self._stage_seconds, self._watch)
        future = self._executor.submit(run_staged_task, self._study, self._seed, task, layout, folder, *more)
        self._pending[future] = task, folder

    def _finish(self, future: "Future[Results]") -> None:
        (task, folder), results = self._pending[future], future.result()
        before = int(self._written.completed.sum())
        self._written.write(task.replicates, results)
        self._bar.update(int(self._written.completed.sum()) - before)
        if folder is not None:
            forget_task(folder)
        del self._pending[future]  # last: an interrupted write is repeated above

    def _stop(self) -> None:
        """Tell a staged task in this process to save what it has and end."""
        if self._watch is not None:
            self._watch.stop.set()

    def _report(self, step: int, last: int) -> None:
        self._bar.set_postfix_str(f"step {step:,} of {last:,}")
