"""Squared Hellinger distance H² between learnt and true law, through log(1 − H²), which is of order d."""

import numpy as np

from jaxmem.theory._types import Real, RealLike
from jaxmem.theory.deterministic_equivalent import Spectrum, checked_grid, log_determinant_equivalent


def log_affinity_from_spectrum(eigenvalues: RealLike, n: RealLike, ridge: RealLike = 0.0) -> Real:
    """The limit of log(1 − H²) = −½ log det((C + Σ)/2) + ¼ log det C Σ, C = Σ̂ + ρ I, as n, d → ∞.

    Both determinants are those of Σ̂ plus a matrix that commutes with Σ: ρ, and Σ + ρ. −∞ for n < d without a
    ridge, where the laws are mutually singular. Per dimension of Σ = I at load γ take the
    eigenvalue [1] at n = γ.

    Args:
        eigenvalues: of Σ, 1-d, all above 0.
        n: samples.
        ridge: ρ, in the units of the eigenvalues.

    Returns:
        Shape broadcast(n, ridge). Cost: some twenty d operations each.
    """
    spectrum = Spectrum.of(eigenvalues, positive=True)
    n, ridge = checked_grid(n, ridge)

    def limit(size: float, rho: float) -> float:
        apart, _ = log_determinant_equivalent(spectrum, size, np.full_like(spectrum.values, rho))
        both, _ = log_determinant_equivalent(spectrum, size, spectrum.values + rho)
        own = float(spectrum.counts @ np.log(spectrum.values))
        return (apart + own) / 4 - (both - spectrum.dim * np.log(2)) / 2

    return np.vectorize(limit, otypes=[np.float64])(n, ridge)[()]
