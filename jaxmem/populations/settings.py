"""The user's description of a population: plain values for Python, the command line and a file alike."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxmem import _checks
from jaxmem.describing.settings import make_plain, values_of
from jaxmem.numerics.precision import as_float64, with_float64
from jaxmem.populations.empirical import Empirical
from jaxmem.populations.gaussian import Gaussian
from jaxmem.populations.gaussian_mixture import GaussianMixture
from jaxmem.populations.given_array import GivenArray
from jaxmem.populations.image_settings import (
    IMAGE_LAWS,
    check_law,
    image_law,
    law_side,
    named_images,
    region_of,
)
from jaxmem.populations.population import AbstractPopulation
from jaxmem.populations.train_test import most_trained

SWEPT = (
    "mean",
    "variance",
    "exponent",
    "spike_scale",
    "separation",
    "spectrum_exponent",
    "spectrum_offset",
    "regularity",
)
"""The numeric fields: each is a sweep axis when given as a tuple."""

IMAGE_FIELDS = (
    "image_size",
    "grey_images",
    "spectrum_exponent",
    "spectrum_offset",
    "spike_patterns",
    "regularity",
)
"""Fields that mean something of images only."""


def _swept(default: float, long_name: str) -> Any:
    """A field of `SWEPT` with the label of its axis."""
    return field(default=default, metadata={"long_name": long_name})


@dataclass(frozen=True)
class PopulationSettings:
    """A Gaussian, a mixture of equal Gaussians, a data set, or images.

    A Gaussian has the eigenvalues λ_k = variance · (k^−exponent + spike_scale · θ_k) along the axes k = 1..d,
    θ_k the k-th of `spikes`; or variance times a given covariance. A mixture is `components` of these. A data
    set stands alone, and so do images that are one. Of the numbers, several values make a sweep axis.
    """

    mean: float | tuple[float, ...] = _swept(0.0, "mean of every coordinate")
    """Mean of every coordinate; of a mixture, its centre (in the units of the data)."""

    variance: float | tuple[float, ...] = _swept(1.0, "variance")
    """Multiplies the whole covariance (at least 0, in squared units of the data)."""

    exponent: float | tuple[float, ...] = _swept(0.0, "spectral exponent a")
    """Decay a of the power-law spectrum k^-a; 0 is isotropic."""

    spikes: tuple[float, ...] = ()
    """Strengths θ_i of the spikes, all present at once: added to the leading eigenvalues, in units of the
    variance."""

    spike_scale: float | tuple[float, ...] = _swept(1.0, "spike scale")
    """Multiplies every spike: with `spikes` 1, the strength itself."""

    covariance: str | None = None
    """A covariance to use instead: path of a .npy or .npz file with a d×d matrix; in Python also an array."""

    samples: str | None = None
    """A data set to draw from instead, without replacement: path of a .npy or .npz file with one sample per
    row; in Python also an array."""

    components: int = 1
    """Number of equal Gaussians in a mixture; 1 is no mixture."""

    separation: float | tuple[float, ...] = _swept(0.0, "separation of component means")
    """Distance between any two component means, which sit at the vertices of a regular simplex in the first
    components − 1 axes (at least 0, in the units of the data)."""

    images: str | None = None
    """Images instead, drawn without replacement: digits (8×8), mnist (28×28), photographs (patches), or the
    path of a .npy or .npz file (N, height, width[, channels]), of a folder of image files or of CIFAR-10; in
    Python also an array. Pixels are from -1 to 1. Or a law of images: field (stationary Gaussian, with spikes
    if there are any), patterns (spikes of random sign), shifts (one shape anywhere), contours (two smooth
    grounds)."""

    image_size: int | None = None
    """Height and width of the images (pixels): files are reduced to it, photographs cut into patches of it;
    laws have 8, or what `dims` are the squares of."""

    grey_images: bool = False
    """Make images in colour grey."""

    spectrum_exponent: float | tuple[float, ...] = _swept(2.0, "exponent a of the field's spectrum")
    """Decay a of the spectrum P(ω) ∝ 1/(c + ω^a) of a field, ω in cycles per image."""

    spectrum_offset: float | tuple[float, ...] = _swept(1.0, "offset c of the field's spectrum")
    """Offset c of the spectrum of a field (above 0)."""

    spike_patterns: Literal["fourier", "localised", "random"] = "fourier"
    """Along what the spikes of a field or of patterns lie: waves, local bumps, or random directions."""

    regularity: float | tuple[float, ...] = _swept(2.0, "regularity α")
    """Regularity α of contours and of the grounds between them (above 0)."""

    def __post_init__(self) -> None:
        """Name given arrays, or the files that hold them, by their contents; make the other fields plain."""
        for name in ("covariance", "samples"):
            object.__setattr__(self, name, _named(name, getattr(self, name)))
        object.__setattr__(self, "images", named_images(self.images, self.image_size, self.grey_images))
        make_plain(self)

    @property
    def data(self) -> GivenArray | None:
        """The data set to draw from, given as samples (N, d) or as images (N, h, w, c); None for a law."""
        if self.images is not None:
            return None if self.images in IMAGE_LAWS else self._loaded_images()
        return None if self.samples is None else _given("samples", self.samples)

    @property
    def data_dim(self) -> int | None:
        """The only d there can be: that of the data set, the covariance or the images; None for any."""
        if self.images in IMAGE_LAWS:
            return None if self.image_size is None else self.image_size**2
        data = self.data if self.covariance is None else _given("covariance", self.covariance)
        return None if data is None else math.prod(data.array.shape[1:])

    @property
    def available(self) -> float:
        """How many samples there are to draw: the rows of a data set, infinity for a law."""
        return math.inf if self.data is None else self.data.array.shape[0]

    @property
    def has_score(self) -> bool:
        """Whether the noised law, its score and its denoiser are known: not of data, nor of contours."""
        return self.data is None and self.images != "contours"

    def left_by(self, held_out: int, sets: int = 1) -> float:
        """How many samples are left to each train set, in whole regions; infinitely many of a law."""
        data = self.data
        if data is None:
            return math.inf
        return most_trained(len(data.array), held_out, 1 if self.images is None else region_of(data), sets)

    def image_shape(self, dim: int) -> tuple[int, int, int] | None:
        """(height, width, channels) of the images that samples in R^dim are; None where they are none."""
        if self.images is None:
            return None
        if self.images in IMAGE_LAWS:
            side = law_side(dim)
            return side, side, 1
        height, width, channels = self._loaded_images().array.shape[1:]
        return height, width, channels

    def check(self, dims: Sequence[int]) -> None:
        """Refuse, in one sentence, what cannot be built at every one of `dims`.

        Raises:
            ValueError: naming the field, its value and what is allowed.
        """
        self._check_numbers(dims)
        if self.images is None:
            self._refuse_beside("no images", IMAGE_FIELDS)
        if self.images is not None:
            self._check_images(dims)
        elif self.samples is not None:
            self._check_samples(dims)
        elif self.covariance is not None:
            self._refuse_beside("covariance", ("exponent", "spikes", "spike_scale"))
            matrix = _array("covariance", self.covariance)
            for dim in dims:
                _checks.shape(f"covariance at dims {dim}", matrix, dim, dim)
            _checks.covariance("covariance", matrix)
        else:
            self._check_spectrum(dims)
        if self.components - 1 > min(dims):
            raise ValueError(f"components must be at most dims + 1 = {min(dims) + 1}, got {self.components}.")
        if self.components == 1:
            self._refuse_beside("components = 1", ("separation",))

    def build(self, dim: int, point: Mapping[str, Any] | None = None) -> AbstractPopulation:
        """The population in R^dim at a point of the sweep.

        `point` overrides fields by name and its values may be traced; names it holds beyond this class's
        numeric fields are ignored.
        """
        data = self.data
        if data is not None and self.images is not None:
            height, width, channels = data.array.shape[1:]
            rows = data.array.reshape(len(data.array), -1)
            return Empirical(rows, (height, width, channels), region_of(data))
        if data is not None:
            return Empirical(data.array)
        number = {name: self._value(name, point or {}) for name in SWEPT}
        if self.images is not None:
            return image_law(self.images, law_side(dim), number, self.spikes, self.spike_patterns)
        gaussian = self._gaussian(dim, number)
        if self.components == 1:
            return gaussian
        return GaussianMixture.simplex(gaussian, self.components, number["separation"])

    def _value(self, name: str, point: Mapping[str, Any]) -> Any:
        value = point.get(name, getattr(self, name))
        if isinstance(value, tuple):
            if len(value) != 1:
                raise ValueError(f"{name} is an axis, so the point must hold one of its values {value}.")
            return value[0]
        return value

    @with_float64
    def _gaussian(self, dim: int, number: Mapping[str, Any]) -> Gaussian:
        mean = jnp.broadcast_to(as_float64(number["mean"]), (dim,))
        if self.covariance is not None:
            law = Gaussian.from_covariance(mean, _array("covariance", self.covariance))
            return Gaussian(mean, number["variance"] * law.eigenvalues, law.eigenvectors)
        return Gaussian(mean, self._spectrum(dim, number))

    def _spectrum(self, dim: int, number: Mapping[str, Any]) -> Array:
        decay = jnp.arange(1.0, dim + 1) ** -as_float64(number["exponent"])
        spikes = jnp.zeros(dim).at[: len(self.spikes)].set(np.asarray(self.spikes))
        return as_float64(number["variance"]) * (decay + number["spike_scale"] * spikes)

    def _check_numbers(self, dims: Sequence[int]) -> None:
        for name in SWEPT:
            least = 0.0 if name in ("variance", "separation") else None
            values = getattr(self, name)
            if isinstance(values, tuple):
                _checks.increasing(name, values)
            for value in values_of(values):
                _checks.real_number(name, value, least=least)
        for spike in self.spikes:
            _checks.real_number("spikes", spike)
        _checks.positive_integer("components", self.components)
        for dim in dims:
            _checks.positive_integer("dims", dim)

    def _check_spectrum(self, dims: Sequence[int]) -> None:
        if len(self.spikes) > min(dims):
            raise ValueError(f"spikes must be at most dims = {min(dims)} strengths, got {len(self.spikes)}.")
        exponents, scales = (np.atleast_1d(getattr(self, name)) for name in ("exponent", "spike_scale"))
        for k, spike in enumerate(self.spikes, start=1):
            least = (k ** -np.max(exponents)) + min(spike * np.min(scales), spike * np.max(scales))
            if least < 0:
                raise ValueError(f"spikes must leave every eigenvalue at least 0, got {spike} as number {k}.")

    def _check_images(self, dims: Sequence[int]) -> None:
        assert self.images is not None
        if self.images in IMAGE_LAWS:
            kept = IMAGE_LAWS[self.images]
            others = [each.name for each in fields(self) if each.name not in ("images", "image_size", *kept)]
            self._refuse_beside(f"images {self.images}", others)
            if self.image_size is not None:
                _checks.positive_integer("image_size", self.image_size, least=2)
            numbers = {name: np.atleast_1d(getattr(self, name)) for name in SWEPT}
            check_law(self.images, dims, self.image_size, numbers, self.spikes, self.spike_patterns)
            return
        others = [
            each.name for each in fields(self) if each.name not in ("images", "image_size", "grey_images")
        ]
        self._refuse_beside("images", others)
        height, width, channels = self._loaded_images().array.shape[1:]
        for dim in dims:
            if dim != height * width * channels:
                raise ValueError(
                    f"dims must be {height * width * channels}, the pixels of images of {height} × {width} × "
                    f"{channels}, got {dim}; leave dims out."
                )
        if self.available < 2:
            raise ValueError(f"images must be at least 2, got {self.available}.")

    def _loaded_images(self) -> GivenArray:
        """The images; what could not be read when they were named says so now."""
        named = named_images(self.images, self.image_size, self.grey_images, say_why=True)
        assert isinstance(named, GivenArray)
        return named

    def _check_samples(self, dims: Sequence[int]) -> None:
        self._refuse_beside("samples", [each.name for each in fields(self) if each.name != "samples"])
        rows = _array("samples", self.samples)
        for dim in dims:
            _checks.shape(f"samples at dims {dim}", rows, None, dim)
        _checks.samples("samples", rows, least=2)

    def _refuse_beside(self, given: str, names: Sequence[str]) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name in names and value != each.default:
                raise ValueError(f"{each.name} must stay {each.default!r} with {given}, got {value!r}.")


def _named(name: str, value: Any) -> str | None:
    """Name an array by its contents; text that names no readable array is left for `check` to refuse."""
    if value is None or isinstance(value, GivenArray):
        return value
    if isinstance(value, np.ndarray | Array):
        return GivenArray.from_array(np.asarray(value))
    try:
        return GivenArray.read(name, value)
    except ValueError:
        return str(value)


def _given(name: str, value: str) -> GivenArray:
    return value if isinstance(value, GivenArray) else GivenArray.read(name, str(value))


def _array(name: str, value: str | None) -> np.ndarray:
    return _given(name, str(value) if value is None else value).array
