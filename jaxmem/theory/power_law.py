"""Power laws λ_k = k^−a, k = 1 … d: how convergence grows with n, below, at and above a = 1.

    0 ≤ a < ½     q ≈ γ (1 − a)²/(1 − 2a)                              as γ = n/d → 0, after d → ∞
    a = ½         q ≈ (γ/2) log(1/γ)
    ½ < a < 1     q ≈ (1 − a)^{1/a} γ^{1/a − 1} C,  C = (π/a)/sin(π/a − π)
    a = 1         q ≈ log n / log d                                    for n < d
    1 < a < 2     1 − q ~ n^{−(a−1)}                                   at d = ∞, as n → ∞
    a = 2         1 − q ≈ (6/π²) log n / n
    a > 2         1 − q ~ 1/n                                          (`large_sample_convergence`)

For a < 1 the variance sits in the many small eigenvalues, and convergence needs n ~ d; at a = 1 every decade
of n learns the same share; for a > 1 it sits in the large ones, and d does not matter. Latent directions
(`recovery_size`) take Tr Σ/λ_i samples: d^{1−a}/(1 − a), log d and a number, each times i^a.

Derivation. While Σ_i λ_i/(λ_i + κ) is dominated by λ_i < κ, κ(t) = t + T with T = Tr Σ/n, the integral of
`root_equivalent` is elementary, S² = λ²/(λ + T), and q = Σ_k λ_k²/(λ_k + T) / Tr Σ: the cases a ≤ 1. Else the
sum over all k is n (κ/κ_0)^{−1/a} with κ_0 = (c/n)^a, c = (π/a)/sin(π/a), and q follows in units of κ_0.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import beta, digamma, lambertw, zeta, zetac

from jaxmem import _checks
from jaxmem.theory._types import Real, RealLike


def power_law_onset(exponent: RealLike, load: RealLike) -> Real:
    """The leading order of q as γ → 0 for 0 ≤ a < 1, a ≠ ½; what it leaves out vanishes slowly near ½ and 1.

    Args:
        exponent: a.
        load: γ ≪ 1, with n ≫ d^{1−a} so that several eigenvalues exceed T.
    """
    exponent = _checks.real_numbers("exponent", exponent, least=0.0)
    load = _checks.real_numbers("load", load, above=0.0)
    if (exponent >= 1).any() or (exponent == 0.5).any():
        raise ValueError(f"exponent must be below 1 and not 0.5, got {exponent.tolist()}.")
    flat = exponent < 0.5
    gentle, steep = np.where(flat, exponent, 0.0), np.where(flat, 0.75, exponent)
    below = (1 - gentle) ** 2 / (1 - 2 * gentle) * load
    constant = np.pi / steep / np.sin(np.pi / steep - np.pi)
    above = (1 - steep) ** (1 / steep) * load ** (1 / steep - 1) * constant
    return np.where(flat, below, above)[()]


def power_law_marginal(n: RealLike, d: RealLike) -> Real:
    """q ≈ H(1/κ)/H(d) at a = 1 for n < d, with harmonic numbers H(x) = Σ_k x/(k (k + x)) = ψ(x + 1) + 0.577….

    κ = log(1 + κd)/n takes the place of T, and H(1/κ) = Σ_k 1/(k (1 + κk)). Within 5 % of the deterministic
    equivalent for 5 ≤ n ≤ d/10, d = 10⁵.
    """
    n, d = _checks.real_numbers("n", n, above=0.0), _checks.whole_numbers("d", d)
    if (n >= d).any():
        raise ValueError("n must be below d, where the eigenvalues that n samples leave unlearnt are many.")
    ratio = n / d
    kappa = (-lambertw(-ratio * np.exp(-ratio), -1).real - ratio) / n
    return ((digamma(1 + 1 / kappa) + np.euler_gamma) / (digamma(1 + d) + np.euler_gamma))[()]


def power_law_gap(exponent: RealLike, n: RealLike) -> Real:
    """1 − q ≈ [I (c/n)^{a−1} + K ζ(a − 1) c/n] / ζ(a) − 1/(2n) for 1 < a < 2 at d = ∞, c = (π/a)/sin(π/a).

        I = ∫_0^∞ ℓ − σ(ℓ)² dx, ℓ = x^−a;    σ(ℓ) = (1/π) ∫_0^∞ s^{−1/2} ℓ/(ℓ + y) ds, s = y − y^{1−1/a}

    is Σ_k λ_k − S_k² with λ and S² in units of κ_0, k in units of κ_0^{−1/a}, sums as integrals. The other
    two terms are what the sums have beyond them: that over λ_k − S_k², because ℓ − σ² is near K x^{1−a} for
    x → 0, K = (2/π) B(3/2 − 1/a, 1/2 + 1/a), and that over λ_k/(λ_k + κ), which is c κ^{−1/a} − ½. Near a = 2
    the first two cancel but for a logarithm. It is within 3 % of the deterministic equivalent for n ≥ 100.

    Args:
        exponent: a.
        n: samples.
    """
    exponent = _checks.real_numbers("exponent", exponent, above=1.0)
    n = _checks.real_numbers("n", n, above=0.0)
    if (exponent >= 2).any():
        raise ValueError(f"exponent must be below 2, got {exponent.max():g}.")
    ratio = np.pi / exponent / np.sin(np.pi / exponent) / n
    integral = np.vectorize(_gap_integral, otypes=[np.float64])(exponent)
    correction = _leading_defect(exponent) * (1 + zetac(exponent - 1))
    return ((integral * ratio ** (exponent - 1) + correction * ratio) / zeta(exponent) - 0.5 / n)[()]


def _leading_defect(exponent: NDArray[np.float64] | float) -> Real:
    """K: ℓ − σ(ℓ)² ~ K ℓ^{1−1/a} for ℓ → ∞."""
    return 2 / np.pi * beta(1.5 - 1 / exponent, 0.5 + 1 / exponent)


def _gap_integral(exponent: float) -> float:
    """I over log ℓ in [−40, 60]; beyond, ℓ − σ² is ℓ on the left and its leading power on the right."""
    power = 1 - 1 / exponent
    low, high = -40.0, 60.0
    nodes, weights = np.polynomial.legendre.leggauss(200)
    level = np.exp(low + (high - low) * (nodes + 1) / 2)

    beyond = np.exp(np.arange(-80.0, 160.0, 0.5))  # y − 1
    y = 1 + beyond
    s = y**power * np.expm1(np.log1p(beyond) / exponent)
    measure = 0.5 * beyond * (1 - power * y ** (-1 / exponent)) / np.sqrt(s) / np.pi
    # √ℓ − σ(ℓ), as ∫ of ℓ/(ℓ + s) − ℓ/(ℓ + y) with y − s = y^power: the difference itself would cancel
    defect = level * ((measure * y**power) / ((level[:, None] + s) * (level[:, None] + y))).sum(-1)
    missing = defect * (2 * np.sqrt(level) - defect)
    middle = (high - low) / 2 * (weights @ (missing * level ** (-1 / exponent))) / exponent

    left = np.exp(low * power) / (power * exponent)
    right = _leading_defect(exponent) * np.exp(high * (1 - 2 / exponent)) / (2 / exponent - 1) / exponent
    return float(left + middle + right)
