"""The sweep: asks a study's question at every point of its grid, for as many replicates as wanted."""

import math
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NoReturn
from uuid import uuid4

import xarray as xr
from tqdm import tqdm

from jaxmem import _checks as check
from jaxmem.numerics.randomness import refuse_old_streams
from jaxmem.sweeping.batching import Layout, Results, choose_layout, run_task
from jaxmem.sweeping.capacity import refuse_too_large
from jaxmem.sweeping.errors import StoreError, WorkersError
from jaxmem.sweeping.grid import Task, families, missing_tasks
from jaxmem.sweeping.progress import progress_bar
from jaxmem.sweeping.protocol import StagedStudy, Study
from jaxmem.sweeping.staged import STAGE_SECONDS, Watch, run_staged_task
from jaxmem.sweeping.store import Store
from jaxmem.sweeping.unfinished import Place, place_of, unfinished_tasks
from jaxmem.sweeping.workers import Workers, explained_loss, workers_of

TASKS_PER_WORKER = 4
"""At least, where the replicates allow it: the last ones to finish then wait for a quarter of their time."""

WRITE_SECONDS, WRITE_BYTES = 1.0, 2**26
"""Results are written so often, or when they come, or are so many; a run that is killed loses the others."""

AnyFuture = Any
"""Of `concurrent.futures` or of Dask: both have what is asked of them here."""

SHORTEST_WAIT = 0.05
"""Seconds between two looks at what has come."""


def sweep(
    study: Study,
    *,
    replicates: int,
    seed: int = 0,
    store: str | os.PathLike[str] | None = None,
    chunk_size: int | None = None,
    memory_budget: int = 2**30,
    executor: Any = None,
    workers: int | None = None,
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
        executor: where chunks are computed: anything shaped like `concurrent.futures.Executor`, or a
            `distributed.Client` of a Dask cluster, to whose workers a data set is sent once; by default a
            thread of this process, with every local device sharing the replicates.
        workers: chunks that the executor computes at once, where it cannot say; of a cluster that is still
            to grow, the most it will.
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
        WorkersError: the executor's workers, or the cluster's scheduler, are gone.
        KeyboardInterrupt: passed on after the chunks in progress have been written, or saved where they are
            cut into stages; a second one does not wait for them.
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
        with bar, workers_of(executor, study, workers) as hands:
            work = _Work(hands, study, seed, stage_seconds, written, bar)
            work.run(_tasks(study, written, chunk_size, memory_budget, hands.count))
        return written.dataset()


def _refuse_forks(executor: Any) -> None:
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
    study: Study,
    written: Store,
    chunk_size: int | None,
    memory_budget: int,
    workers: Callable[[], int],
) -> Iterator[tuple[Task, Layout]]:
    """What is missing: first what an earlier run was at, then family by family, in work for all workers."""
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
            now = workers()
            least = -(-TASKS_PER_WORKER * now // len(every)) if now > 1 else 1
            layout = choose_layout(study, family, replicates, chunk_size, memory_budget, least)
            for task in missing_tasks(family, completed, layout.replicates):
                yield task, layout


class _Work:
    """A sweep in hand: tasks given to workers, results written as they come."""

    def __init__(
        self,
        workers: Workers,
        study: Study,
        seed: int,
        stage_seconds: float,
        written: Store,
        bar: "tqdm[NoReturn]",
    ):
        self._workers, self._study, self._seed = workers, study, seed
        self._stage_seconds, self._written, self._bar = stage_seconds, written, bar
        self._watch = Watch(report=self._report) if workers.local else None
        self._run = uuid4().hex
        self._pending: dict[AnyFuture, tuple[Task, Place | None]] = {}
        self._done: SimpleQueue[AnyFuture] = SimpleQueue()
        self._unwritten: list[tuple[Task, Place | None, Results]] = []
        self._unwritten_bytes = 0
        self._written_at = -math.inf

    def run(self, tasks: Iterator[tuple[Task, Layout]]) -> None:
        """Compute the tasks, as many ahead as keep all workers busy; results are written come what may."""
        try:
            with explained_loss():
                while True:
                    for task, layout in islice(tasks, self._free()):
                        self._submit(task, layout)
                    if not self._pending:
                        break
                    with suppress(Empty):  # what has come is written though nothing more does
                        self._take(self._done.get(timeout=max(WRITE_SECONDS, SHORTEST_WAIT)))
                    late = time.monotonic() - self._written_at >= WRITE_SECONDS
                    if self._unwritten and (late or self._unwritten_bytes > WRITE_BYTES):
                        self._write()
            self._write()
        except (StoreError, WorkersError) as error:
            self._stop()
            if isinstance(error, StoreError):
                with suppress(Exception):  # nobody waits for what runs
                    self._workers.cancel(list(self._pending))
            if isinstance(error, WorkersError):
                self._write()
            raise
        except BaseException:
            self._stop()
            with suppress(KeyboardInterrupt, Exception):  # a second one does not wait
                for future in self._workers.cancel(list(self._pending)):
                    with suppress(Exception):
                        self._take(future)
            self._write()
            raise

    def _free(self) -> int:
        """How many more tasks to submit: each worker finds one that waits when it has done its own."""
        return 2 * self._workers.count() + 1 - len(self._pending)

    def _submit(self, task: Task, layout: Layout) -> None:
        path = self._written.path
        staged = isinstance(self._study, StagedStudy) and path is not None
        function: Any = run_staged_task if staged else run_task
        words = [*self._workers.sent(function, self._study), self._seed, task, layout]
        place = None
        if staged:
            assert path is not None
            place = place_of(path, task, layout, self._run)
            words += [place, self._stage_seconds, self._watch]
        future = self._workers.submit(*words)
        self._pending[future] = task, place
        future.add_done_callback(self._done.put)

    def _take(self, future: AnyFuture) -> None:
        """Keep the result of a finished task, which is written soon."""
        if future not in self._pending:
            return
        results = future.result()
        self._unwritten.append((*self._pending[future], results))
        self._unwritten_bytes += sum(array.nbytes for _, arrays in results for array in arrays.values())
        del self._pending[future]  # last: an interruption takes it again

    def _write(self) -> None:
        """Write what has come: at once where tasks are long, once in a while where they are short."""
        new = [self._missing(task) for task, _, _ in self._unwritten]
        if self._unwritten:
            self._written.write(*((task.replicates, results) for task, _, results in self._unwritten))
        self._bar.update(sum(new))
        for _, place, _ in self._unwritten:
            if place is not None:
                place.forget()
        self._unwritten, self._unwritten_bytes = [], 0
        self._written_at = time.monotonic()

    def _missing(self, task: Task) -> int:
        """How many pairs of a task the store lacks: all, but of one that was half written."""
        replicates = list(task.replicates)
        return sum(int((self._written.completed[i][replicates] == 0).sum()) for i in task.family.indices)

    def _stop(self) -> None:
        """Tell staged tasks to save what they have and end."""
        if self._watch is not None:
            self._watch.stop.set()
        for _, place in self._pending.values():
            if place is not None:
                place.end()

    def _report(self, step: int, last: int) -> None:
        self._bar.set_postfix_str(f"step {step:,} of {last:,}")
