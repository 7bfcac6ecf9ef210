"""The operator norm ‖Σ̂ + ρ − Σ‖, the distance that follows latent recovery: a bulk's edge, or an outlier.

Derivation for Σ = I + θ v vᵀ. Σ̂ = Σ^{1/2} W Σ^{1/2} with W a Marchenko–Pastur matrix, so x is an eigenvalue
of Σ̂ − Σ iff W − 1 − x Σ^-1 is singular. With Σ^-1 = I − θ/(1 + θ) v vᵀ and m(z) = vᵀ(W − z)^-1 v, outside the
bulk that is 1 + x m(1 + x) θ/(1 + θ) = 0. The equation of m, (z/γ) m² + (z − 1 + 1/γ) m + 1 = 0, then gives

    x± = (1 + θ)/(2θ) [1/γ ± √(1/γ² + 4θ/γ)].

x₊ leaves the bulk, whose edge is λ₊ − 1 = 1/γ + 2/√γ, at θ = 1 + 1/√γ: later than the outlier of Σ̂ itself,
which does at 1/√γ. It is not that outlier minus 1 + θ, because the eigenvectors turn. x₋, outside it for
θ > 1 − 1/√γ, is the lesser in modulus and never decides, nor do spikes below the bulk. A ridge adds ρ to all.
"""

import numpy as np
from scipy.optimize import minimize_scalar

from jaxmem import _checks
from jaxmem.theory._types import Real, RealLike
from jaxmem.theory.deterministic_equivalent import Spectrum, checked_grid
from jaxmem.theory.wishart_range import MOST, expected_largest_deviation

TRACY_WIDOM_MEAN = -1.2065335745820
"""Mean of the Tracy–Widom law for real symmetric matrices (β = 1)."""

HERMITE = np.polynomial.hermite_e.hermegauss(64)
"""Nodes and weights of an average over N(0, 1), up to √(2π)."""


def operator_norm(load: RealLike, strength: RealLike = 0.0, ridge: RealLike = 0.0) -> Real:
    """ρ + 1/γ + 2/√γ, or ρ + x₊(θ) for θ > 1 + 1/√γ, as d → ∞, in units of the bulk's variance.

    Of several spikes the strongest decides. At finite d the edge is lower by O(d^−⅔) and x₊ fluctuates by
    (1 + θ)/√(2n): `expected_operator_norm` has both.
    """
    load = _checks.real_numbers("load", load, above=0.0)
    strength = _checks.real_numbers("strength", strength, least=-1.0)
    ridge = _checks.real_numbers("ridge", ridge, least=0.0)
    outside = strength > 1 + load**-0.5
    theta = np.where(outside, strength, 1.0)
    outlier = (1 + theta) / (2 * theta) * (1 / load + np.sqrt(load**-2 + 4 * theta / load))
    return (ridge + np.where(outside, outlier, 1 / load + 2 * load**-0.5))[()]


