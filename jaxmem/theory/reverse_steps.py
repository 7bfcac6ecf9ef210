"""K reverse diffusion steps with the linear score, exactly: one variance per eigenvalue, no samples.

Data are noised by dx = −x dt + √2 dW. With C the covariance of the fit, p_t = e^−2t λ + 1 − e^−2t is the
variance at time t along an eigenvector of C of eigenvalue λ, and the score there −x/p_t. From N(0, I), Euler
steps of

    dx = (x − (1 + η²) x/p_t) dτ + √2 η dW,    τ = −t,

multiply x by 1 + h (1 − (1 + η²)/p_t) and add N(0, 2η²h): Euler–Maruyama on the reverse SDE for η = 1, Euler
on the probability-flow ODE for η = 0. All of them have the law of the data as their limit h → 0, t from ∞ to
0.
"""

import numpy as np
from numpy.typing import NDArray

from jaxmem import _checks
from jaxmem.theory._types import Real, RealLike
from jaxmem.theory.marchenko_pastur import marchenko_pastur_average


def reverse_step_variance(eigenvalues: RealLike, times: RealLike, noise: float = 1.0) -> Real:
    """v(λ) of the generated law after the steps from times[0] to times[-1].

    Args:
        eigenvalues: λ ≥ 0 of the fit, any shape.
        times: t_0 > t_1 > … > t_K ≥ 0; K steps.
        noise: η ≥ 0.
    """
    eigenvalues = _checks.real_numbers("eigenvalues", eigenvalues, least=0.0)
    noise = _checks.real_number("noise", noise, least=0.0)
    return _variance(eigenvalues, _read_times(times), noise)[()]


def reverse_step_bures(load: RealLike, times: RealLike, noise: float = 1.0) -> Real:
    """W2²/d between generated law and population N(0, I): E (√v(x) − 1)², x Marchenko–Pastur at load γ.

    The limit d → ∞ at fixed γ and K. Coarse steps shrink the spread of the eigenvalues of Σ̂, so that a finite
    K can be best: from t = 5 to 0 with η = 1 at γ = 0.2, ten steps give 0.17, infinitely many 1.13.
    """
    steps, noise = _read_times(times), _checks.real_number("noise", noise, least=0.0)
    return marchenko_pastur_average(lambda x: (np.sqrt(_variance(x, steps, noise)) - 1) ** 2, load)


def _variance(
    eigenvalues: NDArray[np.float64], times: NDArray[np.float64], noise: float
) -> NDArray[np.float64]:
    """The recursion v ← gain² v + 2 η² h."""
    variance = np.ones_like(eigenvalues)
    for time, length in zip(times, -np.diff(times), strict=False):
        noised = np.exp(-2 * time) * eigenvalues - np.expm1(-2 * time)
        gain = 1 + length * (1 - (1 + noise**2) / noised)
        variance = gain**2 * variance + 2 * noise**2 * length
    return variance


def _read_times(times: RealLike) -> NDArray[np.float64]:
    """At least two, decreasing, not below 0."""
    array = _checks.real_numbers("times", times, least=0.0)
    _checks.shape("times", array, None)
    if array.size < 2 or (np.diff(array) >= 0).any():
        raise ValueError(f"times must be at least two, strictly decreasing, got {array.tolist()}.")
    return array
