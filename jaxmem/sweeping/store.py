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

from jaxmem.describing.variables import Coordinate
from jaxmem.sweeping.batching import Results
from jaxmem.sweeping.protocol import Study

REPLICATES_PER_FILE = 256
"""Replicates in one Zarr chunk: few files, each rewritten a few times while it fills."""

LIBRARIES = ("jaxmem", "jax", "jaxlib", "numpy", "xarray", "zarr")


class StoreError(Exception):
    """A store that cannot be made, read, or continued; the message is one sentence."""


def open_store(path: str | os.PathLike[str]) -> xr.Dataset:
    """Open the results in a store, lazily.

    Args:
        path: a directory written by `jaxmem.sweep(..., store=path)`.

    Returns:
        The Dataset that `jaxmem.sweep` returned, or what is finished of it (the rest is NaN).

    Raises:
        StoreError: there is no such store, or it is damaged.
    """
    if not Path(path).exists():
        raise StoreError(f"store must be an existing directory, got {str(path)!r}, where there is none.")
    with _explained(path, "read"):
        dataset = xr.open_zarr(path, chunks=None)
        if "study" not in dataset.attrs or "completed" not in dataset:
            raise StoreError(
                f"store must be one made by jaxmem, got {str(path)!r}, which has no study in it."
            )
        dataset["completed"].load()  # a damaged store says so here, not in the middle of a plot
        return dataset


class Store:
    """A store being written by a sweep."""

    def __init__(self, study: Study, replicates: int, seed: int, path: str | os.PathLike[str] | None):
        """Create the store of a study, or continue the one that lies at `path`.

        Raises:
            StoreError: another configuration or seed made the store, it is damaged, or it cannot be written.
        """
        self.path = None if path is None else Path(path)
        self._name = "memory" if path is None else str(path)
        self._backend = zarr.storage.MemoryStore() if path is None else str(path)
        self._replicates = replicates
        attributes = _attributes(study, seed)
        with _explained(self._name, "write"):
            fresh = self.path is None or not self.path.exists() or not any(self.path.iterdir())
            if fresh:
                self._create(study, attributes)
        with _explained(self._name, "read"):
            self._group = zarr.open_group(self._backend, mode="r+", use_consolidated=False)
            _refuse_other(self._name, dict(self._group.attrs), attributes)
            self._grow(study)
            self.completed = np.asarray(self._array("completed")[...])[..., :replicates]

    def write(self, replicates: Sequence[int], results: Results) -> None:
        """Write what a task returned, values first and the mark of completion last."""
        with _explained(self._name, "write"):
            first, last = replicates[0], replicates[-1] + 1
            inside = np.asarray(replicates) - first
            for name in results[0][1]:
                array = self._array(name)
                block = np.asarray(array[..., first:last])
                for index, values in results:
                    block[index][..., inside] = np.moveaxis(values[name], 0, -1)
                array[..., first:last] = block
            marks = np.asarray(self._array("completed")[..., first:last])
            for index, _ in results:
                marks[index][inside] = 1
            self._array("completed")[..., first:last] = marks
            self.completed[..., first:last] = marks

    def dataset(self) -> xr.Dataset:
        """Everything so far, for the replicates asked for."""
        with _explained(self._name, "read"):
            dataset = xr.open_zarr(self._backend, chunks=None)
            if self.path is None:
                dataset = dataset.load()
            return dataset.isel(replicate=slice(0, self._replicates))

    def _array(self, name: str) -> zarr.Array:
        array = self._group.get(name)
        if not isinstance(array, zarr.Array):
            raise StoreError(
                f"store {self._name!r} has no variable {name}: it is damaged, or another version of jaxmem "
                "made it; choose another path."
            )
        return array

    def _create(self, study: Study, attributes: dict[str, Any]) -> None:
        """Lay out an empty store; on disk it takes its name only when it is whole."""
        if self.path is None:
            self._lay_out(self._backend, study, attributes)
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.path.with_name(self.path.name + ".unfinished")
        self._lay_out(str(unfinished), study, attributes)
        unfinished.replace(self.path)

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
        for name, variable in study.variables().items():
            dims = (*axes, *variable.dims, "replicate")
            shape = (*(sizes[dim] for dim in dims[:-1]), self._replicates)
            group.create_array(
                name,
                shape=shape,
                chunks=(*shape[:-1], min(REPLICATES_PER_FILE, self._replicates)),
                dtype="float64",
                fill_value=math.nan,
                dimension_names=dims,
                attributes={
                    "long_name": variable.long_name,
                    "units": variable.units,
                    "summary": variable.summary,
                    "coordinates": coordinates,
                    **({"power_law_over": variable.power_law_over} if variable.power_law_over else {}),
                },
            )
        shape = (*(sizes[dim] for dim in axes), self._replicates)
        group.create_array(
            "completed",
            shape=shape,
            chunks=(*shape[:-1], min(REPLICATES_PER_FILE, self._replicates)),
            dtype="int8",
            fill_value=0,
            dimension_names=(*axes, "replicate"),
            attributes={"long_name": "1 where the replicate has been computed", "coordinates": coordinates},
        )
        _consolidate(backend)

    def _grow(self, study: Study) -> None:
        """Make room for more replicates than the store has; never for fewer."""
        arrays = [self._array(name) for name in (*study.variables(), "completed")]
        if any(array.shape[-1] < self._replicates for array in arrays):
            for array in arrays:
                array.resize((*array.shape[:-1], max(array.shape[-1], self._replicates)))
            _consolidate(self._backend)


