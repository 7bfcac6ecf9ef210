"""Pixels: what counts as an array of images, its range from -1 to 1, grey, and averages over areas."""

from typing import Any

import numpy as np
from jaxtyping import Float32

LUMINANCE = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey (ITU-R BT.601), those of Pillow."""

MOST_CHANNELS = 4
"""More are taken for channels that come first."""

Pixels = Float32[np.ndarray, "N h w c"]
"""N images, channels last, from -1 to 1."""


def as_pixels(name: str, array: Any) -> Pixels:
    """(N, h, w) or (N, h, w, c) with whole numbers from 0 to 255, truth values, or floats, which stay.

    Raises:
        ValueError: it is neither, or empty, or not finite; the sentence begins with `name`.
    """
    try:
        images = np.asarray(array)
    except ValueError:
        raise ValueError(f"{name} must be of one size, got a list of arrays of several shapes.") from None
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or not images.size:
        raise ValueError(
            f"{name} must be images (N, height, width) or (N, height, width, channels), got shape "
            f"{np.shape(array)}."
        )
    if images.shape[-1] > MOST_CHANNELS:
        raise ValueError(
            f"{name} must have at most {MOST_CHANNELS} channels, and those last, got shape {images.shape}."
        )
    kind = images.dtype.kind
    if kind == "b":
        return from_bytes(255 * images.astype(np.uint8))
    if kind in "iu":
        if images.min() < 0 or images.max() > 255:
            raise ValueError(
                f"{name} must hold whole numbers from 0 to 255, or floats, got whole numbers from "
                f"{images.min()} to {images.max()}."
            )
        return from_bytes(images)
    if kind != "f":
        raise ValueError(f"{name} must hold real numbers, got dtype {images.dtype}.")
    images = images.astype(np.float32)
    if not np.isfinite(images).all():
        raise ValueError(f"{name} must hold finite numbers, got NaN or infinity in a pixel.")
    return images


def from_bytes(values: Any) -> Float32[np.ndarray, "..."]:
    """0 … 255 as -1 … 1."""
    return np.asarray(values, np.float32) / np.float32(127.5) - np.float32(1)


def greyed(pixels: Pixels) -> Float32[np.ndarray, "N h w 1"]:
    """The first three channels as one of grey; one or two channels leave the first."""
    if pixels.shape[-1] < 3:
        return pixels[..., :1]
    return (pixels[..., :3] @ np.asarray(LUMINANCE, np.float32))[..., None]


def averaged(pixels: Pixels, size: int) -> Float32[np.ndarray, "N {size} {size} c"]:
    """Reduced to size × size: each pixel is the average over its area of the image's central square.

    Raises:
        ValueError: the images are smaller.
    """
    height, width = pixels.shape[1:3]
    side = min(height, width)
    if size > side:
        raise ValueError(
            f"size must be at most the {side} pixels that the images have to a side, got {size}."
        )
    top, left = (height - side) // 2, (width - side) // 2
    square = pixels[:, top : top + side, left : left + side]
    if size == side:
        return square
    weights = area_weights(side, size).astype(np.float32)
    found = np.einsum("ai,nijc,bj->nabc", weights, square, weights, optimize=True)
    return np.clip(found, pixels.min(), pixels.max())  # which only rounding leaves


def area_weights(side: int, size: int) -> np.ndarray:
    """(size, side): the share of each of `side` pixels of length 1 in `size` intervals that cover them."""
    edges = np.linspace(0, side, size + 1)
    pixel = np.arange(side)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    return np.maximum(overlap, 0) * size / side
