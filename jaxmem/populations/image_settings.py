"""What the images of a configuration are: a data set named by its contents, or a law of the fields."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxmem import _checks
from jaxmem.numerics.precision import as_float64, with_float64
from jaxmem.populations.binary_patterns import BinaryPatterns
from jaxmem.populations.contour_images import ContourImages
from jaxmem.populations.gaussian_field import GaussianField
from jaxmem.populations.given_array import IN_MEMORY, MARK, GivenArray
from jaxmem.populations.image_pixels import as_pixels, averaged, greyed
from jaxmem.populations.load_images import load_images
from jaxmem.populations.population import AbstractPopulation
from jaxmem.populations.shifted_template import ShiftedTemplate, corner
from jaxmem.populations.shipped_images import SHIPPED, region_size
from jaxmem.populations.spike_patterns import PatternKind, spike_patterns

IMAGE_LAWS: Mapping[str, tuple[str, ...]] = {
    "field": (
        "mean",
        "variance",
        "spectrum_exponent",
        "spectrum_offset",
        "spikes",
        "spike_scale",
        "spike_patterns",
    ),
    "patterns": ("mean", "variance", "spikes", "spike_scale", "spike_patterns"),
    "shifts": ("mean", "variance", "spikes", "spike_scale"),
    "contours": ("mean", "variance", "regularity"),
}
"""The laws of images, and the fields of a configuration that each has."""

LAW_SIDE = 8
"""Height and width of a law's images where neither a size nor dims are given (pixels)."""


def named_images(value: Any, size: int | None, grey: bool, *, say_why: bool = False) -> str | None:
    """The name of a law, or images named by where they come from and what they hold.

    Text that names no readable images stays what it is, to be refused when a configuration is checked.

    Raises:
        ValueError: `say_why`, and the images cannot be read, or have changed since they were named.
    """
    if value is None or (isinstance(value, str) and value in IMAGE_LAWS):
        return value
    try:
        return _loaded(value, size, grey)
    except ValueError:
        if say_why or not isinstance(value, str | Path):
            raise
        return str(value)


def _loaded(value: Any, size: int | None, grey: bool) -> GivenArray:
    if isinstance(value, GivenArray) and _fits(value.array, size, grey):
        return value
    location, _, digest = str(value).partition(MARK) if isinstance(value, str | Path) else (IN_MEMORY, "", "")
    if isinstance(value, GivenArray) and location not in SHIPPED:
        pixels = as_pixels("images", value.array)
        pixels = greyed(pixels) if grey else pixels
        return GivenArray.from_array(pixels if size is None else averaged(pixels, size), location)
    if digest and location == IN_MEMORY:
        raise ValueError(f"images were given in memory, so hand their array over again, got {value}.")
    source = location if isinstance(value, str | Path) else value
    rows, shape = load_images(source, size=size, grey=grey)
    named = GivenArray.from_array(rows.reshape(-1, *shape), location)
    if digest and not isinstance(value, GivenArray) and named != value:
        raise ValueError(f"images must hold what they held before, but {location} has changed.")
    return named


def _fits(array: np.ndarray, size: int | None, grey: bool) -> bool:
    """Whether an array is images of the size and channels that are asked for."""
    if array.ndim != 4:
        return False
    return (size is None or array.shape[1:3] == (size, size)) and not (grey and array.shape[3] > 1)


def region_of(images: GivenArray) -> int:
    """How many consecutive images belong together."""
    return region_size(str(images).partition(MARK)[0], images.array.shape[1])


def law_side(dim: int) -> int:
    """Height and width of the square images of `dim` pixels.

    Raises:
        ValueError: there are none.
    """
    side = math.isqrt(dim)
    if side**2 != dim or side < 2:
        raise ValueError(f"dims must be squares, such as 64, for a law of square images, got {dim}.")
    return side


def check_law(
    images: str,
    dims: Sequence[int],
    size: int | None,
    numbers: Mapping[str, np.ndarray],
    spikes: Sequence[float],
    kind: PatternKind,
) -> None:
    """Refuse, in one sentence, a law that cannot be built at every one of `dims`."""
    for dim in dims:
        side = law_side(dim)
        if size is not None and side != size:
            raise ValueError(f"dims must be {size**2}, the square of image_size {size}, got {dim}.")
        if images in ("field", "patterns"):
            spike_patterns(kind, len(spikes), side, side)
    for name in ("variance", "spectrum_offset", "regularity"):
        for value in numbers[name]:
            _checks.real_number(name, value, above=0.0)
    if images == "shifts" and len(spikes) != 1:
        raise ValueError(
            f"spikes must be one strength with images shifts, that of the shape, |template|²/variance, got "
            f"{len(spikes)}."
        )
    if images == "patterns" and not spikes:
        raise ValueError("spikes must be the strengths of the patterns with images patterns, got none.")
    for spike in spikes:
        for scale in numbers["spike_scale"]:
            _checks.real_number("spikes times spike_scale", spike * scale, least=0.0)


@with_float64
def image_law(
    images: str, side: int, number: Mapping[str, Any], spikes: Sequence[float], kind: PatternKind
) -> AbstractPopulation:
    """The law of images of side × side pixels; the numbers may be traced.

    Spikes have θ_i in units of the variance. The field is white noise coloured, plus √θ_i z_i along each
    pattern; patterns have ±√θ_i in white noise; shifts have a shape of squared length θ in white noise.
    """
    variance, mean = as_float64(number["variance"]), number["mean"]
    strengths: Array = as_float64(number["spike_scale"]) * as_float64(np.asarray(spikes, np.float64))
    if images == "contours":
        return ContourImages(side, side, number["regularity"], variance=variance, mean=mean)
    if images == "shifts":
        length = jnp.sqrt(variance * strengths[0])
        return ShiftedTemplate(length * as_float64(corner(side, side)), jnp.sqrt(variance), mean)
    patterns = spike_patterns(kind, len(spikes), side, side)
    if images == "patterns":
        amplitudes = jnp.sqrt(variance * strengths)
        return BinaryPatterns(amplitudes, patterns, jnp.sqrt(variance), mean, (side, side, 1))
    return GaussianField.power_law(
        side,
        side,
        number["spectrum_exponent"],
        number["spectrum_offset"],
        variance=variance,
        strengths=strengths,
        patterns=patterns,
        mean=mean,
    )
