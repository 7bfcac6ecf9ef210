"""Memorisation m: the expected largest |cosine| between a generated sample and n training ones of N(0, I)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincc, erfc, gammaln

from jaxmem import _checks
from jaxmem.theory._types import Real, RealLike

Array = NDArray[np.float64]

NODES, WEIGHTS = np.polynomial.legendre.leggauss(150)
"""Of the averages over the maximum, which with the dropped terms keep six digits up to n = 10¹²."""

TERMS = np.arange(400.0)
"""Of the mixture of Beta laws: weights fall at least like 2^−j, from j = d on like j^{−(max(n, d) + 1)/2}."""

LEAST_WEIGHT = 1e-9
"""Lesser weights are dropped; some 30 remain for n = d = 100, fewer for other loads."""


def memorisation(n: RealLike, d: RealLike) -> Real:
    """m for the model Σ̂^{1/2} z, without a ridge and with known mean.

        m = M(T_{n,d}, n) [1 + d/(n + d) (σ_n − 1)],    M(T, n) = ∫_0^1 1 − (1 − T(c))^n dc.

    T_{n,d}(c) = P(|cos| > c) for one training sample is exact: x̂ ~ Xᵀg with g ~ N(0, I), so that cos is the
    correlation of d pairs of normal numbers whose true correlation is a coordinate of a uniform point on the
    sphere in R^n. Averaging its density gives (1 − c²)^{(d−3)/2} ₂F₁(d/2, d/2; (n + d)/2; c²): cos² has laws
    Beta(½ + j, (d − 1)/2) mixed with weights ∝ (d/2)_j (½)_j / (j! ((n + d)/2)_j). This is symmetric in n and
    d, and E cos² ≈ 1/n + 1/d.

    M takes the n cosines as independent. They are not: for d = ∞ they are the coordinates of that point,
    with E max = E max_k|g_k| / E|g|, larger than M(T_{n,∞}, n) by the factor σ_n ≈ 1 + log(n)/(2n). At finite
    d they have a random length in common, which raises T by log(n)/(2(n + d)) but no maximum, and of
    log(n)/(2n) leaves the share d/(n + d).

    Range: exact as n → ∞ at fixed d, where m² → 1 − O(n^{−2/(d−1)}), and as d → ∞ at fixed n. Compared with
    simulation it is within 0.5 % for d ≥ 30 and every n. In fewer dimensions it is too large, most at n of 2
    to 5: by up to 1.1 % at d = 10, 2.0 % at 5, 3.1 % at 3 and 4.2 % at 2; from n = 20 on by less than 0.8 %.
    The leading order is `leading_memorisation`.

    Args:
        n: training samples, at least 1; 1 alone is copied, m = 1.
        d: dimensions, at least 1.

    Returns:
        Shape broadcast(n, d). Cost: some 5,000 incomplete Beta functions each, 20 ms.
    """
    n, d = np.broadcast_arrays(
        _checks.real_numbers("n", n, least=1.0), _checks.real_numbers("d", d, least=1.0)
    )
    return np.vectorize(_memorisation, otypes=[np.float64])(n, d)[()]


def leading_memorisation(n: RealLike, d: RealLike) -> Real:
    """√(2 log n (1/n + 1/d)): m for 1 ≪ log n ≪ n, d; 10 to 15 % too large at n, d = 100 to 400."""
    n, d = _checks.real_numbers("n", n, least=1.0), _checks.real_numbers("d", d, least=1.0)
    return np.sqrt(2 * np.log(n) * (1 / n + 1 / d))[()]


def _memorisation(n: float, d: float) -> float:
    """m for one n and d."""
    if n == 1 or d == 1:
        return 1.0
    reach = np.sqrt(2 * np.log(n)) + 9  # standard deviations: n normal tails beyond them are below 1e-18

    def cosine_tail(cosine: Array) -> Array:
        return mixture @ betaincc(0.5 + TERMS[: mixture.size, None], (min(n, d) - 1) / 2, cosine**2)

    def coordinate_tail(cosine: Array) -> Array:
        return betaincc(0.5, (n - 1) / 2, cosine**2)

    def normal_tail(x: Array) -> Array:
        return erfc(x / np.sqrt(2))

    mixture = _mixture_weights(n, d)
    independent = _expected_maximum(cosine_tail, n, min(1.0, reach * np.sqrt(1 / n + 1 / d)))
    expected_length = np.sqrt(2) * np.exp(gammaln((n + 1) / 2) - gammaln(n / 2))
    on_sphere = _expected_maximum(normal_tail, n, reach) / expected_length
    excess = on_sphere / _expected_maximum(coordinate_tail, n, min(1.0, reach / np.sqrt(n))) - 1
    return min(1.0, independent * (1 + d / (n + d) * excess))


def _mixture_weights(n: float, d: float) -> Array:
    """The law of j; by the symmetry in n and d the smaller of them stands for d, so that few terms count."""
    least = min(n, d)
    logs = (
        gammaln(least / 2 + TERMS) + gammaln(0.5 + TERMS) - gammaln(1 + TERMS) - gammaln((n + d) / 2 + TERMS)
    )
    weights = np.exp(logs - logs[0])
    return weights[weights > LEAST_WEIGHT * weights.sum()] / weights.sum()


def _expected_maximum(tail: Callable[[Array], Array], n: float, end: float) -> float:
    """∫_0^end 1 − (1 − T(c))^n dc."""
    at = np.minimum(tail((NODES + 1) * end / 2), 1.0)
    with np.errstate(divide="ignore"):  # T = 1 at c = 0
        return float(WEIGHTS @ -np.expm1(n * np.log1p(-at))) * end / 2
