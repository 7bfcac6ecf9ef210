"""What can go wrong with a store, in one sentence."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import zarr.errors


class StoreError(Exception):
    """A store that cannot be made, read, or continued; the message is one sentence."""


class WorkersError(Exception):
    """The workers of a sweep are gone; the message is one sentence."""


@contextmanager
def explained(name: str | os.PathLike[str], action: str) -> Iterator[None]:
    """Turn what storage libraries raise into one sentence.

    Args:
        name: what is read or written: a store, or "STORE, variable NAME".
        action: "read", "write" or "make".
    """
    try:
        yield
    except OSError as error:
        if action == "read" and isinstance(error, FileNotFoundError | NotADirectoryError):
            raise StoreError(f"store {str(name)!r} is damaged or not a Zarr store: {error}.") from error
        kept = "; what was finished is kept" if action == "write" else ""
        raise StoreError(f"cannot {action} store {str(name)!r}: {error.strerror or error}{kept}.") from error
    except (ValueError, KeyError, TypeError, RuntimeError, zarr.errors.BaseZarrError) as error:
        if action != "read":
            raise
        raise StoreError(
            f"store {str(name)!r} is damaged: {type(error).__name__}: {error} "
            "(the next run into it computes again what it has lost)."
        ) from error