def _consolidate(backend: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Zarr 3 has no word on consolidation yet; xarray reads it
        zarr.consolidate_metadata(backend)


def _attributes(study: Study, seed: int) -> dict[str, Any]:
    """What a store says of itself."""
    device = jax.local_devices()[0]
    return {
        "study": study.name,
        "configuration": json.dumps(study.configuration()),
        "seed": seed,
        "versions": json.dumps({name: importlib.metadata.version(name) for name in LIBRARIES}),
        "device": f"{jax.local_device_count()} × {device.device_kind}",
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _refuse_other(name: str, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Refuse a store that another study, configuration or seed made, naming the first difference."""
    if "study" not in found or "configuration" not in found:
        raise StoreError(f"store must be empty or one made by jaxmem, got {name!r}, which holds other data.")
    old = {"study": found["study"], **_flat(json.loads(found["configuration"])), "seed": found["seed"]}
    new = {"study": wanted["study"], **_flat(json.loads(wanted["configuration"])), "seed": wanted["seed"]}
    for field in old | new:
        if old.get(field) != new.get(field):
            raise StoreError(
                f"store {name!r} was made with {field} = {old.get(field)!r} and cannot be continued with "
                f"{field} = {new.get(field)!r}; choose another path or the same configuration."
            )


def _flat(configuration: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as dotted names."""
    flat: dict[str, Any] = {}
    for key, value in configuration.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


@contextmanager
def _explained(name: str | os.PathLike[str], action: str) -> Iterator[None]:
    """Turn what storage libraries raise into one sentence."""
    try:
        yield
    except OSError as error:
        if action == "read" and isinstance(error, FileNotFoundError | NotADirectoryError):
            raise StoreError(f"store {str(name)!r} is damaged or not a Zarr store: {error}.") from error
        reason = error.strerror or str(error)
        raise StoreError(
            f"cannot {action} store {str(name)!r}: {reason}; what was finished is kept."
        ) from error
    except (ValueError, KeyError, TypeError, RuntimeError, zarr.errors.BaseZarrError) as error:
        if action == "write":
            raise
        raise StoreError(f"store {str(name)!r} is damaged: {type(error).__name__}: {error}.") from error
