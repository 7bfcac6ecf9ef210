"""The store: raw values per replicate as labelled arrays, in memory or as Zarr on disk.

A Zarr store needs only xarray to be read: dimensions are the study's axes and `replicate`, missing values are
NaN, and the attributes say what was run. `completed` is 1 where a (point, replicate) has been written; it is
written after the values, and Zarr replaces files atomically, so a run killed at any moment resumes cleanly.
"""

import datetime
import importlib.metadata
import json
import math
import os
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np
import xarray as xr
import zarr
import zarr.storage

from jaxmem.describing.settings import contents_of, flattened
from jaxmem.describing.variables import Coordinate
from jaxmem.numerics.precision import has_float64, image_precision
from jaxmem.sweeping.batching import Results
from jaxmem.sweeping.errors import StoreError, explained
from jaxmem.sweeping.integrity import CHECKSUM, COMPLETED, array_of, checksums, find_lost
from jaxmem.sweeping.lock import LOCK, lock_store
from jaxmem.sweeping.protocol import Study

REPLICATES_PER_FILE = 256
"""Replicates in one Zarr chunk: few files, each rewritten a few times while it fills."""

BYTES_PER_FILE = 2**25
"""Chunks of large variables hold fewer replicates: a task that rewrites one moves no more than this."""

LIBRARIES = ("jaxmem", "jax", "jaxlib", "numpy", "xarray", "zarr")


def open_store(path: str | os.PathLike[str], *, load: bool = False) -> xr.Dataset:
    """Open the results in a store.

    Args:
        path: a directory written by `jaxmem.sweep(..., store=path)`; `~` is the user's.
        load: read everything now, instead of when it is used.

    Returns:
        The Dataset that `jaxmem.sweep` returned, or what is finished of it (the rest is NaN).

    Raises:
        StoreError: there is no such store, or it is damaged.
    """
    where = Path(path).expanduser()
    if not where.exists():
        raise StoreError(f"store must be an existing directory, got {str(path)!r}, where there is none.")
    with explained(path, "read"):
        dataset = xr.open_zarr(where, chunks=None)
        if "study" not in dataset.attrs or COMPLETED not in dataset:
            raise StoreError(
                f"store must be one made by jaxmem, got {str(path)!r}, which has no study in it."
            )
    # A damaged store says so here, not in the middle of a plot.
    for name in dataset.variables if load else (COMPLETED,):
        with explained(f"{path}, variable {name}", "read"):
            dataset[name].load()
    return dataset.drop_vars(CHECKSUM, errors="ignore")


