"""Exact moments of Σ̂ at finite n and d, from the Wishart law of n Σ̂ (known mean), n whole or real."""

import numpy as np
from scipy.special import digamma

from jaxmem import _checks
from jaxmem.theory._types import Real, RealLike


def expected_log_determinant(n: RealLike, d: RealLike) -> Real:
    """E log det(Σ^-1 Σ̂) = Σ_{i=1}^d ψ((n − i + 1)/2) + d log(2/n); −∞ for n < d, where Σ̂ is singular.

    Source: log det is a sum of logarithms of independent χ² variables with n, n − 1, …, n − d + 1 degrees of
    freedom (Bartlett). For n ≫ d near −d (d + 1)/(2n).
    """
    n, d = np.broadcast_arrays(_checks.real_numbers("n", n, above=0.0), _checks.whole_numbers("d", d))
    i = np.arange(1, int(d.max()) + 1)
    freedom = np.where(i <= d[..., None], n[..., None] - i + 1, n[..., None])
    terms = digamma(np.maximum(freedom, 1.0) / 2) - np.log(n[..., None] / 2)
    return np.where(n < d, -np.inf, np.where(i <= d[..., None], terms, 0.0).sum(-1))[()]


def expected_squared_frobenius(eigenvalues: RealLike, n: RealLike, ridge: RealLike = 0.0) -> Real:
    """E ‖Σ̂ + ρ − Σ‖²_F = ((Tr Σ)² + Tr Σ²)/n + d ρ², since E|Σ̂_ij − Σ_ij|² = λ_i λ_j (1 + δ_ij)/n."""
    eigenvalues = _checks.real_numbers("eigenvalues", eigenvalues, least=0.0)
    n, ridge = _checks.real_numbers("n", n, above=0.0), _checks.real_numbers("ridge", ridge, least=0.0)
    pairs = eigenvalues.sum() ** 2 + (eigenvalues**2).sum()
    return (pairs / n + eigenvalues.size * ridge**2)[()]
