"""How fast a random-feature score learns its samples one by one: the bulk of eigenvalues that is theirs."""

import numpy as np

from jaxmem import _checks
from jaxmem.theory._types import Real, RealLike

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(80)
"""Of averages over a standard normal, normalised below: 1e-9 for products of two tanh."""


def sample_mode_rate(n: RealLike, p: RealLike, d: RealLike, time: RealLike, ridge: RealLike = 0.0) -> Real:
    """r = (2σ²/d)(s² + λ + v² p/n), σ² = 1 − e^−2t: the mean rate of the n − d modes of single samples.

    For data N(0, I) and features φ = tanh(W y/√d), y = μ x + σ ξ, the argument is standard normal, and two
    noised copies of one sample have arguments of correlation μ². With k(c) = E tanh(g) tanh(g') at
    correlation c and the linear coefficient a = E tanh'(g), the second moments of φ over samples and noise
    have, for p > n ≫ d and n ≪ d³,

    - d eigenvalues of order p/d, from the linear part a W y/√d;
    - n − d of mean s² + v² p/n, v² = k(μ²) − a² μ²: φ averaged over noise has n directions, a sample each,
      of which the linear part has d;
    - s² = k(1) − k(μ²) − a² σ² for the rest: the scatter of φ over noise, but for its linear part.

    Gradient flow of the loss (1/d) E ‖σ A φ + ξ‖² + (λσ²/d) ‖A‖² relaxes each at 2σ²/d times its eigenvalue
    plus λ: the d first do so in a time without n, the next in one ∝ n as long as v² p/n ≫ s² + λ.
    Corrections O(1/d), and more where v² p/n is not far above s². Source: Bonnaire, Urfin, Biroli & Mézard,
    NeurIPS 2025, arXiv 2505.17638, the bulks ρ₂ and ρ₁ of its section 3.

    Args:
        n: samples.
        p: features.
        d: dimensions.
        time: t > 0 of the noise.
        ridge: λ ≥ 0, as in the study memorisation-time.
    """
    n, p, d = (_checks.real_numbers(name, value, above=0.0) for name, value in (("n", n), ("p", p), ("d", d)))
    time, ridge = _checks.real_numbers("time", time, above=0.0), _checks.real_numbers("ridge", ridge, least=0)
    mu2, sigma2 = np.exp(-2 * time), -np.expm1(-2 * time)
    weight = WEIGHTS / WEIGHTS.sum()
    slope2 = (weight @ np.cosh(NODES) ** -2.0) ** 2
    cosine, sine = (np.sqrt(square)[..., None, None] for square in (mu2, sigma2))
    # Two copies share cosine · g and differ by sine · z: the average over each copy's own part comes first.
    own = np.tanh(cosine * NODES[:, None] + sine * NODES) @ weight
    same_sample = own**2 @ weight
    same_point = weight @ np.tanh(NODES) ** 2
    per_sample = same_sample - slope2 * mu2
    scatter = same_point - same_sample - slope2 * sigma2
    return (2 * sigma2 / d * (scatter + ridge + per_sample * p / n))[()]
