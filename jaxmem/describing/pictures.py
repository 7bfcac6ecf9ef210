"""Results that are images: how a study names, shapes and labels them."""

from typing import Any

import numpy as np

from jaxmem.describing.variables import Coordinate, Variable

PICTURE_DIMS = ("picture", "row", "column", "channel")
"""The last dimensions of an image-valued variable: which picture of a few, and its pixels."""


def picture_variable(long_name: str, *dims: str) -> Variable:
    """A variable that holds a few pictures at each point, at each value of `dims` such as "step"."""
    return Variable(long_name, summary="none", dims=(*dims, *PICTURE_DIMS))


def picture_coordinates(count: int, image_shape: tuple[int, int, int]) -> dict[str, Coordinate]:
    """The coordinates of `count` pictures of one image shape, for `Study.coordinates`."""
    names = ("picture", "pixel row", "pixel column", "colour channel")
    return {
        dim: Coordinate((dim,), np.arange(size), name)
        for dim, size, name in zip(PICTURE_DIMS, (count, *image_shape), names, strict=True)
    }


def as_pictures(rows: Any, image_shape: tuple[int, int, int]) -> Any:
    """Rows (…, count, d) of NumPy or JAX as pictures (…, count, height, width, channels)."""
    return rows.reshape(*rows.shape[:-1], *image_shape)
