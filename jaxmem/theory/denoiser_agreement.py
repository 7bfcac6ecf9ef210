"""Two linear denoisers fitted on disjoint sets of n samples: what they agree on, and what sets them apart.

A clean x ~ N(0, Σ) is seen as y = x + σ z. The best denoiser is f*(y) = D y, D = Σ (Σ + σ²)^-1; fitted on
n samples, with all noise averaged over, it is f_A(y) = D̂_A y, D̂ = Σ̂ (Σ̂ + σ²)^-1. For a second one, fitted
on other samples,

    bias² = E ⟨f_A − f*, f_B − f*⟩,    variance = ½ E ‖f_A − f_B‖²,    bias² + variance = MSE − MMSE.

Derivation. With t = σ², G = (Σ̂ + t)^-1 and D̂ = 1 − t G everything follows from E G, which is diagonal
beside Σ: G² = −∂_t G, and y has covariance Σ + t, so that with r = t E G along an eigenvector

    bias² = Σ_i (λ_i + t) (r_i − t/(λ_i + t))²,    variance = Σ_i (λ_i + t) (r_i − r_i² − t ∂_t r_i).

Integration by parts over the samples (x ~ N(0, Σ) makes E x f = Σ E ∇f) gives, but for a covariance of
O(n⁻²),

    E Σ̂ G = Σ E G (1 − E Tr D̂/n) − (1/n) Σ E Σ̂ G²,

whose last term real samples add to the deterministic equivalent. To leading order κ − t = (κ/n) Σ_i s_i,
s_i = λ_i/(λ_i + κ), r_i = 1 − s_i; and to the next, with df₂ = Σ s_i² and f = n − df₂,

    r_i = (1 − s_i) (1 + s_i²/f − η s_i),    η = Σ_i s_i² (1 − s_i)/f².

The leading variance is κ²/f · Tr Σ(Σ + κ)^-2 · Tr Σ(Σ + κ)^-2 (Σ + t). The next order is up to
10 % of it at n and d from 30 to 120, least for n ≪ d.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaxmem import _checks
from jaxmem.theory._types import Real, RealLike
from jaxmem.theory.deterministic_equivalent import Spectrum, kappa

Array = NDArray[np.float64]


class DenoiserAgreement(NamedTuple):
    """Squared errors of a whole vector: expectations of squared norms in R^d, summed over all directions.

    Attributes:
        bias_squared: E ⟨f_A − f*, f_B − f*⟩, what two models have wrong in common.
        variance: ½ E ‖f_A − f_B‖², what sets them apart.
        error: E ‖f_A − x‖², the MMSE Σ_i λ_i σ²/(λ_i + σ²) and both of these.
    """

    bias_squared: Real
    variance: Real
    error: Real


def denoiser_agreement(eigenvalues: RealLike, n: RealLike, noise: RealLike) -> DenoiserAgreement:
    """Bias², variance and error of linear denoisers of N(0, Σ) data at noise σ, to relative O(1/n²).

    Divide by d for what is said per dimension. Compared with simulation it is within 1 % at d = 30 from one
    sample on, within 5 % at d = 8, n = 30. The expansion is in 1/(n − df₂), largest where n is the number of
    eigenvalues above σ²: at Σ = 1 it is 2 % too large at n = d = 30, σ = 0.1, where n − df₂ = 5, and 8 % at
    σ = 0.05, where it is 3.

    Args:
        eigenvalues: of Σ, 1-d, zeros allowed.
        n: samples, with known mean, above 0.
        noise: σ > 0, in the units of the data.

    Returns:
        Three of shape broadcast(n, noise). Cost: some twenty d operations each.
    """
    spectrum = Spectrum.of(eigenvalues)
    n, noise = np.broadcast_arrays(
        _checks.real_numbers("n", n, above=0.0), _checks.real_numbers("noise", noise, above=0.0)
    )
    parts = np.vectorize(lambda size, sigma: _parts(spectrum, size, sigma**2), otypes=[np.float64] * 2)
    bias_squared, variance = parts(n, noise)
    values, square = spectrum.values, noise[..., None] ** 2
    least = (values * square / (values + square)) @ spectrum.counts
    return DenoiserAgreement(bias_squared[()], variance[()], (least + bias_squared + variance)[()])


def _parts(spectrum: Spectrum, n: float, t: float) -> tuple[float, float]:
    """Bias² and variance; written so that nothing cancels as t → 0."""
    values, counts = spectrum
    ridge = kappa(spectrum, n, t)
    kept, lost = values / (values + ridge), ridge / (values + ridge)  # s and 1 − s
    freedom = n - counts @ kept**2  # f
    rate = n * t / ridge / freedom  # q = ∂ log κ/∂ log t, by t/κ = 1 − (1/n) Σ s
    mixed = counts @ (kept**2 * lost)
    eta = mixed / freedom**2
    first = lost * (kept**2 / freedom - eta * kept)  # r to the next order

    distance = kept * (ridge * (counts @ kept) / n) / (values + t)  # 1 − s − t/(λ + t)
    bias_squared = counts @ ((values + t) * (distance + first) ** 2)

    # Derivatives by log κ, of which s has −s (1 − s)
    of_square = -2 * kept**2 * (lost + mixed / freedom) / freedom
    of_eta = -(counts @ (kept**2 * lost * (2 - 3 * kept))) / freedom**2 - 4 * mixed**2 / freedom**3
    leading = kept * lost * (counts @ (kept * lost)) / freedom
    apart = 1 - rate - (2 - rate) * lost
    following = first * apart - rate * lost * (of_square - of_eta * kept + eta * kept * lost)
    return float(bias_squared), float(counts @ ((values + t) * (leading + following)))
