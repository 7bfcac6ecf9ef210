"""Where tasks are computed: a thread of this process, any executor, or a Dask cluster."""

import os
import pickle
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from jaxmem import _checks as check
from jaxmem.sweeping.errors import WorkersError

SENT_ONCE = 2**20
"""A study of more bytes, one that holds a data set, goes to each worker once instead of with each task."""


Sent = Callable[[Callable[..., Any], Any], tuple[Any, ...]]
"""(function, study) → what to submit in their place."""


@dataclass(frozen=True)
class Workers:
    """What a sweep hands its tasks to.

    Attributes:
        executor: with the interface of `concurrent.futures`.
        count: how many tasks it computes at once.
        local: whether they run in a thread that the sweep has made in this process.
        sent: how a study goes to them: with each task, or once.
    """

    executor: Executor
    count: int
    local: bool
    sent: Sent


@contextmanager
def workers_of(executor: Any, study: Any, count: int | None) -> Iterator[Workers]:
    """The workers behind what the user has handed over; None is one thread of this process.

    Args:
        executor: None, an executor, or a `distributed.Client`.
        study: to be sent to them.
        count: how many tasks they compute at once, where the executor cannot say.
    """
    with ExitStack() as stack:
        if executor is None:
            own = stack.enter_context(ThreadPoolExecutor(max_workers=1))
            yield Workers(own, 1, True, _with_each_task)
            return
        client = dask_client(executor)
        if client is not None:
            executor = client.get_executor(pure=False)
            threads = sum(client.nthreads().values())
        else:
            threads = getattr(executor, "_max_workers", None) or 1
        count = threads if count is None else check.positive_integer("workers", count)
        sent: Sent = _with_each_task
        if client is not None or isinstance(executor, ProcessPoolExecutor):
            pickled = pickle.dumps(study)
            if len(pickled) > SENT_ONCE:
                sent = stack.enter_context(_in_file(pickled)) if client is None else _scattered(client, study)
        yield Workers(executor, max(1, count), False, sent)


def dask_client(executor: Any) -> Any:
    """The `distributed.Client` that this is, or is the executor of; None for all else."""
    if not type(executor).__module__.startswith("distributed"):
        return None
    return executor if hasattr(executor, "get_executor") else executor._client


@contextmanager
def explained_loss() -> Iterator[None]:
    """Turn the death of workers into one sentence."""
    try:
        yield
    except Exception as error:
        lost = isinstance(error, BrokenExecutor | CancelledError)
        if not lost and not type(error).__module__.startswith("distributed"):
            raise
        said = (str(error).splitlines() or [""])[0]
        raise WorkersError(
            f"the workers were lost ({type(error).__name__}{': ' * bool(said)}{said}); finished chunks are "
            "kept, the same call continues from them."
        ) from error


@contextmanager
def cluster(count: int | None, scheduler: str | None) -> Iterator[Any]:
    """A `distributed.Client` of so many local processes, or of a running cluster; None of neither.

    Each local process has its share of the cores and computes one task at a time. Needs the extra `cluster`.

    Args:
        count: local worker processes.
        scheduler: address of a running scheduler, such as tcp://host:8786.

    Raises:
        ValueError: both are given, Dask is not installed, or nothing answers at the address.
    """
    if count is None and scheduler is None:
        yield None
        return
    if count is not None and scheduler is not None:
        raise ValueError(f"workers must be left out beside a scheduler, got {count}.")
    try:
        import distributed  # noqa: PLC0415 - an extra
    except ImportError:
        raise ValueError("workers and scheduler need Dask: pip install 'jaxmem[cluster]'.") from None
    with ExitStack() as stack:
        if count is not None:
            count = check.positive_integer("workers", count)
            local = distributed.LocalCluster(
                n_workers=count, threads_per_worker=1, memory_limit=None, dashboard_address=":0"
            )
            scheduler = stack.enter_context(local)
        try:
            client = stack.enter_context(distributed.Client(scheduler))
        except OSError as error:
            raise ValueError(f"scheduler must be the address of a running one, got {scheduler!r}.") from error
        if count is not None:
            client.run(_take_share, list(client.nthreads()), count)
        yield client


def _take_share(addresses: list[str], count: int, dask_worker: Any) -> None:
    """Run in a worker before anything is compiled there: XLA has a thread for each core it may use."""
    if not hasattr(os, "sched_setaffinity"):
        return
    cores = sorted(os.sched_getaffinity(0))
    mine = cores[addresses.index(dask_worker.address) % len(cores) :: min(count, len(cores))]
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(thread.name), mine)


def _with_each_task(function: Callable[..., Any], study: Any) -> tuple[Any, ...]:
    return function, study


def _scattered(client: Any, study: Any) -> Sent:
    """A copy on every worker of a cluster, which tasks name."""
    everywhere = client.scatter(study, broadcast=True, hash=False)
    return lambda function, _: (function, everywhere)


@contextmanager
def _in_file(pickled: bytes) -> Iterator[Sent]:
    """A file that each process opens once."""
    with tempfile.TemporaryDirectory(prefix="jaxmem-study-") as folder:
        path = Path(folder) / "study.pickle"
        path.write_bytes(pickled)
        yield lambda function, _: (_with_study_of, str(path), function)


def _with_study_of(path: str, function: Callable[..., Any], *more: Any) -> Any:
    return function(_loaded(path), *more)


@lru_cache(maxsize=1)
def _loaded(path: str) -> Any:
    return pickle.loads(Path(path).read_bytes())
