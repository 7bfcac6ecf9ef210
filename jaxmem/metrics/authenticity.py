"""Authenticity: how much of a generated sample is no noisy copy of the train set.

Source: Alaa, van Breugel, Saveliev & van der Schaar, ICML 2022 (arXiv 2102.08921). Their generator is a
mixture of a law of its own, with weight A, and of training samples with noise. A test decides for each
generated sample x̂: with k the nearest training sample of x̂, it is authentic where

    |x̂ − x_k| > min_{l ≠ k} |x_k − x_l|,

farther from that training sample than the next training sample is.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Float64, Int, Int64

from jaxmem import _checks
from jaxmem._typing import Integer, RealArray, Samples
from jaxmem.metrics.nearest_rows import Tick, nearest_rows
from jaxmem.metrics.nearest_training import nearest_training
from jaxmem.numerics.precision import with_float64


class Authenticity(NamedTuple):
    """The share of authentic samples, and what decided on each.

    Attributes:
        value: A in [0, 1]. It is not 1 for a perfect model: a fresh sample is authentic unless it and its
            neighbour are each other's nearest, which for a smooth density happens in 2/3 of cases at d = 1,
            in 0.62 at d = 2, and in 1/2 at large d. Compare with the value of held-out data.
        authentic: which samples are.
        distance: of a generated sample from its nearest training sample.
        spacing: of that training sample from the nearest other one.
    """

    value: float
    authentic: Bool[np.ndarray, "generated"]
    distance: Float64[np.ndarray, "generated"]
    spacing: Float64[np.ndarray, "generated"]


@_checks.real_arrays("generated", "train")
def authenticity(
    generated: Float[RealArray, "generated d"], train: Float[RealArray, "n d"], *, tick: Tick | None = None
) -> Authenticity:
    """The share of generated samples that are no noisy copies.

    Args:
        generated: one sample a row.
        train: at least two. Remove repeats first: a training sample that occurs twice has spacing 0, and no
            sample but an exact copy fails the test beside it.
        tick: told of progress, in pairs.

    Cost: that of `nearest_rows` for the generated samples, and for the training samples that are nearest to
    any of them.
    """
    generated, train = np.asarray(generated), np.asarray(train)
    _checks.shape("generated", generated, None, None)
    _checks.shape("train", train, None, generated.shape[1])
    if len(train) < 2:
        raise ValueError(f"train must hold at least 2 samples, got {len(train)}.")
    nearest = nearest_rows(generated, train, 1, tick=tick)
    return authentic_of(nearest.row[:, 0], nearest.distance[:, 0], train, tick=tick)


def authentic_of(
    row: Int64[np.ndarray, "generated"],
    distance: Float64[np.ndarray, "generated"],
    train: Float[np.ndarray, "n d"],
    *,
    tick: Tick | None = None,
) -> Authenticity:
    """The same where the nearest training samples are known already."""
    used, place = np.unique(row, return_inverse=True)
    spacing = nearest_rows(train[used], train, 1, excluded=used, tick=tick).distance[:, 0][place]
    authentic = distance > spacing
    return Authenticity(float(authentic.mean()), authentic, distance, spacing)


@with_float64
@_checks.real_arrays("generated", "train")
def authentic_share(
    generated: Float[RealArray, "generated d"], train: Samples, *, count: Integer | None = None
) -> Float64[Array, ""]:
    """The value of `authenticity` alone, under `jax.jit` and `jax.vmap`, for train sets in one program.

    Args:
        generated: one sample a row.
        train: (n, d), or (capacity, d) with rows from `count` on ignored.
        count: how many rows of `train` are samples, at least 2, traced or not; all by default.

    Cost: two passes over the train set for each generated sample, one at a time.
    """
    _checks.samples("generated", generated)
    _checks.samples("train", train, dim=generated.shape[1], count=count)
    number = jnp.asarray(len(train) if count is None else count, jnp.int32)
    nearest = nearest_training(generated, train, count=count)
    rows = jnp.asarray(train, jnp.float64)
    places = jnp.arange(len(rows), dtype=jnp.int32)

    def spacing(row: Int[Array, ""]) -> Float64[Array, ""]:
        squares = ((rows - rows[row]) ** 2).sum(1)
        return jnp.sqrt(jnp.where((places < number) & (places != row), squares, jnp.inf).min())

    return (nearest.distance > jax.lax.map(spacing, nearest.row)).astype(jnp.float64).mean()
