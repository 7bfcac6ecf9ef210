"""The bootstrap over replicates: how often each is drawn, and intervals from what the draws give."""

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtr, stdtrit

from jaxmem.statistics.intervals import Interval


def resample_counts(replicates: int, resamples: int, seed: int) -> Int[np.ndarray, "resample replicate"]:
    """How often each replicate is drawn, with replacement, in each resample.

    A mean over resampled replicates is then a product with the raw values: one matrix product for all
    resamples and grid points. One row of counts serves a whole curve, because replicates share random numbers
    along it: the resampled curves vary together as the true ones do.
    """
    if replicates == 0:
        return np.zeros((resamples, 0), np.int64)
    equal = np.full(replicates, 1 / replicates)
    return np.random.default_rng(seed).multinomial(replicates, equal, size=resamples)


def percentile_interval(
    low: Float[np.ndarray, "resample *points"],
    high: Float[np.ndarray, "resample *points"],
    confidence: float,
    replicates: int | None = None,
) -> Interval:
    """Percentile interval of resamples known only to lie in [low, high].

    Its ends are the (1 − confidence)/2 quantile of `low` and the (1 + confidence)/2 quantile of `high`: the
    usual percentile interval where the two agree, a one-sided bound where many resamples have no upper or
    lower end. Percentile intervals of R replicates are too narrow by about √((R − 1)/R), and normal where
    Student's are right: told R ≥ 2, the tails are Φ(−√(R/(R − 1)) t) with t Student's quantile of R − 1
    degrees of freedom, which for means of normal values is right on average over s.

    Sources: Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 13.3; Hesterberg, The
    American Statistician 69 (2015), section 3.3, for the tails.
    """
    tail = (1 - confidence) / 2
    if replicates is not None:
        tail = float(ndtr(np.sqrt(replicates / (replicates - 1)) * stdtrit(replicates - 1, tail)))
    return Interval(
        np.quantile(low, tail, axis=0, method="lower"),
        np.quantile(high, 1 - tail, axis=0, method="higher"),
    )
