"""Whether a store still holds what was written: a checksum per replicate, of all its values.

A NaN may be a result, so that a missing value cannot be told from it by looking. `checksum` is written with
the values and before the mark of completion; a replicate whose values do not give it any more was lost,
whatever became of it: a deleted file, a file of other bytes, another program's NaN.
"""

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from jaxmem.sweeping.errors import StoreError, explained

CHECKSUM = "checksum"
COMPLETED = "completed"


def checksums(values: Mapping[str, np.ndarray], axes: int) -> np.ndarray:
    """A 64-bit checksum for every point and replicate.

    Args:
        values: per variable, (*axes, *own dims, replicate) float64.
        axes: how many axes the grid has.

    Returns:
        (*axes, replicate): sums of the mixed bits, each times an odd number of its own, modulo 2^64. Any
        change of one value changes the sum.
    """
    total: Any = np.uint64(0)
    for number, name in enumerate(sorted(values)):
        array = np.asarray(values[name], np.float64)
        bits = np.where(np.isnan(array), np.nan, array).view(np.uint64)  # one NaN, not many
        bits = bits.reshape(*array.shape[:axes], -1, array.shape[-1])
        weights = _mixed(
            np.arange(bits.shape[-2], dtype=np.uint64) + (np.uint64(number + 1) << np.uint64(40))
        )
        total = total + (_mixed(bits) * (weights | np.uint64(1))[:, None]).sum(-2, dtype=np.uint64)
    return np.asarray(total, np.uint64)


def find_lost(group: zarr.Group, variables: Sequence[str], name: str) -> Iterator[tuple[slice, np.ndarray]]:
    """Per chunk of replicates: where it is, and which of its (point, replicate) are marked complete but lost.

    A chunk of `completed` or of the checksums that cannot be read loses all of its replicates. A store
    without checksums, of an earlier version, has lost what is marked complete and has no value at all.
    """
    marks = array_of(group, COMPLETED, name)
    with_checksums = CHECKSUM in group
    length = marks.chunks[-1]
    for start in range(0, marks.shape[-1], length):
        at = slice(start, min(start + length, marks.shape[-1]))
        completed = _read(marks, at)
        if completed is None:
            yield at, np.ones((*marks.shape[:-1], at.stop - at.start), bool)
            continue
        if not completed.any():
            continue
        stored = (
            _read(array_of(group, CHECKSUM, name), at)
            if with_checksums
            else np.zeros(completed.shape, np.uint64)
        )
        values = {each: _read(array_of(group, each, name), at) for each in variables}
        readable = {each: found for each, found in values.items() if found is not None}
        if stored is None or len(readable) < len(values):
            yield at, completed.astype(bool)
            continue
        axes = completed.ndim - 1
        if with_checksums:
            intact = checksums(readable, axes) == stored
        else:
            shape = (*completed.shape[:-1], -1, completed.shape[-1])
            intact = np.any([(~np.isnan(v.reshape(shape))).any(-2) for v in readable.values()], axis=0)
        lost = completed.astype(bool) & ~intact
        if lost.any():
            yield at, lost


def check_store(path: str | os.PathLike[str]) -> int:
    """Count the (point, replicate) pairs of a store that are marked complete and not there any more.

    Nothing is written; the next `jaxmem.sweep` into the store computes them again.

    Args:
        path: a directory written by `jaxmem.sweep(..., store=path)`.

    Raises:
        StoreError: there is no such store.
    """
    where = Path(path).expanduser()
    if not where.is_dir():
        raise StoreError(f"store must be an existing directory, got {str(path)!r}, where there is none.")
    with explained(path, "read"):
        group = zarr.open_group(str(where), mode="r", use_consolidated=False)
        if COMPLETED not in group or "study" not in group.attrs:
            raise StoreError(
                f"store must be one made by jaxmem, got {str(path)!r}, which has no study in it."
            )
        return sum(int(lost.sum()) for _, lost in find_lost(group, variables_of(group), str(path)))


def variables_of(group: zarr.Group) -> list[str]:
    """What the study returned: the arrays with a summary."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the lock's file is no part of the hierarchy
        return [name for name, array in group.arrays() if "summary" in array.attrs]


def array_of(group: zarr.Group, name: str, store: str) -> zarr.Array:
    """A variable of a store, refused in a sentence where there is none."""
    array = group.get(name)
    if not isinstance(array, zarr.Array):
        raise StoreError(
            f"store {store!r} has no variable {name}: it is damaged, or another version of jaxmem made it; "
            "choose another path."
        )
    return array


def _read(array: zarr.Array, at: slice) -> np.ndarray | None:
    """The replicates `at`, None where the bytes on disk are not what Zarr wrote."""
    try:
        return np.asarray(array[..., at])
    except (ValueError, RuntimeError, OSError, TypeError, zarr.errors.BaseZarrError):
        return None


def _mixed(bits: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64: every bit of the input moves every bit of the output."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
