"""Flat rows as images, channels last, and back: networks take rows and think in pixels."""

from collections.abc import Sequence

from jaxtyping import Array, Float

from jaxmem import _checks

ImageShape = tuple[int, int, int]
"""Height, width and channels."""


def image_shape_of(value: Sequence[int], *, divisor: int = 1) -> ImageShape:
    """(height, width, channels) of (h, w) or (h, w, c), the first two divisible by `divisor`."""
    try:
        sizes = list(value)
    except TypeError:
        sizes = []
    if len(sizes) not in (2, 3):
        raise ValueError(f"image_shape must be (height, width) or (height, width, channels), got {value!r}.")
    height, width, *rest = (_checks.positive_integer("image_shape", size) for size in sizes)
    if height % divisor or width % divisor:
        raise ValueError(
            f"image_shape must have a height and width divisible by {divisor}, which halving at each level "
            f"asks for, got {height} × {width}."
        )
    return height, width, rest[0] if rest else 1


def as_images(rows: Float[Array, "b d"], image_shape: ImageShape) -> Float[Array, "b h w c"]:
    """The rows as images.

    Raises:
        ValueError: they are not of h·w·c numbers.
    """
    height, width, channels = image_shape
    if rows.shape[-1] != height * width * channels:
        raise ValueError(
            f"y must have {height * width * channels} numbers, an image of {height} × {width} × {channels}, "
            f"got {rows.shape[-1]}."
        )
    return rows.reshape(-1, *image_shape)


def as_rows(images: Float[Array, "b h w c"]) -> Float[Array, "b d"]:
    """The images as rows."""
    return images.reshape(len(images), -1)
