"""Is a share higher among one sample than among another: Fisher's exact test, and what it can find.

With x of m in the first and y of n in the second, and one probability for all m + n, the x given x + y is
hypergeometric whatever that probability is; p is the chance of x or more. It holds its level at every size
(Fisher, Statistical Methods for Research Workers, 1934, section 21.02).
"""

import numpy as np
from jaxtyping import Float64, Int64
from scipy.special import gammaln
from scipy.stats import binom

from jaxmem import _checks as check

MOST_COUNTS = 65
"""Counts of the second sample for which the critical count of the first is searched; it is smooth between."""

NEGLECTED = 1e-6
"""Probability of the second sample's counts that is left out."""


def excess_p_value(successes: int, trials: int, other_successes: int, other_trials: int) -> float:
    """One-sided p of Fisher's exact test that the first share is higher."""
    trials = check.positive_integer("trials", trials)
    other_trials = check.positive_integer("other_trials", other_trials)
    successes = check.positive_integer("successes", successes, least=0, most=trials)
    other_successes = check.positive_integer("other_successes", other_successes, least=0, most=other_trials)
    total = successes + other_successes
    x = np.arange(successes, min(total, trials) + 1)
    x = x[total - x <= other_trials]
    logs = _log_choose(trials, x) + _log_choose(other_trials, total - x)
    return float(min(1.0, np.exp(logs - _log_choose(trials + other_trials, total)).sum()))


def detectable_excess(
    baseline: float, trials: int, other_trials: int, *, level: float = 0.05, power: float = 0.8
) -> float:
    """The smallest share c of copies among the first sample that the test finds with a given power.

    Copies at rate c raise a share q to p = q + c (1 − q). The power is Σ_y P(y of other_trials; q) P(x ≥
    x*(y); p) with x*(y) the least count whose p-value is at most `level`.

    Args:
        baseline: q, the share without copies, that of the second sample.
        trials: of the first sample, the generated ones.
        other_trials: of the second, the held-out ones.
        level: of the test, above 0 and below 1.
        power: wanted, above 0 and below 1.

    Returns:
        c in (0, 1], NaN where not even c = 1 would be found.
    """
    q = check.real_number("baseline", baseline, least=0.0, most=1.0)
    trials = check.positive_integer("trials", trials)
    other_trials = check.positive_integer("other_trials", other_trials)
    level = check.real_number("level", level, above=0.0, below=1.0)
    power = check.real_number("power", power, above=0.0, below=1.0)
    ends = binom.ppf([NEGLECTED, 1 - NEGLECTED], other_trials, q).astype(int)
    counts = np.arange(ends[0], ends[1] + 1)
    searched = np.unique(np.linspace(ends[0], ends[1], MOST_COUNTS).round().astype(int))
    critical = np.array([_critical(int(y), trials, other_trials, level) for y in searched])
    needed = np.ceil(np.interp(counts, searched, critical))
    weights = binom.pmf(counts, other_trials, q)

    def reached(rate: float) -> bool:
        found = binom.sf(needed - 1, trials, q + rate * (1 - q))
        return float(weights @ found) >= power * float(weights.sum())

    if not reached(1.0):
        return np.nan
    low, high = 0.0, 1.0
    while high - low > 1e-4 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def _critical(other_successes: int, trials: int, other_trials: int, level: float) -> int:
    """The least count of the first sample that is significant, one more than there are where none is."""
    low, high = -1, trials + 1
    while high - low > 1:
        middle = (low + high) // 2
        significant = excess_p_value(middle, trials, other_successes, other_trials) <= level
        low, high = (low, middle) if significant else (middle, high)
    return high


def _log_choose(n: int, k: "Int64[np.ndarray, '*k'] | int") -> "Float64[np.ndarray, '*k'] | np.float64":
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
