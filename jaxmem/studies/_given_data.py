"""How a study follows the data it is given: their dimension, how many there are of them, what is held out."""

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxmem._typing import Key
from jaxmem.populations import Empirical, PopulationSettings
from jaxmem.populations.image_settings import LAW_SIDE
from jaxmem.populations.train_test import TrainTest


def follow_data(study: Any, *, sets: int = 1, held_out: str | None = None) -> None:
    """Make the defaults of `dims` and `loads` those of given data, before anything is checked.

    d is that of a data set, a covariance or images, and of the loads those stay for which `sets` disjoint
    sets of n = load · d samples can be drawn, beside as many held-out samples as the field `held_out` says;
    by default these are half of the data at most. What the user has set is left to the checks.
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
    if held_out is not None and _is_default(study, held_out):
        half = min(getattr(study, held_out), population.available // 2)
        object.__setattr__(study, held_out, int(half))
    if hasattr(study, "loads") and _is_default(study, "loads"):
        most = max((int(each) for each in np.atleast_1d(study.dims)), default=dim)
        left = population.left_by(getattr(study, held_out)) if held_out else population.available
        loads = tuple(load for load in study.loads if sets * round(load * most) <= left)
        object.__setattr__(study, "loads", loads or study.loads)


def check_held_out(study: Any, most: int, held_out: str, sets: int = 1) -> None:
    """Refuse more training samples than a data set leaves beside the held-out ones.

    Args:
        study: with a `population`.
        most: the largest train set.
        held_out: the field that says how many samples are held out.
        sets: how many disjoint train sets there are.

    Raises:
        ValueError: naming the field.
    """
    population, test = study.population, getattr(study, held_out)
    left = population.left_by(test, sets)
    if most > left:
        several = f" to each of {sets} sets" if sets > 1 else ""
        raise ValueError(
            f"{held_out} must leave {most} samples to train on of the {population.available:g} there are"
            f"{several}, got {test}, which leave {left:g}."
        )


def held_out_split(population: Empirical, key: Key, train: int, held_out: int) -> TrainTest:
    """Train and held-out samples of a data set, none in both; train rows beyond what there are repeat.

    A smaller train set is the first rows of a larger one with the same key: where a padded one is longer
    than what is left of the data, its last rows are those that a count leaves out.
    """
    split = population.train_test(key, None, held_out)
    return TrainTest(jnp.resize(split.train, (train, population.dim)), split.test)


def _is_default(study: Any, name: str) -> bool:
    """Whether a field still holds the very object of its definition: equal values may have been asked for."""
    defaults = {field.name: field.default for field in dataclasses.fields(study)}
    return getattr(study, name) is defaults[name]
