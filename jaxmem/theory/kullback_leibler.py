"""Both Kullback–Leibler divergences between learnt and true law: exact means, and limits with a ridge.

With C = Σ̂ + ρ I, in nats and without the term of the means,

    KL(generated‖population) = ½ (Tr Σ^-1 C − d − log det Σ^-1 C),
    KL(population‖generated) = ½ (Tr C^-1 Σ − d + log det Σ^-1 C).
"""

from typing import NamedTuple

import numpy as np

from jaxmem import _checks
from jaxmem.theory._types import Real, RealLike
from jaxmem.theory.deterministic_equivalent import Spectrum, checked_grid, log_determinant_equivalent
from jaxmem.theory.wishart import expected_log_determinant


class KullbackLeibler(NamedTuple):
    """Both directions, in nats."""

    generated_population: Real
    population_generated: Real


def expected_kl(n: RealLike, d: RealLike, *, estimated_mean: bool = False) -> KullbackLeibler:
    """The mean over data sets at finite n and d, exactly, for any Σ (no ridge).

    With L = E log det(Σ^-1 Σ̂) (Wishart, `expected_log_determinant`),

        E KL(generated‖population) = −½ L,                               ∞ for n < d;
        E KL(population‖generated) = ½ (n d/(n − d − 1) − d + L),        ∞ for n ≤ d + 1.

    For n ≫ d both are near d (d + 1)/(4n). n = 400, d = 200: 30.8585 and 70.1466.

    Args:
        n: samples.
        d: dimensions.
        estimated_mean: the model has the sample mean x̄ and Σ̂ = Σ (x − x̄)(x − x̄)ᵀ/n, so that n Σ̂ is Wishart
            with n − 1 degrees of freedom, independent of x̄ ~ N(0, Σ/n). L then sums ψ((n − i)/2), the first
            mean is −½ L again, and the second ½ ((n + 1) d/(n − d − 2) − d + L).
    """
    n, d = np.broadcast_arrays(_checks.real_numbers("n", n, above=0.0), _checks.whole_numbers("d", d))
    samples = n + 1 if estimated_mean else n  # the numerator: those of the covariance, and one of the mean
    freedom = np.maximum(n - 1, 0.5) if estimated_mean else n
    log_determinant = expected_log_determinant(freedom, d) + d * np.log(freedom / n)
    defined = freedom > d + 1
    inverse_trace = samples * d / np.where(defined, freedom - d - 1, 1.0)
    backward = (inverse_trace - d + np.where(defined, log_determinant, 0.0)) / 2
    return KullbackLeibler((-log_determinant / 2)[()], np.where(defined, backward, np.inf)[()])


def expected_kl_from_spectrum(eigenvalues: RealLike, n: RealLike, ridge: RealLike = 0.0) -> KullbackLeibler:
    """The limit as n, d → ∞ for any Σ and a ridge ρ.

    With v and L = log det(Σ̂ + ρ) − log det Σ of the deterministic equivalent,

        KL(generated‖population) → ½ (ρ Tr Σ^-1 − L),    KL(population‖generated) → ½ (n (1/v − 1) − d + L).

    Without a ridge v = 1 − d/n: nothing depends on Σ, the first is finite for n ≥ d, the second for n > d;
    the exact `expected_kl` differs from it by O(1), of sums over d. Divergences per dimension of Σ = I at
    load γ are those of the eigenvalue [1] at n = γ.

    Args:
        eigenvalues: of Σ, 1-d, all above 0.
        n: samples.
        ridge: ρ, in the units of the eigenvalues.

    Returns:
        Two of shape broadcast(n, ridge). Cost: some ten d operations each.
    """
    spectrum = Spectrum.of(eigenvalues, positive=True)
    n, ridge = checked_grid(n, ridge)
    forward, backward = np.vectorize(
        lambda size, rho: _limits(spectrum, size, rho), otypes=[np.float64, np.float64]
    )(n, ridge)
    return KullbackLeibler(forward[()], backward[()])


def _limits(spectrum: Spectrum, n: float, ridge: float) -> tuple[float, float]:
    """Both divergences for one n and one ridge."""
    values, counts = spectrum
    log_determinant, v = log_determinant_equivalent(spectrum, n, np.full_like(values, ridge))
    ratio = log_determinant - float(counts @ np.log(values))
    forward = (ridge * float(counts @ (1 / values)) - ratio) / 2
    return forward, (n * (1 / v - 1) - spectrum.dim + ratio) / 2 if v > 0 else np.inf
