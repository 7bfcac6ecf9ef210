"""The covariance that a linear model of configured images has to learn, for theory beside a simulation."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from jaxmem.populations import PopulationSettings
from jaxmem.populations.settings import SWEPT
from jaxmem.studies._eigenbasis import principal_components


def image_spectrum(at: Mapping[str, Any]) -> np.ndarray | None:
    """Eigenvalues of the images' covariance, the largest first: of a data set, that of all its images.

    Args:
        at: what a `Theory` is handed: the study's configuration with the coordinates over it.

    Returns:
        None where the images are not at hand any more, or where a number is not fixed.
    """
    described, point = _described(at), _numbers(at)
    if described is None or point is None:
        return None
    data = described.data
    if data is not None:
        return principal_components(data)[1]
    return np.linalg.eigvalsh(np.asarray(described.build(at["dim"], point).covariance()))[::-1].clip(0)


class ImageCovariance(NamedTuple):
    """Σ (d, d) of images of a shape (height, width, channels)."""

    matrix: np.ndarray
    image_shape: tuple[int, int, int]


def image_covariance(at: Mapping[str, Any]) -> ImageCovariance | None:
    """The covariance of the images as pixels; None as of `image_spectrum`."""
    described, point = _described(at), _numbers(at)
    shape = None if described is None else described.image_shape(at["dim"])
    if described is None or point is None or shape is None:
        return None
    return ImageCovariance(np.asarray(described.build(at["dim"], point).covariance()), shape)


def _numbers(at: Mapping[str, Any]) -> dict[str, Any] | None:
    """The population's numbers; None where one is not fixed."""
    numbers = {name: at.get(name, at["population"][name]) for name in SWEPT}
    return None if any(np.ndim(value) for value in numbers.values()) else numbers


def _described(at: Mapping[str, Any]) -> PopulationSettings | None:
    """The population; None where its images are gone."""
    settings = at["population"]
    plain: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()
    }
    described = PopulationSettings(**plain)
    try:
        described.data  # noqa: B018 - reads the files
    except ValueError:
        return None
    return described
