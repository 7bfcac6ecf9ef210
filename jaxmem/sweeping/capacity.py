"""What a sweep will need, before anything is compiled: refused in one sentence where the machine has less."""

import math
import os
import shutil
from pathlib import Path

import jax

from jaxmem.sweeping.grid import families
from jaxmem.sweeping.protocol import Study


def refuse_too_large(study: Study, replicates: int, store: Path | None) -> None:
    """Refuse a replicate, or a result, that cannot fit.

    Raises:
        ValueError: one replicate needs more memory than there is, or the result more memory or disk.
    """
    memory = physical_memory()
    if memory is not None and jax.default_backend() == "cpu":
        shapes = {group.shape for family in families(study) for group in family.groups}
        needed, shape = max(((study.bytes_per_replicate(s), s) for s in shapes), key=lambda pair: pair[0])
        if needed > memory:
            raise ValueError(
                f"{study.name} needs about {_size(needed)} for one replicate of {shape}, more than the "
                f"{_size(memory)} of this machine; take smaller sizes."
            )
    points, values = _counts(study)
    in_memory = replicates * points * (9 + 8 * values if store is None else 1)
    if memory is not None and in_memory > memory / 2:
        raise ValueError(
            f"replicates must leave the result in memory, got {replicates}, whose results take "
            f"{_size(in_memory)} of the {_size(memory)} of this machine; take fewer."
        )
    if store is not None and not store.exists():
        on_disk = replicates * points * (9 + 8 * values)
        free = shutil.disk_usage(_existing(store)).free
        if on_disk > free:
            raise ValueError(
                f"replicates must leave room on the disk of {str(store)!r}, got {replicates}, whose results "
                f"take up to {_size(on_disk)} where {_size(free)} are free; take fewer."
            )


def physical_memory() -> int | None:
    """Bytes of this machine, None where it does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _counts(study: Study) -> tuple[int, int]:
    """Points of the grid, and numbers that a replicate stores at each."""
    sizes: dict[str, int] = {}
    for coordinate in study.coordinates().values():
        shape = getattr(coordinate.values, "shape", (len(coordinate.values),))
        sizes |= dict(zip(coordinate.dims, shape, strict=True))
    values = sum(
        math.prod(sizes.get(dim, 1) for dim in variable.dims) for variable in study.variables().values()
    )
    return math.prod(len(axis) for axis in study.axes().values()), values


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.absolute().parent)


def _size(number: float) -> str:
    unit = min(int(math.log2(max(number, 1)) // 10), 6)
    return f"{number / 2 ** (10 * unit):.3g} {('B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB')[unit]}"
