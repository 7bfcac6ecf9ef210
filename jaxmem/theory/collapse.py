"""The collapse time: when the empirical optimal score begins to point to one training sample."""

import numpy as np
from scipy.special import ndtr

from jaxmem import _checks
from jaxmem.theory._types import Real, RealLike


def collapse_time(n: RealLike, d: RealLike, variance: RealLike = 1.0) -> Real:
    """t_C = ½ log(1 + σ_0²/(n^{2/d} − 1)) for n samples of N(0, σ_0² I) in R^d.

    At σ_0 = 1 it is −½ log(1 − n^{−2/d}).

    Data are noised by the Ornstein–Uhlenbeck process, μ = e^−t, σ² = 1 − e^−2t. Then y = μ x_1 + σ ξ gives
    its own sample the weight e^{−|ξ|²/2} ≈ e^{−d/2}, and all others together n E_x e^{−|y − μx|²/2σ²}, about
    n (σ²/(σ² + μ²σ_0²))^{d/2} e^{−d/2}. They balance where log n = (d/2) log(1 + μ²σ_0²/σ²), the information
    that y has on x; before, t < t_C, its own sample wins. A limit d → ∞ at fixed log(n)/d; its width is
    O(d^−½). Source: Biroli, Bonnaire, de Bortoli & Mézard, Nat. Commun. 15 (2024) 9957, arXiv 2402.18491.

    Args:
        n: samples, at least 1; ∞ for a single one, which always wins.
        d: dimensions.
        variance: σ_0² > 0.
    """
    n, d = _checks.real_numbers("n", n, least=1.0), _checks.real_numbers("d", d, above=0.0)
    variance = _checks.real_numbers("variance", variance, above=0.0)
    with np.errstate(divide="ignore"):
        return (np.log1p(variance / np.expm1(2 * np.log(n) / d)) / 2)[()]


def condensed_share(time: RealLike, n: RealLike, d: RealLike, variance: RealLike = 1.0) -> Real:
    """The share of noised points whose own sample outweighs all others: a step at t_C of width O(d^−½).

    With the others' weight replaced by its mean given y, log Z_own − log Z_others has mean
    (d/2) log(1 + r) − log n, r = μ²σ_0²/σ², and is half a difference of |y|² over its variance and |ξ|²: per
    coordinate two squares of normals of correlation (1 + r)^−½, so its variance is d r/(1 + r). Gaussian for
    large d. At finite d the others' typical weight is under its mean: simulated shares are up to 0.09 higher
    at d = 30 and n = 200, before t_C.

    Args:
        time: t > 0.
        n: samples, at least 1.
        d: dimensions.
        variance: σ_0² > 0.
    """
    time, n = _checks.real_numbers("time", time, above=0.0), _checks.real_numbers("n", n, least=1.0)
    d, variance = (
        _checks.real_numbers("d", d, above=0.0),
        _checks.real_numbers("variance", variance, above=0.0),
    )
    ratio = variance / np.expm1(2 * time)
    return ndtr((d / 2 * np.log1p(ratio) - np.log(n)) / np.sqrt(d * ratio / (1 + ratio)))[()]
