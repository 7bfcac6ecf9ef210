"""Permutation test of two exchangeable samples, and bootstrap intervals from influences.

If a model does not depend on which of 2n samples it was trained on, the labels "train" and "held out" may be
exchanged: Δ under the given labels is one of the values under all labels, every one as probable. So with B
random relabellings, p = (1 + #{Δ_b ≤ Δ})/(1 + B) is at most α with probability at most α, exactly, for
every n and law (Phipson & Smyth, Stat. Appl. Genet. Mol. Biol. 9, 2010).
"""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Bool, Float, Float64

from jaxmem import _checks as check
from jaxmem.statistics.intervals import Interval

TIED = 1e-9
"""Values this near to one another, in units of their spread, are one: rounding depends on the labels."""

LABELS_AT_ONCE = 2**22
"""Labels drawn together: 32 MB of random numbers."""


def exchanged_labels(n: int, permutations: int, seed: int) -> "Iterator[Bool[np.ndarray, 'some pooled']]":
    """Random labellings of 2n samples, n of them True, in blocks; the same for the same seed."""
    random = np.random.default_rng(seed)
    together = max(1, LABELS_AT_ONCE // (2 * n))
    base = np.arange(2 * n) < n
    for start in range(0, permutations, together):
        count = min(together, permutations - start)
        yield random.permuted(np.broadcast_to(base, (count, 2 * n)), axis=1)


def exchange_p_value(delta: float, permuted: Float[np.ndarray, "permutations"]) -> float:
    """p = (1 + #{Δ_b ≤ Δ})/(1 + B): small where Δ is lower than labels at random make it."""
    values = check.real_numbers("permuted", permuted)
    spread = float(np.abs(values - delta).max(initial=0.0))
    return float((1 + (values <= delta + TIED * spread).sum()) / (1 + len(values)))


def permuted_mean_differences(
    scores: Float[np.ndarray, "pooled"], permutations: int, seed: int
) -> Float64[np.ndarray, "permutations"]:
    """mean of the scores labelled True − mean of the others, for random labels."""
    centred = np.asarray(scores, np.float64) - np.mean(scores)
    n = len(centred) // 2
    blocks = exchanged_labels(n, permutations, seed)
    return np.concatenate([2 / n * (labels @ centred) for labels in blocks])


def influence_interval(
    value: float,
    influences: "tuple[Float[np.ndarray, '...'], ...]",
    *,
    resamples: int,
    seed: int,
    confidence: float = 0.95,
) -> Interval:
    """Percentile interval of a statistic whose samples are drawn anew with replacement, to first order.

    Args:
        value: of the statistic.
        influences: of every sample, one array for each of the sets that are drawn independently; a set of n
            moves the statistic by the mean of the influences drawn, which sum to 0.
        resamples: how many draws.
        seed: of the draws.
        confidence: above 0 and below 1.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), sections 13.3 and 22.
    """
    random = np.random.default_rng(seed)
    moved = np.full(resamples, float(value))
    for influence in influences:
        size = len(influence)
        together = max(1, LABELS_AT_ONCE // size)
        for start in range(0, resamples, together):
            some = slice(start, min(start + together, resamples))
            drawn = random.integers(size, size=(some.stop - some.start, size))
            moved[some] += np.asarray(influence)[drawn].mean(1)
    return bootstrap_interval(moved, confidence)


def bootstrap_interval(draws: Float[np.ndarray, "resamples"], confidence: float) -> Interval:
    """The quantiles that leave (1 − confidence)/2 on either side."""
    confidence = check.real_number("confidence", confidence, above=0.0, below=1.0)
    tail = (1 - confidence) / 2
    return Interval(*np.quantile(draws, [tail, 1 - tail]))


def permuted(
    statistic: "Callable[[Bool[np.ndarray, 'pooled']], float]", n: int, permutations: int, seed: int
) -> Float64[np.ndarray, "permutations"]:
    """`statistic` of random labels, one at a time."""
    blocks = exchanged_labels(n, permutations, seed)
    return np.array([statistic(labels) for block in blocks for labels in block])
