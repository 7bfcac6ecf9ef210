"""Train sets about the population's mean, in the eigenbasis of its covariance, leading direction first.

What a linear model learns turns with the data, so all of its order parameters can be had there, where the
population's covariance is a vector. Null directions of given data, in which nothing varies, are left out.
"""

from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32, Float64

from jaxmem._typing import Key
from jaxmem.numerics import linear_algebra
from jaxmem.numerics.randomness import stream
from jaxmem.populations import AbstractPopulation, Empirical, GivenArray, PopulationSettings
from jaxmem.studies._study import Point

HIGHEST = jax.lax.Precision.HIGHEST

NULL = 1e-12
"""Eigenvalues of given data under this share of the largest are null."""


class TrainSets(NamedTuple):
    """Two disjoint sets of one capacity, and the spectrum of the population: one number if isotropic."""

    train: tuple[Float32[Array, "n d"], Float32[Array, "n d"]]
    eigenvalues: Float64[Array, "..."]


def train_sets(settings: PopulationSettings, key: Key, capacity: int, dim: int, point: Point) -> TrainSets:
    """Draw sets A and B of a population at a point of the grid."""
    data = settings.data
    if data is not None:
        rows, eigenvalues = principal_components(data)
        first, second = Empirical(rows).disjoint_samples(stream(key, "subsets"), capacity)
        return TrainSets((first, second), jnp.asarray(eigenvalues))
    if settings.images is not None:
        images = pixel_sets(settings, key, capacity, dim, point)
        axes = images.axes.astype(jnp.float32)
        first, second = (jnp.matmul(rows, axes, precision=HIGHEST) for rows in images.train)
        return TrainSets((first, second), images.eigenvalues)
    population = settings.build(dim, point)
    first, second = _about_the_mean(population, key, capacity)
    if settings.covariance is not None:
        basis, eigenvalues = principal_axes(settings.covariance)
        axes = jnp.asarray(basis, jnp.float32)
        first, second = (jnp.matmul(rows, axes, precision=HIGHEST) for rows in (first, second))
        variance = point.get("variance", settings.variance)
        return TrainSets((first, second), variance * jnp.asarray(eigenvalues))
    spectrum = jnp.diagonal(population.covariance())
    if settings.components == 1 and settings.exponent == 0.0 and not settings.spikes:
        return TrainSets((first, second), spectrum[0])
    order = jnp.argsort(-spectrum)  # a spike may outgrow those before it
    return TrainSets((first[:, order], second[:, order]), spectrum[order])


class PixelSets(NamedTuple):
    """Two disjoint sets of images about the mean, as pixels, and the population's axes, as columns."""

    train: tuple[Float32[Array, "n d"], Float32[Array, "n d"]]
    axes: Float64[Array, "d d"]
    eigenvalues: Float64[Array, "d"]


def pixel_sets(settings: PopulationSettings, key: Key, capacity: int, dim: int, point: Point) -> PixelSets:
    """The sets of `train_sets` where pixels matter to the model: null directions of data stay."""
    population = settings.build(dim, point)
    values, vectors = linear_algebra.eigh(population.covariance())
    train = _about_the_mean(population, key, capacity)
    return PixelSets(train, vectors[:, ::-1], jnp.maximum(values[::-1], 0))


def _about_the_mean(
    population: AbstractPopulation, key: Key, capacity: int
) -> tuple[Float32[Array, "n d"], Float32[Array, "n d"]]:
    """Sets A and B, of data two that share no row."""
    centre = population.mean().astype(jnp.float32)
    if isinstance(population, Empirical):
        first, second = population.disjoint_samples(stream(key, "subsets"), capacity)
    else:
        first, second = (population.sample(stream(key, name), capacity) for name in ("A", "B"))
    return first - centre, second - centre


@lru_cache(maxsize=8)
def principal_components(samples: GivenArray) -> tuple[np.ndarray, np.ndarray]:
    """Centred samples along their principal axes, and the positive eigenvalues, leading first."""
    rows = np.asarray(samples.array, np.float64).reshape(len(samples.array), -1)
    centred = rows - rows.mean(0)
    basis, eigenvalues = _eigenbasis(centred.T @ centred / len(rows))
    return (centred @ basis).astype(np.float32), eigenvalues


@lru_cache(maxsize=8)
def principal_axes(covariance: GivenArray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvectors of a given covariance as columns, and the positive eigenvalues, leading first."""
    return _eigenbasis(np.asarray(covariance.array, np.float64))


def _eigenbasis(covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    eigenvalues, vectors = np.linalg.eigh(covariance)
    kept = np.flatnonzero(eigenvalues > NULL * eigenvalues[-1])[::-1]
    return vectors[:, kept], eigenvalues[kept]
