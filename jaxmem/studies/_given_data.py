"""How a study follows the data it is given: their dimension, and how many samples there are of them."""

import dataclasses
from typing import Any

import numpy as np

from jaxmem.populations import PopulationSettings
from jaxmem.populations.image_settings import IMAGE_LAWS, LAW_SIDE


def follow_data(study: Any, *, sets: int = 1) -> None:
    """Make the defaults of `dims` and `loads` those of given data, before anything is checked.

    d is that of a data set, a covariance or images, and of the loads those stay for which `sets` disjoint
    sets of n = load · d samples can be drawn. What the user has set is left to the checks.
    """
    population = study.population
    if not isinstance(population, PopulationSettings):
        return  # which the study refuses
    dim = population.data_dim
    if dim is None and population.images is not None:
        dim = LAW_SIDE**2
    if dim is None:
        return
    if _is_default(study, "dims"):
        object.__setattr__(study, "dims", (dim,))
    if hasattr(study, "loads") and _is_default(study, "loads"):
        most = max((int(each) for each in np.atleast_1d(study.dims)), default=dim)
        loads = tuple(load for load in study.loads if sets * round(load * most) <= population.available)
        object.__setattr__(study, "loads", loads or study.loads)


def refuse_data(study: Any) -> None:
    """Refuse a data set, in one sentence, where fresh samples of a law are needed.

    Raises:
        ValueError: naming the field that holds it.
    """
    given = study.population
    if not isinstance(given, PopulationSettings):
        return  # which the study refuses
    if given.samples is None and (given.images is None or given.images in IMAGE_LAWS):
        return
    name = "samples" if given.samples is not None else "images"
    instead = "give their covariance" if name == "samples" else f"take one of {', '.join(IMAGE_LAWS)}"
    raise ValueError(
        f"{name} must be left out in {study.name}, which needs fresh samples of a law, got "
        f"{getattr(given, name)!r}; {instead} instead."
    )


def _is_default(study: Any, name: str) -> bool:
    """Whether a field still holds the very object of its definition: equal values may have been asked for."""
    defaults = {field.name: field.default for field in dataclasses.fields(study)}
    return getattr(study, name) is defaults[name]
