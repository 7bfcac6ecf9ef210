"""Arrays that a user hands to a configuration, by path or in memory."""

import hashlib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from jaxmem.describing.settings import CONTENTS as MARK

IN_MEMORY = "array"


class GivenArray(str):
    """The text that names an array in a configuration, "path#sha256=…" or "array#sha256=…", with the array.

    As text it hashes, compares, prints and serialises; the digest of dtype, shape and contents makes two
    configurations equal only if their arrays are.
    """

    array: np.ndarray

    def __deepcopy__(self, memo: dict[int, Any]) -> "GivenArray":
        return self

    @classmethod
    def from_array(cls, array: np.ndarray, source: str = IN_MEMORY) -> "GivenArray":
        """Name an array by where it comes from and what it holds: real numbers, whole ones become floats."""
        if array.dtype.kind not in "fiub":
            raise ValueError(f"{source} must hold real numbers, got dtype {array.dtype}.")
        contents = np.array(array, np.result_type(array.dtype, np.float32), order="C")
        contents.flags.writeable = False
        digest = hashlib.sha256(f"{contents.dtype.str}{contents.shape}".encode())
        digest.update(contents.data)
        named = cls(f"{source}{MARK}{digest.hexdigest()}")
        named.array = contents
        return named

    @classmethod
    def read(cls, name: str, path: str | Path) -> "GivenArray":
        """Read the array that the argument `name` points to: a .npy file, or a .npz file of one array.

        A path that carries a digest must still hold the same contents.
        """
        location, _, digest = str(path).partition(MARK)
        if digest and location == IN_MEMORY:
            raise ValueError(f"{name} was given in memory, so hand its array over again, got {path}.")
        named = cls.from_array(_load(name, location), location)
        if digest and named != path:
            raise ValueError(f"{name} must hold the array it held before, but {location} has changed.")
        return named


def _load(name: str, path: str) -> np.ndarray:
    if not Path(path).is_file():
        raise ValueError(f"{name} must be the path of a .npy or .npz file, got {path!r}, which is no file.")
    with Path(path).open("rb") as file:
        start = file.read(6)
    if start != b"\x93NUMPY" and start[:2] != b"PK":  # a ZIP archive, as .npz is
        raise ValueError(
            f"{name} must be a .npy or .npz file of numbers, as numpy.save writes it, got {path!r}, "
            "which is neither."
        )
    try:
        loaded = np.load(path, allow_pickle=False)
        arrays = {"": loaded} if isinstance(loaded, np.ndarray) else dict(loaded)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{name} must be a .npy or .npz file of numbers, got {path!r}: {error}") from None
    if len(arrays) != 1:
        raise ValueError(f"{name} must hold one array, got {path!r} with {', '.join(arrays) or 'none'}.")
    return next(iter(arrays.values()))
