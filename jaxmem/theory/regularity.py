"""How rough the empirical optimal score is in d = 1: TV_π(s) = ∫ |s''(y)| π(y) dy (arXiv 2502.03435).

With U uniform on the data x_1 … x_n and Y = μU + σξ, ξ ~ N(0, 1), a side weight of a law Z is

    w⁺(y) = P(Z > y)² E[Z − y | Z > y] = P(Z > y) E(Z − y)₊,    w⁻(y) = P(Z < y)² E[y − Z | Z < y].

π(y) = E_ξ min{w⁺, w⁻}(y − σξ) with Z = μU, for μ x_min ≤ y ≤ μ x_max and 0 elsewhere, is the source's weight;
`noised_weight`, min{w⁺, w⁻}(y) with Z = Y, is the one that the sharpness of a network controls (`stability`).
They agree as σ → 0.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from jaxmem import _checks
from jaxmem.theory._types import Real, RealLike

Array = NDArray[np.float64]


def regularity_weight(y: RealLike, data: RealLike, mu: float, sigma: float) -> Real:
    """π(y), in closed form: min{w⁺, w⁻} is linear between the data, and a normal average of that elementary.

    Args:
        y: where, any shape.
        data: x_1 … x_n, 1-d.
        mu: μ > 0.
        sigma: σ > 0.

    Returns:
        Shape of y. Cost: n operations each.
    """
    y, centres = _checks.real_numbers("y", y), _centres(data, mu)
    sigma = _checks.real_number("sigma", sigma, above=0.0)
    ends, intercepts, slopes = _minimum_pieces(centres)
    at = (ends - y[..., None]) / sigma
    mass, density = np.diff(ndtr(at)), np.diff(np.exp(-(at**2) / 2)) / np.sqrt(2 * np.pi)
    averages = (intercepts + slopes * y[..., None]) * mass - slopes * sigma * density
    inside = (y >= centres[0]) & (y <= centres[-1])
    return np.where(inside, averages.sum(-1), 0.0)[()]


def noised_weight(y: RealLike, data: RealLike, mu: float, sigma: float) -> Real:
    """min{P(Y > y) E(Y − y)₊, P(Y < y) E(y − Y)₊}; arguments as in `regularity_weight`."""
    y, centres = _checks.real_numbers("y", y), _centres(data, mu)
    sigma = _checks.real_number("sigma", sigma, above=0.0)
    at = (centres - y[..., None]) / sigma
    density = np.exp(-(at**2) / 2) / np.sqrt(2 * np.pi)
    above = ndtr(at).mean(-1) * sigma * (density + at * ndtr(at)).mean(-1)
    below = ndtr(-at).mean(-1) * sigma * (density - at * ndtr(-at)).mean(-1)
    return np.minimum(above, below)[()]


def score_roughness_bound(n: RealLike, spacing: RealLike, mu: RealLike, sigma: RealLike) -> Real:
    """μ³ n Δ³/(2¹² σ⁴) ≤ TV_π(s*) for the empirical optimal score s* of n points Δ = `spacing` or more apart.

    Proved where 16 n³ e^{−μ²Δ²/4σ²} ≤ 1 (source, its lower bound for small noise); elsewhere the trivial 0 is
    returned. It grows as σ^−4: the less noise, the rougher the score that memorises.
    """
    n, spacing = _checks.real_numbers("n", n, least=2.0), _checks.real_numbers("spacing", spacing, least=0.0)
    mu, sigma = _checks.real_numbers("mu", mu, above=0.0), _checks.real_numbers("sigma", sigma, above=0.0)
    proved = np.log(16) + 3 * np.log(n) <= (mu * spacing / sigma) ** 2 / 4
    return np.where(proved, mu**3 * n * spacing**3 / (2**12 * sigma**4), 0.0)[()]


def _centres(data: RealLike, mu: float) -> Array:
    """μ x_i, ascending."""
    array = _checks.real_numbers("data", data)
    _checks.shape("data", array, None)
    return _checks.real_number("mu", mu, above=0.0) * np.sort(array)


def _minimum_pieces(centres: Array) -> tuple[Array, Array, Array]:
    """min{w⁺, w⁻} of Z uniform on n sorted centres: 2n − 1 ends, intercepts and slopes of lines between."""
    n = centres.size
    rank = np.arange(1, n)  # how many centres lie left of the piece between centres rank − 1 and rank
    left = np.cumsum(centres)[:-1]
    share = rank / n
    # w⁻ = share (share y − left/n), w⁺ = (1 − share) (right/n − (1 − share) y)
    below = np.stack([-share * left / n, share**2])
    above = np.stack([(1 - share) * (centres.sum() - left) / n, -((1 - share) ** 2)])
    crossing = (above[0] - below[0]) / (below[1] - above[1])
    crossing = np.clip(crossing, centres[:-1], centres[1:])
    ends = np.append(np.stack([centres[:-1], crossing], -1).ravel(), centres[-1])
    intercepts, slopes = np.stack([below, above], -1).reshape(2, -1)  # w⁻ rises, so it is the lesser first
    return ends, intercepts, slopes
