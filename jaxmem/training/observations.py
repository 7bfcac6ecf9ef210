"""Where the observations of a long run are kept: in memory, or snapshot by snapshot in a Zarr store."""

from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np
import zarr
from jaxtyping import PyTree


def observations_in_memory(shapes: PyTree, snapshots: int) -> PyTree:
    """NumPy arrays (replicate, snapshot, ...) of zeros; `shapes` are those of one snapshot."""
    return jax.tree.map(lambda s: np.zeros(_with_snapshots(s, snapshots), s.dtype), shapes)


def observations_in_store(path: Path, shapes: PyTree, steps: Sequence[int], *, resume: bool) -> PyTree:
    """Zarr arrays (replicate, snapshot, ...), one chunk a snapshot, so that memory holds one snapshot.

    `xarray.open_zarr(path)` reads them: variables are named after their place in the observations,
    "outer" or "model.outer" ("observation" where they are one array), with the steps as coordinate.

    Args:
        path: a directory; what is in it is overwritten unless `resume`.
        shapes: those of one snapshot of all replicates, (replicate, ...).
        steps: of the snapshots.
        resume: continue what is there.
    """
    if resume:
        group = zarr.open_group(path, mode="r+")
        return jax.tree_util.tree_map_with_path(lambda where, _: group[_name(where)], shapes)
    group = zarr.create_group(path, overwrite=True)
    group.create_array("step", data=np.asarray(steps), dimension_names=("snapshot",))

    def create(where: tuple, leaf: jax.ShapeDtypeStruct) -> zarr.Array:
        name, shape = _name(where), _with_snapshots(leaf, len(steps))
        inner = (f"{name}_{axis}" for axis in range(len(shape) - 2))
        return group.create_array(
            name,
            shape=shape,
            chunks=(shape[0], 1, *shape[2:]),
            dtype=leaf.dtype,
            dimension_names=("replicate", "snapshot", *inner),
        )

    return jax.tree_util.tree_map_with_path(create, shapes)


def _with_snapshots(leaf: jax.ShapeDtypeStruct, snapshots: int) -> tuple[int, ...]:
    return (leaf.shape[0], snapshots, *leaf.shape[1:])


def _name(where: tuple) -> str:
    return jax.tree_util.keystr(where, simple=True, separator=".") or "observation"
