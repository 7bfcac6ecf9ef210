"""Samples and features that a user has: arrays, files, folders of images, functions of their own."""

import importlib
import os
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from jaxmem import _checks
from jaxmem.populations import LoadedImages, load_images
from jaxmem.populations.given_array import GivenArray
from jaxmem.populations.shipped_images import SHIPPED

Rows = Float[np.ndarray, "_ d"]
"""Samples, one a row, in memory or on disk."""

Features = Callable[[Rows], Any]
"""From samples (b, d) to features (b, k)."""

ROWS_AT_ONCE = 1024
"""Samples looked at, or handed to a user's features, together."""


def read_samples(name: str, source: Any) -> Rows:
    """Samples as rows of real numbers.

    Args:
        name: of the argument, for a sentence.
        source: an array (n, d), or images (n, height, width) or (n, height, width, channels); the path of a
            .npy file, or of a .npz file of one array, that holds such; a folder of image files, or that of
            CIFAR-10; or the name of a shipped set of images. Whole numbers of images become -1 to 1, as
            `jaxmem.populations.load_images` has it; rows stay what they are. A .npy file of floats (n, d) is
            read as it is needed and may be larger than memory.

    Raises:
        ValueError: it is none of these, or not finite; its name and the file's are told.
    """
    if isinstance(source, str | os.PathLike):
        rows = _from_path(name, source)
    else:
        images = np.ndim(source) >= 3
        rows = _as_rows(name, np.asarray(source if images else _checks.real_array(name, source)))
    for at in range(0, len(rows), ROWS_AT_ONCE):
        _checks.finite(name, rows[at : at + ROWS_AT_ONCE])
    return rows


def read_pictures(name: str, source: Any) -> Float[np.ndarray, "n height width channels"] | None:
    """Samples as images from -1 to 1, where they are images: a folder, or arrays of more than two dimensions.

    Args:
        name: of the argument, for a sentence.
        source: as in `read_samples`.

    Raises:
        ValueError: what `read_samples` refuses.
    """
    if isinstance(source, str | os.PathLike):
        path = Path(source).expanduser()
        if path.is_file() and _array_in(name, path).ndim < 3:
            return None
    elif np.ndim(source) < 3:
        return None
    loaded = _images(name, source)
    return np.asarray(loaded.rows).reshape(-1, *loaded.image_shape)


def _from_path(name: str, source: "str | os.PathLike[str]") -> Rows:
    path = Path(source).expanduser()
    if path.is_file():
        return _as_rows(name, _array_in(name, path))
    if not path.is_dir() and str(source) not in SHIPPED:
        raise ValueError(
            f"{name} must be the path of a .npy or .npz file or of a folder of images, got {str(source)!r}, "
            "where there is nothing."
        )
    return _images(name, source).rows


def _array_in(name: str, path: Path) -> np.ndarray:
    """What a file holds; of a .npy file it is read as it is needed."""
    if path.suffix.lower() == ".npy":
        with suppress(ValueError, OSError, EOFError):  # what is wrong with it is said below
            return np.load(path, mmap_mode="r", allow_pickle=False)
    return GivenArray.read(name, path).array


def _as_rows(name: str, array: np.ndarray) -> Rows:
    if array.ndim >= 3:
        return _images(name, array).rows
    rows = np.asarray(_checks.real_array(name, array))
    rows = rows[:, None] if rows.ndim == 1 else rows
    _checks.shape(name, rows, None, None)
    return rows


def _images(name: str, source: Any) -> LoadedImages:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # repeats are counted and told by the measurement
        try:
            return load_images(source)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None


def features_function(features: "str | Features | None") -> Features | None:
    """A function of samples, itself or as "package.module:function".

    Raises:
        ValueError: there is no such function.
    """
    if features is None or callable(features):
        return features
    module, _, function = str(features).partition(":")
    if not (module and function):
        raise ValueError(f'features must be a function, as "package.module:function", got {features!r}.')
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"features must name a function that there is, got {features!r}: {error}.") from None
    if not callable(found):
        raise ValueError(f"features must name a function, got {features!r}, which is {type(found).__name__}.")
    return found


def features_of(name: str, rows: Rows, features: Features) -> Rows:
    """Features of all samples, in memory, computed some at a time."""
    parts = []
    for at in range(0, len(rows), ROWS_AT_ONCE):
        some = np.asarray(rows[at : at + ROWS_AT_ONCE])
        found = np.asarray(_checks.real_array(f"features of {name}", features(some)))
        found = found.reshape(len(found), -1)
        if len(found) != len(some):
            raise ValueError(
                f"features must give a row for every sample, got {len(found)} for {len(some)} of {name}."
            )
        parts.append(found)
    return np.concatenate(parts)
