"""Where tasks are computed: a thread of this process, any executor, or a Dask cluster."""

import logging
import math
import pickle
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from jaxmem import _checks as check
from jaxmem.sweeping import local_worker
from jaxmem.sweeping.errors import WorkersError

SENT_ONCE = 2**20
"""A study of more bytes, one that holds a data set, goes to each worker once instead of with each task."""

QUIET = {"DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False"}
"""Local workers do not sample their own stacks a hundred times a second: it costs some 5 % of a core."""

OWN_MALLOC: dict[str, Any] = {"distributed.nanny.pre-spawn-environ": {}}
"""Dask would have them give memory back at once, so that each array is mapped anew: 30 % of their time."""

ASKED_SECONDS = 1.0
"""A cluster is asked so often how many workers it has."""

Sent = Callable[[Callable[..., Any], Any], tuple[Any, ...]]
"""(function, study) → what to submit in their place."""


@dataclass(frozen=True)
class Workers:
    """What a sweep hands its tasks to.

    Attributes:
        submit: (function, *arguments) → a future, with the interface of `concurrent.futures`.
        count: how many tasks are computed at once, now: a cluster grows and shrinks.
        cancel: ends those futures that have not begun, and says which have.
        local: whether tasks run in a thread that the sweep has made in this process.
        sent: how a study goes to them: with each task, or once.
    """

    submit: Callable[..., Any]
    count: Callable[[], int]
    cancel: Callable[[Iterable[Any]], list[Any]]
    local: bool
    sent: Sent


@contextmanager
def workers_of(executor: Any, study: Any, count: int | None) -> Iterator[Workers]:
    """The workers behind what the user has handed over; None is one thread of this process.

    Args:
        executor: None, an executor, or a `distributed.Client`.
        study: to be sent to them.
        count: how many tasks they compute at once, where the executor cannot say, or will say later.
    """
    count = None if count is None else check.positive_integer("workers", count)
    with ExitStack() as stack:
        client = dask_client(executor)
        if executor is None:
            own = stack.enter_context(ThreadPoolExecutor(max_workers=1))
            yield Workers(own.submit, lambda: 1, _cancelled, True, _with_each_task)
            return
        if client is not None:
            submit, cancel = partial(client.submit, pure=False), partial(_cancelled_in_dask, client)
            workers = Workers(submit, _threads_of(client), cancel, False, _scattered(client, study))
        else:
            apart = isinstance(executor, ProcessPoolExecutor)
            sent = stack.enter_context(_in_file(study)) if apart else _with_each_task
            workers = Workers(executor.submit, partial(_max_workers, executor), _cancelled, False, sent)
        yield workers if count is None else replace(workers, count=partial(int, count))


def _max_workers(executor: Any) -> int:
    return getattr(executor, "_max_workers", None) or 1


def _cancelled(futures: Iterable[Any]) -> list[Any]:
    """The futures that have begun; the others are cancelled."""
    return [future for future in futures if not future.cancel()]


def _cancelled_in_dask(client: Any, futures: Iterable[Any]) -> list[Any]:
    """Likewise: a future of Dask is cancelled though it runs, so the scheduler is asked."""
    begun = {key for keys in client.processing().values() for key in keys}
    running = [future for future in futures if future.key in begun or future.done()]
    client.cancel([future for future in futures if future not in running])
    return running


def _threads_of(client: Any) -> Callable[[], int]:
    """How many threads a cluster's workers have, asked once a second at most."""
    asked_at, threads = -math.inf, 0

    def count() -> int:
        nonlocal asked_at, threads
        if time.monotonic() - asked_at >= ASKED_SECONDS:
            asked_at = time.monotonic()
            with suppress(OSError, RuntimeError):  # the tasks themselves say that the scheduler is gone
                threads = sum(client.nthreads().values())
        return max(1, threads)

    return count


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
        import dask  # noqa: PLC0415 - an extra
        import distributed  # noqa: PLC0415
    except ImportError:
        raise ValueError("workers and scheduler need Dask: pip install 'jaxmem[cluster]'.") from None
    with ExitStack() as stack:
        stack.enter_context(_client_does_not_log())  # what it has to say comes as an exception
        if count is not None:
            count = check.positive_integer("workers", count)
            stack.enter_context(dask.config.set(OWN_MALLOC))
            local = distributed.LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                memory_limit=None,
                dashboard_address=":0",
                preload=local_worker.__name__,
                env={local_worker.COUNT: str(count), **QUIET},
            )
            scheduler = stack.enter_context(local)
        try:
            client = stack.enter_context(distributed.Client(scheduler))
        except OSError as error:
            raise ValueError(f"scheduler must be the address of a running one, got {scheduler!r}.") from error
        yield client


@contextmanager
def _client_does_not_log() -> Iterator[None]:
    log = logging.getLogger("distributed.client")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


def _with_each_task(function: Callable[..., Any], study: Any) -> tuple[Any, ...]:
    return function, study


def _scattered(client: Any, study: Any) -> Sent:
    """A copy on every worker of a cluster, which tasks name; those that come later ask the others for it."""
    if len(pickle.dumps(study)) <= SENT_ONCE:
        return _with_each_task
    client.wait_for_workers(1)
    everywhere = client.scatter(study, broadcast=True, hash=False)
    return lambda function, _: (function, everywhere)


@contextmanager
def _in_file(study: Any) -> Iterator[Sent]:
    """A file that each process opens once."""
    pickled = pickle.dumps(study)
    if len(pickled) <= SENT_ONCE:
        yield _with_each_task
        return
    with tempfile.TemporaryDirectory(prefix="jaxmem-study-") as folder:
        path = Path(folder) / "study.pickle"
        path.write_bytes(pickled)
        yield lambda function, _: (_with_study_of, str(path), function)


def _with_study_of(path: str, function: Callable[..., Any], *more: Any) -> Any:
    return function(_loaded(path), *more)


@lru_cache(maxsize=1)
def _loaded(path: str) -> Any:
    return pickle.loads(Path(path).read_bytes())
