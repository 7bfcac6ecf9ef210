"""Means with standard errors, medians and probabilities with intervals, of replicates."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Shaped
from scipy.special import bdtr, ndtri

from jaxmem import _checks as check


class Interval(NamedTuple):
    """Ends of a confidence interval."""

    low: np.ndarray
    high: np.ndarray


class Mean(NamedTuple):
    """A mean over replicates and its standard error."""

    value: np.ndarray
    standard_error: np.ndarray


def wilson_interval(
    successes: Shaped[np.ndarray, "*points"] | np.integer | float,
    trials: Shaped[np.ndarray, "*points"] | np.integer | float,
    confidence: float = 0.95,
) -> Interval:
    """Wilson's score interval of a probability p estimated by successes/trials.

    Its ends are the p at which |successes/trials − p| = z √(p (1 − p)/trials), with z the normal quantile of
    (1 + confidence)/2. It holds its level at small counts and at p near 0 and 1, where ± z standard errors
    do not: no success in R trials gives [0, z²/(R + z²)], not [0, 0].

    Args:
        successes: counts, 0 to `trials`.
        trials: counts; NaN is returned where 0.
        confidence: probability that the interval holds the truth, above 0 and below 1.

    Returns:
        Float64 ends of the broadcast shape, inside [0, 1].

    Source: Wilson, J. Am. Stat. Assoc. 22, 209 (1927).
    """
    confidence = check.real_number("confidence", confidence, above=0.0, below=1.0)
    successes, trials = np.broadcast_arrays(np.float64(successes), np.float64(trials))
    if np.any((successes < 0) | (successes > trials)):
        raise ValueError("successes must be at least 0 and at most trials, got a count outside.")
    z = ndtri((1 + confidence) / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = successes / trials
        centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
        half = z * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2)) / (1 + z**2 / trials)
    low = np.where(successes == 0, np.where(trials > 0, 0.0, np.nan), centre - half)
    high = np.where(successes == trials, np.where(trials > 0, 1.0, np.nan), centre + half)
    return Interval(low, high)


class Median(NamedTuple):
    """A median over replicates and the ends of its confidence interval."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


def mean_and_standard_error(values: Float[np.ndarray, "*points replicate"]) -> Mean:
    """Mean over the last axis and its standard error s/√R, with s² the unbiased variance.

    NaN marks a missing replicate and is left out; R counts the rest. The mean is infinite where any replicate
    is, and then has no standard error (NaN), as with fewer than two replicates.
    """
    values = np.asarray(values, np.float64)
    found = ~np.isnan(values)
    count = found.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):  # 0/0 and ∞ − ∞ are NaN, as promised above
        mean = np.where(found, values, 0.0).sum(axis=-1) / count
        squares = np.where(found, values - mean[..., None], 0.0) ** 2
        error = np.sqrt(squares.sum(axis=-1) / (count - 1) / count)
    return Mean(mean, np.where(count > 1, error, np.nan))


def median_and_interval(values: Float[np.ndarray, "*points replicate"], confidence: float = 0.95) -> Median:
    """Median over the last axis with a distribution-free interval: the k-th value from either end.

    How many of R values lie below the median is binomial of ½, whatever their law; k is the largest for which
    fewer than k do with probability at most (1 − confidence)/2. So the interval holds the median with
    probability `confidence` at least, and there is none (NaN) where R is too small for it: below 6 at 0.95.

    NaN marks a missing replicate and is left out; R counts the rest. Infinite values are values: the median
    of a law with a heavy tail, or with a mass at infinity, is finite where its mean is not.

    Args:
        values: raw replicates.
        confidence: above 0 and below 1.

    Source: David and Nagaraja, Order Statistics (2003), section 7.1.
    """
    confidence = check.real_number("confidence", confidence, above=0.0, below=1.0)
    ordered = np.sort(np.asarray(values, np.float64), axis=-1)  # NaN last
    count = (~np.isnan(ordered)).sum(axis=-1)
    most = ordered.shape[-1]
    if most == 0:
        nothing = np.full(count.shape, np.nan)
        return Median(nothing, nothing, nothing)
    sizes = np.arange(most + 1)[:, None]
    tails = bdtr(np.minimum(np.arange(most), sizes), np.maximum(sizes, 1), 0.5)  # P(at most j of R below)
    rank = (tails <= (1 - confidence) / 2).sum(axis=1)[count]  # k; tails grow with j

    def at(position: np.ndarray) -> np.ndarray:
        return np.take_along_axis(ordered, np.clip(position, 0, most - 1)[..., None], axis=-1)[..., 0]

    lower, upper = at((count - 1) // 2), at(count // 2)
    with np.errstate(invalid="ignore"):  # −∞ and ∞ have no middle
        value = np.where(lower == upper, lower, lower / 2 + upper / 2)
    known = rank > 0
    return Median(
        np.where(count > 0, value, np.nan),
        np.where(known, at(rank - 1), np.nan),
        np.where(known, at(count - rank), np.nan),
    )
