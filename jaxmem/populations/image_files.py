"""Images from a user's files: arrays, folders of image files, the folder of CIFAR-10."""

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from jaxmem.populations import given_array
from jaxmem.populations.image_pixels import Pixels, as_pixels, averaged, from_bytes
from jaxmem.populations.shipped_images import SHIPPED, pillow

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
ARRAYS = (".npy", ".npz")

CIFAR = (32, 32, 3)
CIFAR_BATCHES = ("data_batch_*", "test_batch*")
CIFAR_NUMBERS = 32 * 32 * 3


def read_images(path: Path, size: int | None) -> Pixels:
    """The images at a path; those of a folder may be of many sizes where one is asked for.

    Raises:
        ValueError: there are none, or a file is broken, which is then named.
    """
    if path.is_file():
        if path.suffix.lower() not in ARRAYS:
            raise ValueError(
                f"images must be a folder of image files, or a .npy or .npz file, got the file {str(path)!r}."
            )
        return as_pixels(f"images in {str(path)!r}", given_array._load("images", str(path)))
    if not path.is_dir():
        raise ValueError(
            f"images must be one of {', '.join(SHIPPED)}, or the path of a folder, a .npy or a .npz file, "
            f"got {str(path)!r}, where there is nothing."
        )
    batches = sorted({each for pattern in CIFAR_BATCHES for each in path.glob(pattern)})
    if batches:
        return np.concatenate([_cifar_batch(each) for each in batches])
    return _folder_of_images(path, size)


def _folder_of_images(folder: Path, size: int | None) -> Pixels:
    """Every image file in a folder and below, in the order of their names; all grey, or all in colour."""
    files = sorted(
        each
        for each in folder.rglob("*")
        if each.suffix.lower() in SUFFIXES and each.is_file() and not each.name.startswith(".")
    )
    if not files:
        raise ValueError(f"images must be in files such as {', '.join(SUFFIXES[:3])}, got {str(folder)!r}.")
    found: list[np.ndarray] = []
    for file in files:
        image = _read(file)
        if size is not None:
            try:
                image = averaged(image[None], size)[0]
            except ValueError as error:
                raise ValueError(f"{str(file)!r} is too small: {error}") from None
        if found and image.shape[:2] != found[0].shape[:2]:
            (height, width), (first_height, first_width) = image.shape[:2], found[0].shape[:2]
            raise ValueError(
                f"images must be of one size, or a size must be asked for, got {str(file)!r} of "
                f"{width} × {height} pixels beside {first_width} × {first_height}."
            )
        found.append(image)
    channels = max(image.shape[2] for image in found)
    return np.stack([np.broadcast_to(image, (*image.shape[:2], channels)) for image in found])


def _read(file: Path) -> np.ndarray:
    """(h, w, 1) or (h, w, 3) from -1 to 1."""
    module = pillow("in a folder")
    try:
        with module.open(file) as image:
            if image.mode.startswith(("I", "F")):  # 16 bits in most files
                return from_bytes(np.asarray(image, np.float32)[..., None] / 257)
            grey = image.mode in ("1", "L", "LA")
            pixels = np.asarray(image.convert("L" if grey else "RGB"))
    except (OSError, SyntaxError, ValueError, module.DecompressionBombError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"images must be whole, got {str(file)!r}: {reason.rstrip('.')}.") from None
    return from_bytes(pixels.reshape(*pixels.shape[:2], -1))


def _cifar_batch(file: Path) -> Pixels:
    """One of CIFAR-10's batches: rows of 3,072 bytes, red, green, blue, each in the order of rows."""
    contents = file.read_bytes()
    if file.suffix == ".bin":
        record = 1 + CIFAR_NUMBERS
        if not contents or len(contents) % record:
            raise ValueError(
                f"a binary batch of CIFAR-10 must hold records of {record} bytes, got {str(file)!r} of "
                f"{len(contents)} bytes."
            )
        data = np.frombuffer(contents, np.uint8).reshape(-1, record)[:, 1:]
    else:
        data = _unpickled(file, contents)
    height, width, channels = CIFAR
    return from_bytes(data.reshape(-1, channels, height, width).transpose(0, 2, 3, 1))


def _unpickled(file: Path, contents: bytes) -> np.ndarray:
    try:
        found = _PlainUnpickler(io.BytesIO(contents), encoding="bytes").load()
    except Exception as error:  # a broken pickle raises anything
        raise ValueError(f"a batch of CIFAR-10 cannot be read, got {str(file)!r}: {error}.") from None
    data: Any = found.get(b"data", found.get("data")) if isinstance(found, dict) else None
    fits = isinstance(data, np.ndarray) and data.dtype == np.uint8 and data.ndim == 2
    if not fits or data.shape[1] != CIFAR_NUMBERS or not len(data):
        raise ValueError(
            f"a batch of CIFAR-10 must hold data of (n, {CIFAR_NUMBERS}) bytes, got {str(file)!r} without."
        )
    return data


class _PlainUnpickler(pickle.Unpickler):
    """Takes numbers, text, lists, dicts and arrays of numbers; nothing that a file names is run."""

    def find_class(self, module: str, name: str) -> Any:
        """What NumPy's arrays are made with, and nothing else."""
        allowed: dict[tuple[str, str], Callable[..., Any]] = {
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): np.dtype,
            ("_codecs", "encode"): _latin_bytes,
        }
        for core in ("numpy.core", "numpy._core"):  # before and since NumPy 2
            reconstruct: Any = np.zeros(0).__reduce__()[0]
            allowed[f"{core}.multiarray", "_reconstruct"] = reconstruct
            allowed[f"{core}.numeric", "_frombuffer"] = _array_of
        if (module, name) not in allowed:
            raise pickle.UnpicklingError(f"it holds {module}.{name}, which is no number, text or array")
        return allowed[module, name]


def _latin_bytes(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes in the older forms of a pickle."""
    if encoding not in ("latin1", b"latin1"):
        raise pickle.UnpicklingError(f"it holds text in {encoding!r}")
    return text.encode("latin1")


def _array_of(contents: Any, dtype: np.dtype, shape: tuple[int, ...], order: Any) -> np.ndarray:
    """How the newest form of a pickle holds an array."""
    return np.frombuffer(contents, dtype).reshape(shape, order=order)