class Store:
    """A store being written by a sweep; on disk it is locked until `close`."""

    def __init__(self, study: Study, replicates: int, seed: int, path: str | os.PathLike[str] | None):
        """Create the store of a study, or continue the one that lies at `path`, and mend what it has lost.

        Raises:
            StoreError: another configuration or seed made the store, another run is writing it, or it cannot
                be written.
        """
        self.path = None if path is None else Path(path).expanduser().absolute()
        self._name = "memory" if path is None else str(path)
        self._backend = zarr.storage.MemoryStore() if self.path is None else str(self.path)
        self._replicates = replicates
        self._variables = list(study.variables())
        self._lock = None
        attributes = _attributes(study, seed)
        self._create(study, attributes)
        self._refuse_other(attributes)
        if self.path is not None:
            with explained(self._name, "open"):
                self._lock = lock_store(self.path)
        try:
            self._open(study, attributes)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let others write."""
        if self._lock is not None:
            self._lock.release()

    def write(self, *tasks: tuple[Sequence[int], Results]) -> None:
        """Write what tasks returned: values first, their checksums, and the mark of completion last.

        Tasks whose replicates lie in the same files are written together, as a file is written whole.
        """
        per_file = min(self._array(name).chunks[-1] for name in (*self._variables, COMPLETED))
        by_file: dict[int, list[tuple[Sequence[int], Results]]] = {}
        for task in tasks:
            by_file.setdefault(task[0][0] // per_file, []).append(task)
        with explained(self._name, "write"):
            for together in by_file.values():
                self._write_together(together)

    def _write_together(self, tasks: list[tuple[Sequence[int], Results]]) -> None:
        first = min(replicates[0] for replicates, _ in tasks)
        at = slice(first, max(replicates[-1] for replicates, _ in tasks) + 1)
        moved = [
            (index, np.asarray(replicates) - first, {n: np.moveaxis(a, 0, -1) for n, a in values.items()})
            for replicates, results in tasks
            for index, values in results
        ]
        for name in self._variables:
            self._update(name, at, [(index, inside, values[name]) for index, inside, values in moved])
        self._update(CHECKSUM, at, [(index, inside, checksums(values, 0)) for index, inside, values in moved])
        marks = [(index, inside, np.ones(len(inside), np.int8)) for index, inside, _ in moved]
        self.completed[..., at] = self._update(COMPLETED, at, marks)

    def dataset(self) -> xr.Dataset:
        """Everything so far, for the replicates asked for."""
        with explained(self._name, "read"):
            dataset = xr.open_zarr(self._backend, chunks=None)
            if self.path is None:
                dataset = dataset.load()
            return dataset.drop_vars(CHECKSUM).isel(replicate=slice(0, self._replicates))

    def _update(
        self, name: str, at: slice, parts: list[tuple[tuple[int, ...], np.ndarray, np.ndarray]]
    ) -> np.ndarray:
        """Replace some replicates inside a range at some points; returns the whole range."""
        array = self._array(name)
        block = np.asarray(array[..., at])
        for index, inside, values in parts:
            block[index][..., inside] = values
        array[..., at] = block
        return block

    def _own(self) -> tuple[str, ...]:
        """What the store says of each replicate; an earlier version wrote no checksums."""
        return (CHECKSUM, COMPLETED) if CHECKSUM in self._group else (COMPLETED,)

    def _array(self, name: str) -> zarr.Array:
        return array_of(self._group, name, self._name)

    def _create(self, study: Study, attributes: dict[str, Any]) -> None:
        """Lay out an empty store; on disk it takes its name only when it is whole, and the first one wins."""
        if self.path is None:
            self._lay_out(self._backend, study, attributes)
            return
        if self.path.is_file():
            raise StoreError(f"store must be a directory, got {self._name!r}, which is a file.")
        with explained(self._name, "make"):
            if self.path.is_dir():
                self._fill(self.path, study, attributes)
                return
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._laid_out(study, attributes) as whole:
                try:
                    whole.rename(self.path)
                except OSError:
                    if not self.path.is_dir():
                        raise  # else another run was first, and its store is continued

    def _fill(self, path: Path, study: Study, attributes: dict[str, Any]) -> None:
        """Move a store into an empty folder, which may be where a shell stands; what makes it one, last."""
        if any(entry.name != LOCK for entry in path.iterdir()):
            return
        with lock_store(path), self._laid_out(study, attributes) as whole:
            for entry in sorted(whole.iterdir(), key=lambda entry: entry.is_file()):
                entry.rename(path / entry.name)

    @contextmanager
    def _laid_out(self, study: Study, attributes: dict[str, Any]) -> Iterator[Path]:
        """An empty store beside the place where it is to be."""
        assert self.path is not None
        with tempfile.TemporaryDirectory(prefix=f".{self.path.name}-", dir=self.path.parent) as folder:
            whole = Path(folder) / self.path.name
            self._lay_out(str(whole), study, attributes)
            yield whole

    def _refuse_other(self, attributes: dict[str, Any]) -> None:
        """Before anything is written, a lock included."""
        with explained(self._name, "read"):
            group = zarr.open_group(self._backend, mode="r", use_consolidated=False)
            _refuse_other(self._name, dict(group.attrs), attributes)

    def _open(self, study: Study, attributes: dict[str, Any]) -> None:
        with explained(self._name, "read"):
            self._group = zarr.open_group(self._backend, mode="r+", use_consolidated=False)
            for name in self._variables:
                self._array(name)
        with explained(self._name, "write"):
            self._grow()
            self._mend(study)
            self._sign(attributes)
        self.completed = np.asarray(self._array(COMPLETED)[..., : self._replicates])

    def _mend(self, study: Study) -> None:
        """Mark what was lost as missing, so that it is computed again; give every replicate a checksum."""
        lost_anywhere = list(find_lost(self._group, self._variables, self._name))
        for at, lost in lost_anywhere:
            for name in (*self._variables, *self._own()):
                array = self._array(name)
                try:
                    block = np.asarray(array[..., at])
                except Exception:  # bytes that no codec understands: nothing of the chunk is left
                    block = np.full((*array.shape[:-1], at.stop - at.start), array.fill_value, array.dtype)
                inner = block.ndim - lost.ndim
                where = lost.reshape(*lost.shape[:-1], *(1,) * inner, lost.shape[-1])
                array[..., at] = np.where(where, array.fill_value, block).astype(array.dtype)
        if lost_anywhere:
            count = sum(int(lost.sum()) for _, lost in lost_anywhere)
            warnings.warn(
                f"store {self._name!r} had lost {count} finished replicates, which are computed again.",
                stacklevel=5,
            )
        if CHECKSUM not in self._group:
            self._add_checksums(study)

    def _add_checksums(self, study: Study) -> None:
        """Of a store that an earlier version made."""
        marks = self._array(COMPLETED)
        values = {name: np.asarray(self._array(name)[...]) for name in self._variables}
        axes = len(marks.shape) - 1
        array = self._group.create_array(
            CHECKSUM,
            shape=marks.shape,
            chunks=marks.chunks,
            dtype="uint64",
            fill_value=0,
            dimension_names=(*study.axes(), "replicate"),
            attributes={"long_name": "checksum of the replicate's values", "units": "1"},
        )
        array[...] = np.where(np.asarray(marks[...]) > 0, checksums(values, axes), 0)
        _consolidate(self._backend)

    def _sign(self, attributes: dict[str, Any]) -> None:
        """Record the versions that write from now on, and say so where they are others."""
        versions = json.loads(attributes["versions"])
        writers = json.loads(str(self._group.attrs.get("writers", f"[{self._group.attrs['versions']}]")))
        if versions in writers and "writers" in self._group.attrs:
            return
        if versions not in writers:
            last = writers[-1]
            changed = [name for name in LIBRARIES if last.get(name) != versions[name]]
            was, now = (", ".join(f"{n} {v.get(n)}" for n in changed) for v in (last, versions))
            warnings.warn(
                f"store {self._name!r} was written with {was} and goes on with {now}; its attribute writers "
                "lists both.",
                stacklevel=5,
            )
            writers.append(versions)
        self._group.attrs["writers"] = json.dumps(writers)
        _consolidate(self._backend)

    def _lay_out(self, backend: Any, study: Study, attributes: dict[str, Any]) -> None:
        group = zarr.create_group(backend, attributes=attributes, overwrite=True)
        axes, labels, extra = study.axes(), study.axis_labels(), study.coordinates()
        sizes = {name: len(values) for name, values in axes.items()}
        for coordinate in extra.values():
            sizes |= dict(zip(coordinate.dims, np.shape(coordinate.values), strict=True))
        everywhere = {name: Coordinate((name,), values, **labels[name]) for name, values in axes.items()}
        everywhere |= extra
        for name, coordinate in everywhere.items():
            group.create_array(
                name,
                data=np.asarray(coordinate.values),
                dimension_names=coordinate.dims,
                attributes={"long_name": coordinate.long_name, "units": coordinate.units},
            )
        coordinates = " ".join(extra)

        def create(name: str, inner: tuple[str, ...], dtype: str, fill: float, said: dict[str, Any]) -> None:
            dims = (*axes, *inner, "replicate")
            shape = (*(sizes[dim] for dim in dims[:-1]), self._replicates)
            group.create_array(
                name,
                shape=shape,
                chunks=(*shape[:-1], replicates_per_file(math.prod(shape[:-1]))),
                dtype=dtype,
                fill_value=fill,
                dimension_names=dims,
                attributes={**said, "coordinates": coordinates},
            )

        for name, variable in study.variables().items():
            said = {
                "long_name": variable.long_name,
                "units": variable.units,
                "summary": variable.summary,
                **({"power_law_over": variable.power_law_over} if variable.power_law_over else {}),
            }
            create(name, variable.dims, "float64", math.nan, said)
        create(CHECKSUM, (), "uint64", 0, {"long_name": "checksum of the replicate's values", "units": "1"})
        create(COMPLETED, (), "int8", 0, {"long_name": "1 where it has been computed", "units": "1"})
        _consolidate(backend)

    def _grow(self) -> None:
        """Make room for more replicates than the store has; never for fewer. All arrays end alike."""
        arrays = [self._array(name) for name in (*self._variables, *self._own())]
        most = max(self._replicates, *(array.shape[-1] for array in arrays))
        if any(array.shape[-1] < most for array in arrays):
            for array in arrays:
                array.resize((*array.shape[:-1], most))
            _consolidate(self._backend)


def replicates_per_file(numbers: int) -> int:
    """Replicates in a chunk of a variable of so many numbers, whatever the first run asks for."""
    return max(1, min(REPLICATES_PER_FILE, BYTES_PER_FILE // (8 * max(numbers, 1))))


def _consolidate(backend: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Zarr 3 has no word on consolidation yet; xarray reads it
        zarr.consolidate_metadata(backend)


def _attributes(study: Study, seed: int) -> dict[str, Any]:
    """What a store says of itself."""
    device = jax.local_devices()[0]
    versions = {name: importlib.metadata.version(name) for name in LIBRARIES}
    return {
        "study": study.name,
        "configuration": json.dumps(study.configuration()),
        "seed": seed,
        "versions": json.dumps(versions),
        "writers": json.dumps([versions]),
        "device": f"{jax.local_device_count()} × {device.device_kind}",
        "float64": has_float64(),
        "image_products": image_precision().name,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _refuse_other(name: str, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Refuse a store that another study, configuration or seed made, naming the first difference."""
    if "study" not in found or "configuration" not in found:
        raise StoreError(f"store must be empty or one made by jaxmem, got {name!r}, which holds other data.")

    def said(each: dict[str, Any]) -> dict[str, Any]:
        precision = {  # earlier versions did not say
            "float64": each.get("float64", True),
            "image_products": each.get("image_products", "HIGHEST"),
        }
        settings = flattened(json.loads(each["configuration"]))
        return {"study": each["study"], **settings, "seed": each["seed"], **precision}

    old, new = said(found), said(wanted)
    for field in old | new:
        if contents_of(old.get(field)) != contents_of(new.get(field)):
            raise StoreError(
                f"store {name!r} was made with {field} = {old.get(field)!r} and cannot be continued with "
                f"{field} = {new.get(field)!r}; choose another path or the same configuration."
            )