def expected_operator_norm(n: RealLike, d: RealLike, strength: RealLike = 0.0, ridge: RealLike = 0.0) -> Real:
    """E ‖Σ̂ + ρ − Σ‖ for n samples in R^d and one spike: exact for few, else with leading corrections.

    Without a spike it is exact up to min(n, d) = 16 (`wishart_range`), with one at d = 1. Beyond, the edge is
    (√(n − ½) + √(d − ½))²/n − 1 − 1.2065 s, s = (√n + √d)(1/√n + 1/√d)^⅓/n (Tracy–Widom; Johnstone, Ann.
    Stat. 29 (2001) 295), 1 % too low at n = d = 17 and ever less from there on.

    The outlier's variance v·Wv = 1 + ω fluctuates, 1 + ω ~ χ²_n/n, so that with g = (d − 1)/(n θ) and
    h = g + ω the outliers are (1 + θ)(h ± √(h² + 4g))/2, of which the larger in modulus counts, averaged over
    ω. At d = 100 simulation agrees within 3 % for loads 0.5 to 20, within 6 % at 0.05; just below
    θ = 1 + 1/√γ, where edge and outlier merge, it is 5 % too low. With a spike and n or d under 16 it is an
    estimate: within 12 % for n, d > 1 and θ from twice that on, but up to 45 % too low just below it and,
    for θ < 0, 67 % too high, at n = d = 2, where one direction in two is no perturbation.
    """
    n, d, strength, ridge = np.broadcast_arrays(
        _checks.real_numbers("n", n, least=1.0),
        _checks.whole_numbers("d", d),
        _checks.real_numbers("strength", strength, least=-1.0),
        _checks.real_numbers("ridge", ridge, least=0.0),
    )
    edge = np.vectorize(_expected_edge, otypes=[np.float64])(n, d, ridge)
    nodes, weights = HERMITE
    outside = strength > 1 + np.sqrt(d / n)
    theta = np.where(outside, strength, 1.0)[..., None]
    coupling = ((d - 1) / n)[..., None] / theta
    # χ²_n/n as the cube of a normal number (Wilson & Hilferty)
    spread = 2 / (9 * n[..., None])
    middle = coupling + (1 - spread + np.sqrt(spread) * nodes) ** 3 - 1
    halves = (1 + theta) / 2 * np.stack([middle, np.sqrt(middle**2 + 4 * coupling)])
    outlier = np.abs(halves[0] + ridge[..., None]) + halves[1]
    either = np.maximum(outlier, edge[..., None]) @ weights / weights.sum()
    result = np.where(outside, either, edge)
    alone = (d == 1) & (strength > -1)
    scale = np.where(alone, 1 + strength, 1.0)
    one = np.vectorize(_expected_edge, otypes=[np.float64])(n, 1.0, ridge / scale) if alone.any() else edge
    result = np.where(alone, scale * one, result)
    return np.where((d == 1) & (strength == -1), ridge, result)[()]


def _expected_edge(n: float, d: float, ridge: float) -> float:
    """E ‖Σ̂ + ρ − 1‖ for Σ = 1; between whole n, a straight line."""
    below = np.floor(n)
    if min(below, d) <= MOST:
        first = expected_largest_deviation(int(below), int(d), ridge)
        if n == below:
            return first
        return first + (n - below) * (expected_largest_deviation(int(below) + 1, int(d), ridge) - first)
    width = (np.sqrt(n) + np.sqrt(d)) * (n**-0.5 + d**-0.5) ** (1 / 3) / n
    return float(ridge + (np.sqrt(n - 0.5) + np.sqrt(d - 0.5)) ** 2 / n - 1 + TRACY_WIDOM_MEAN * width)


def operator_norm_from_spectrum(eigenvalues: RealLike, n: RealLike, ridge: RealLike = 0.0) -> Real:
    """ρ + the right edge of the spectrum of Σ̂ − Σ for any Σ, the least ζ s(ζ) over ζ > λ_1.

        s²/(1 + s) = (1/n) Σ_i λ_i/(ζ − λ_i),    s > 0.

    Outside the spectrum, v of the deterministic equivalent of Σ̂ + A with A = −Σ − x is 1 + s, x = ζ s. Valid
    where many eigenvalues are comparable with λ_1. Where the leading ones stand alone the norm fluctuates as
    much as it is large, and this edge lies above its mean, by some 30 % for k^−1, 50 % for k^−2 (d = 100).

    Args:
        eigenvalues: of Σ, 1-d.
        n: samples.
        ridge: ρ, in the units of the eigenvalues.

    Returns:
        Shape broadcast(n, ridge). Cost: some fifty d operations an n.
    """
    spectrum = Spectrum.of(eigenvalues)
    n, ridge = checked_grid(n, ridge)
    edges = np.vectorize(lambda size: _right_edge(spectrum, size), otypes=[np.float64])(n)
    return (ridge + edges)[()]


def _right_edge(spectrum: Spectrum, n: float) -> float:
    """The least ζ s(ζ), which has one minimum, over log(ζ/λ_1 − 1)."""
    values, counts = spectrum
    top = values[-1]

    def position(log_gap: float) -> float:
        zeta = top * (1 + np.exp(log_gap))
        sum_ = float(counts @ (values / (zeta - values))) / n
        return zeta * (sum_ + np.sqrt(sum_**2 + 4 * sum_)) / 2

    # ζ/λ_1 − 1 lies between those of a lone eigenvalue, n^-½, and of d equal ones, √(d/n)
    low, high = np.log(0.1 / np.sqrt(n)), np.log(10 + 10 * np.sqrt(spectrum.dim / n))
    return float(minimize_scalar(position, bounds=(low, high), method="bounded", options={"xatol": 1e-9}).fun)
