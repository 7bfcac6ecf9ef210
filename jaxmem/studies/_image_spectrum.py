"""The spectrum that a linear model of configured images has to learn, for theory beside a simulation."""

from collections.abc import Mapping
from typing import Any

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
    settings = at["population"]
    plain: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()
    }
    described = PopulationSettings(**plain)
    try:
        data = described.data
    except ValueError:
        return None
    if data is not None:
        return principal_components(data)[1]
    numbers = {name: at.get(name, settings[name]) for name in SWEPT}
    if any(np.ndim(value) for value in numbers.values()):
        return None
    covariance = np.asarray(described.build(at["dim"], numbers).covariance())
    return np.linalg.eigvalsh(covariance)[::-1].clip(0)
