"""One writer at a time: a lock that the operating system holds for as long as the process lives."""

from pathlib import Path

import filelock

from jaxmem.sweeping.errors import StoreError

LOCK = ".lock"
"""A file inside the store; what counts is the lock on it, which ends with its process, not the file."""


def lock_store(path: Path) -> filelock.BaseFileLock:
    """Take the store for writing.

    Raises:
        StoreError: another run is writing it, here or in another process.
    """
    lock = filelock.FileLock(path / LOCK, timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise StoreError(
            f"store {str(path)!r} is being written by another run; wait for its end, or choose another path."
        ) from None
    return lock
