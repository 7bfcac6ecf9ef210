"""Convergence q: the overlap of two models fitted on disjoint data and fed the same z (arXiv 2605.21402).

A model is x̂ = (Σ̂ + ρ I)^{1/2} z. For independent Σ̂_A and Σ̂_B, E Tr (Σ̂_A + ρ)^{1/2} (Σ̂_B + ρ)^{1/2} is the
trace of the square of E (Σ̂ + ρ)^{1/2}, which is a function S of Σ, so that

    q = Tr S(Σ)² / (Tr Σ + d ρ).

A finite number of spikes does not change q: convergence is blind to latent recovery. These are limits as n,
d → ∞ at fixed load; at finite n they are too large by about 0.3/n, and `large_sample_convergence` is exact
to O(1/n).
"""

import numpy as np

from jaxmem import _checks
from jaxmem.theory._types import Real, RealLike
from jaxmem.theory.deterministic_equivalent import Spectrum, root_equivalent
from jaxmem.theory.marchenko_pastur import marchenko_pastur_average, marchenko_pastur_moment


def half_moment(load: RealLike, ridge: RealLike = 0.0) -> Real:
    """F = lim (1/d) E Tr (Σ̂ + ρ)^{1/2} for Σ = I.

    At ρ = 0 it is ₂F₁(½, −½; 2; 1/γ) for γ ≥ 1, √γ ₂F₁(½, −½; 2; γ) below, near √γ (1 − γ/8) as γ → 0 and
    1 − 1/(8γ) as γ → ∞; 8/(3π) at γ = 1. At ρ > 0 it is the mean of √(x + ρ) in the Marchenko–Pastur law.
    """
    load, ridge = np.broadcast_arrays(
        _checks.real_numbers("load", load, above=0.0), _checks.real_numbers("ridge", ridge, least=0.0)
    )
    ridged = marchenko_pastur_average(lambda x: np.sqrt(x + ridge[..., None]), load)
    return np.where(ridge == 0, marchenko_pastur_moment(0.5, load), ridged)[()]


def convergence(load: RealLike, ridge: RealLike = 0.0) -> Real:
    """q = F(γ)² / (1 + ρ) for Σ = I with any finite number of spikes, in units of the bulk's variance.

    At ρ = 0, q ~ γ as γ → 0 and 1 − q ~ 1/(4γ) as γ → ∞: it rises continuously.
    """
    return (half_moment(load, ridge) ** 2 / (1 + np.asarray(ridge, np.float64)))[()]


def convergence_from_spectrum(eigenvalues: RealLike, n: RealLike, ridge: RealLike = 0.0) -> Real:
    """q = Σ_i S(λ_i)² / (Σ_i λ_i + d ρ) for any Σ, with S of `root_equivalent`.

    Args:
        eigenvalues: of Σ, 1-d, in any order; zeros are allowed.
        n: samples in each of the two sets; real, since only the limit is meant.
        ridge: ρ, in the units of the eigenvalues.

    Returns:
        Shape broadcast(n, ridge). Cost: 300 d operations each; 10⁴ eigenvalues on 50 loads take 0.4 s.
    """
    overlap = (root_equivalent(eigenvalues, n, ridge) ** 2).sum(-1)
    return (overlap / (np.sum(eigenvalues) + np.size(eigenvalues) * np.asarray(ridge, np.float64)))[()]


def large_sample_convergence(eigenvalues: RealLike, n: RealLike) -> Real:
    """The first order of q in 1/n at fixed d, exact for Gaussian data.

        1 − q = (1/n) [Σ_ij λ_i λ_j / (√λ_i + √λ_j)² / Tr Σ + ¼ − Tr Σ² / (2 (Tr Σ)²)].

    Perturbation theory: Σ̂ − Σ = E moves Σ̂^{1/2} by E_ij/(√λ_i + √λ_j), with E|E_ij|² = λ_i λ_j (1 + δ_ij)/n,
    and the cosine feels the part of it across Σ^{1/2}. The first term is that of
    `convergence_from_spectrum`, the other two are its finite-size correction. Valid where 1 − q is small.
    Cost: d² operations.
    """
    spectrum = Spectrum.of(eigenvalues)
    n = _checks.real_numbers("n", n, above=0.0)
    values, counts = spectrum.values[spectrum.values > 0], spectrum.counts[spectrum.values > 0]
    roots = np.sqrt(values)
    rows = [counts @ (values[i] * values / (roots[i] + roots) ** 2) for i in range(values.size)]
    participation = counts @ values**2 / spectrum.total**2
    return (1 - (counts @ rows / spectrum.total + 0.25 - participation / 2) / n)[()]
