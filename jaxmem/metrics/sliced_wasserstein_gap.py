"""Δ of the sliced Wasserstein distance between train and held-out samples, for any labels of them.

For a direction θ let x_(k) be the ordered projections of n samples, G⁻¹ the quantile function of the
generated ones. Over the k-th of n steps of u the first is constant, so

    W2² = ∫ (F⁻¹ − G⁻¹)² du = (1/n) Σ_k x_(k)² − (2/n) Σ_k x_(k) ḡ_k + ∫ (G⁻¹)² du

with ḡ_k the mean of G⁻¹ over that step, exact for any number of generated samples. Train and held-out samples
are projected and sorted together, once: those of a label, or of a resample, are in order already.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64

from jaxmem import _checks
from jaxmem._typing import Key, RealArray
from jaxmem.metrics.sliced_wasserstein import random_directions


class SlicedPool(NamedTuple):
    """Projections of n train samples, then of n held-out ones, and of generated samples.

    Attributes:
        pooled: of the train and held-out samples together, increasing.
        order: which sample each is of.
        generated: of the generated samples, increasing.
        generated_order: which sample each is of.
    """

    pooled: Float64[np.ndarray, "projections pooled"]
    order: Int64[np.ndarray, "projections pooled"]
    generated: Float64[np.ndarray, "projections generated"]
    generated_order: Int64[np.ndarray, "projections generated"]

    @property
    def delta(self) -> float:
        """Δ = SW2(X, G) − SW2(H, G); memorising: below 0."""
        size = self.order.shape[1]
        return self.gap(np.arange(size) < size // 2)

    def gap(self, of_train: Bool[np.ndarray, "pooled"]) -> float:
        """Δ where X is the half of the pool that is True. Cost: projections · pooled."""
        chosen = of_train[self.order]
        shape = (len(self.pooled), -1)
        return _gap(self.pooled[chosen].reshape(shape), self.pooled[~chosen].reshape(shape), self.generated)

    def resampled(self, random: np.random.Generator) -> float:
        """Δ of train, held-out and generated samples each drawn again with replacement."""
        n, made = self.order.shape[1] // 2, self.generated.shape[1]
        nothing = np.zeros(n, np.int64)
        near, far, times = (random.multinomial(size, np.full(size, 1 / size)) for size in (n, n, made))
        return _gap(
            _repeated(self.pooled, self.order, np.concatenate([near, nothing])),
            _repeated(self.pooled, self.order, np.concatenate([nothing, far])),
            _repeated(self.generated, self.generated_order, times),
        )


@_checks.real_arrays("train", "held_out", "generated")
def sliced_pool(
    key: Key,
    train: Float[RealArray, "n d"],
    held_out: Float[RealArray, "n d"],
    generated: Float[RealArray, "generated d"],
    *,
    projections: int = 128,
) -> SlicedPool:
    """Project and sort, once for all labels.

    Args:
        key: of the directions, those of `sliced_wasserstein`.
        train: one sample a row.
        held_out: as many.
        generated: any number.
        projections: directions.

    Cost: projections · samples · (d + log samples); memory projections · samples · 16 bytes.

    Raises:
        ValueError: samples of different d or number, or NaN among them.
    """
    projections = _checks.positive_integer("projections", projections)
    _checks.samples("train", train)
    _checks.samples("held_out", held_out, dim=train.shape[1])
    _checks.samples("generated", generated, dim=train.shape[1])
    if len(held_out) != len(train):
        raise ValueError(f"held_out must hold as many samples as train, {len(train)}, got {len(held_out)}.")
    train, held_out, generated = (np.asarray(each) for each in (train, held_out, generated))
    directions = np.asarray(random_directions(key, projections, train.shape[1]), np.float64)
    centre = train.mean(0, dtype=np.float64)
    sorted_sets = []
    for parts in ((train, held_out), (generated,)):
        projected = np.concatenate([_projected(directions, part, centre) for part in parts], axis=1)
        order = np.argsort(projected, axis=1, kind="stable")
        sorted_sets += [np.take_along_axis(projected, order, 1), order]
    return SlicedPool(*sorted_sets)


def _projected(
    directions: Float64[np.ndarray, "projections d"],
    samples: Float[np.ndarray, "n d"],
    centre: Float64[np.ndarray, "d"],
) -> Float64[np.ndarray, "projections n"]:
    parts = [samples[at : at + 1024] for at in range(0, len(samples), 1024)]
    return np.concatenate([directions @ (part.astype(np.float64) - centre).T for part in parts], axis=1)


def _repeated(values: np.ndarray, order: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Each value as often as its sample was drawn."""
    return np.repeat(values.ravel(), times[order].ravel()).reshape(len(values), -1)


def _gap(near: np.ndarray, far: np.ndarray, generated: np.ndarray) -> float:
    steps, square = _step_means(generated, near.shape[1]), (generated**2).mean(1)
    of_near, of_far = (np.maximum(((x - 2 * steps) * x).mean(1) + square, 0).mean() for x in (near, far))
    return float(np.sqrt(of_near) - np.sqrt(of_far))


def _step_means(generated: Float64[np.ndarray, "projections generated"], n: int) -> np.ndarray:
    """ḡ: means of the quantile function over n equal steps, from its integral at their ends."""
    made = generated.shape[1]
    if made == n:
        return generated
    integral = np.pad(np.cumsum(generated, axis=1), ((0, 0), (1, 0)))  # over made · u
    ends = np.arange(n + 1) * made
    whole, part = ends // n, (ends % n) / n
    at_ends = integral[:, whole] + part * generated[:, np.minimum(whole, made - 1)]
    return np.diff(at_ends, axis=1) * n / made
