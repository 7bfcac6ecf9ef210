"""Shares: the interval of the difference of two, and the largest one that a count does not refute.

Counts are numbers of successes among independent trials.
"""

import numpy as np
from scipy.special import betaincinv

from jaxmem import _checks as check
from jaxmem.statistics.intervals import Interval, wilson_interval


def proportion_difference_interval(
    successes: int, trials: int, other_successes: int, other_trials: int, confidence: float = 0.95
) -> Interval:
    """Interval of p − q for successes/trials of p and of q, from Wilson's intervals of both.

    With p in [l, u] and q in [l', u'] its ends are p̂ − q̂ − √((p̂ − l)² + (u' − q̂)²) and
    p̂ − q̂ + √((u − p̂)² + (q̂ − l')²): it holds its level where both are rare, as copies of held-out
    samples are.

    Source: Newcombe, Stat. Med. 17, 873 (1998), method 10.
    """
    (low, high), (other_low, other_high) = (
        wilson_interval(*each, confidence) for each in ((successes, trials), (other_successes, other_trials))
    )
    p, q = successes / trials, other_successes / other_trials
    return Interval(
        np.asarray(p - q - np.hypot(p - low, other_high - q)),
        np.asarray(p - q + np.hypot(high - p, q - other_low)),
    )


def clopper_pearson_upper(successes: int, trials: int, confidence: float = 0.95) -> float:
    """The largest p not refuted: with it, so few successes or fewer have probability 1 − confidence.

    Of no success it is 1 − (1 − confidence)^(1/trials), about 3/trials at 0.95. One-sided, and never under
    its level. Source: Clopper and Pearson, Biometrika 26, 404 (1934).
    """
    confidence = check.real_number("confidence", confidence, above=0.0, below=1.0)
    trials = check.positive_integer("trials", trials)
    successes = check.positive_integer("successes", successes, least=0, most=trials)
    return 1.0 if successes == trials else float(betaincinv(successes + 1, trials - successes, confidence))
