"""Δ of every distance of this library between train and held-out samples, with exact p-values.

All of them share the samples compared and the labels exchanged.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float32

from jaxmem import _checks
from jaxmem.measuring.samples import Rows
from jaxmem.metrics.exchange_scores import (
    PairKernel,
    energy_kernel,
    exchange_scores,
    gaussian_kernel,
    kernel_gap_kernel,
    row_blocks,
)
from jaxmem.metrics.likelihood_gap import likelihood_scores
from jaxmem.metrics.nearest_rows import Tick
from jaxmem.metrics.sliced_wasserstein_gap import sliced_pool
from jaxmem.numerics.squared_distances import squared_distances
from jaxmem.statistics.exchange_test import (
    bootstrap_interval,
    exchange_p_value,
    influence_interval,
    permuted,
    permuted_mean_differences,
)

ENERGY = "energy_distance"
DISCREPANCY = "maximum_mean_discrepancy_squared"
SLICED = "sliced_wasserstein"
GAP = "kernel_gap"
LIKELIHOOD = "feature_likelihood"
DISTANCES = (ENERGY, DISCREPANCY, SLICED, GAP, LIKELIHOOD)

MOST_GAP_DIMENSIONS = 16
"""Above, a kernel as narrow as n^(−1/d) of the spread sees single pairs, and Δ is that of one of them."""

BANDWIDTH_ROWS = 1000


class DistanceGap(NamedTuple):
    """Δ = D(train, generated) − D(held out, generated); memorising: below 0.

    Attributes:
        delta: Δ.
        p_value: the chance of such a Δ or a lower one, were the labels of train and held-out samples random.
        low: lower end of the bootstrap interval of Δ over train, held-out and generated samples.
        high: its upper end.
    """

    delta: float
    p_value: float
    low: float
    high: float


def distance_gaps(
    train: Rows,
    held_out: Rows,
    generated: Rows,
    *,
    names: Sequence[str] | None = None,
    permutations: int,
    resamples: int,
    projections: int,
    confidence: float,
    seed: int,
    tick: Tick | None = None,
) -> dict[str, DistanceGap]:
    """Δ of each distance.

    Args:
        train: n samples that were trained on, one a row.
        held_out: n that were not.
        generated: any number.
        names: of `DISTANCES`; by default all, the kernel gap only up to 16 dimensions.
        permutations: labels exchanged at random.
        resamples: of the bootstrap.
        projections: directions of the sliced Wasserstein distance.
        confidence: of the intervals.
        seed: of labels, resamples and directions.
        tick: told of progress, in pairs.

    The bandwidth of the maximum mean discrepancy is the median distance among train and held-out samples
    together, that of the kernel gap n^(−1/d) times their standard deviation per coordinate, so that neither
    knows the labels. The kernel gap is in units of the kernel of width √2 ε at 0.
    """
    dim = train.shape[1]
    if names is None:
        names = [name for name in DISTANCES if name != GAP or dim <= MOST_GAP_DIMENSIONS]
    for name in names:
        _checks.one_of("distances", name, DISTANCES)
    pool = np.concatenate([train, held_out])
    variance = float(pool.var(0, dtype=np.float64).mean()) or 1.0
    kernels = _kernels(names, pool, variance, seed)
    found: dict[str, DistanceGap] = {}
    for name, each in exchange_scores(kernels, train, held_out, generated, tick=tick).items():
        influences = (each.influence_train, each.influence_held_out, each.influence_generated)
        found[name] = _of_scores(
            each.scores, influences, permutations, resamples=resamples, confidence=confidence, seed=seed
        )
    if SLICED in names:
        sliced = sliced_pool(jax.random.key(seed), train, held_out, generated, projections=projections)
        random = np.random.default_rng(seed)
        draws = np.array([sliced.resampled(random) for _ in range(resamples)])
        p_value = exchange_p_value(sliced.delta, permuted(sliced.gap, len(train), permutations, seed))
        found[SLICED] = DistanceGap(sliced.delta, p_value, *map(float, bootstrap_interval(draws, confidence)))
    if LIKELIHOOD in names:
        scores = likelihood_scores(_squares(pool, generated), dim, variance=variance)
        of_train, of_held_out = np.split(scores, 2)
        parts = (of_train - of_train.mean(), of_held_out.mean() - of_held_out)
        found[LIKELIHOOD] = _of_scores(
            scores, parts, permutations, resamples=resamples, confidence=confidence, seed=seed
        )
    return {name: found[name] for name in DISTANCES if name in found}


def _kernels(names: Sequence[str], pool: Rows, variance: float, seed: int) -> dict[str, PairKernel]:
    kernels: dict[str, PairKernel] = {}
    if ENERGY in names:
        kernels[ENERGY] = energy_kernel()
    if DISCREPANCY in names:
        kernels[DISCREPANCY] = gaussian_kernel(_median_distance(pool, seed) or variance**0.5)
    if GAP in names:
        kernels[GAP] = kernel_gap_kernel(variance**0.5, len(pool) // 2, pool.shape[1])
    return kernels


def _median_distance(pool: Rows, seed: int) -> float:
    """Of the pairs of some samples, chosen whatever their label is: else p-values would not be exact."""
    chosen = np.random.default_rng(seed).permutation(len(pool))[:BANDWIDTH_ROWS]
    some = pool[chosen].astype(np.float64)
    some -= some.mean(0)
    squares = squared_distances(some)(some, some)
    return float(np.sqrt(np.median(squares[np.triu_indices(len(some), 1)])))


def _squares(pool: Rows, generated: Rows) -> Float32[np.ndarray, "pooled generated"]:
    """|x − g|²."""
    centre = pool.mean(0, dtype=np.float64)
    pool, made = pool - centre, generated - centre
    squares = squared_distances(pool, made)
    return np.concatenate(
        [squares(pool[index], made).astype(np.float32) for index in row_blocks(len(pool), max(made.shape))]
    )


def _of_scores(
    scores: np.ndarray,
    influences: tuple[np.ndarray, ...],
    permutations: int,
    *,
    resamples: int,
    confidence: float,
    seed: int,
) -> DistanceGap:
    train, held_out = np.split(scores, 2)
    delta = float(train.mean() - held_out.mean())
    p_value = exchange_p_value(delta, permuted_mean_differences(scores, permutations, seed))
    interval = influence_interval(delta, influences, resamples=resamples, seed=seed, confidence=confidence)
    return DistanceGap(delta, p_value, *map(float, interval))
