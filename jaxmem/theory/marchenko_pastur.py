"""The Marchenko–Pastur law: the eigenvalues of Σ̂ = XᵀX/n for n samples of N(0, I) in R^d, load γ = n/d.

As d → ∞ they fill [λ₋, λ₊], λ± = (1 ± γ^−½)², with density

    p(x) = γ √((λ₊ − x)(x − λ₋)) / (2π x),

and for γ < 1 a fraction 1 − γ of them is 0. Source: Marchenko & Pastur, Math. USSR Sbornik 1 (1967) 457;
moments as ₂F₁ from the Narayana numbers, E x^k = Σ_r N(k, r + 1) γ^−r = ₂F₁(−k, 1 − k; 2; 1/γ), continued in
k.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, hyp2f1, xlog1py

from jaxmem import _checks
from jaxmem.theory._types import Real, RealLike

LOGITS = np.arange(-38.0, 38.1, 0.25)
"""Nodes of `marchenko_pastur_average`: the ends weigh less than 1e-16, steps of ¼ are exact to 1e-16."""


class Edges(NamedTuple):
    """λ₋ and λ₊, the ends of the bulk."""

    lower: Real
    upper: Real


def marchenko_pastur_edges(load: RealLike) -> Edges:
    """λ± = (1 ± γ^−½)²: the extreme non-zero eigenvalues of Σ̂, to relative O(d^−⅔)."""
    width = _checks.real_numbers("load", load, above=0.0) ** -0.5
    return Edges(((1 - width) ** 2)[()], ((1 + width) ** 2)[()])


def marchenko_pastur_density(x: RealLike, load: RealLike) -> Real:
    """p(x), without the atom of mass max(0, 1 − γ) at 0; it integrates to min(1, γ)."""
    x, load = _checks.real_numbers("x", x), _checks.real_numbers("load", load, above=0.0)
    lower, upper = marchenko_pastur_edges(load)
    inside = (x > lower) & (x < upper)
    safe = np.where(inside, x, 1.0)
    root = np.sqrt(np.maximum((upper - x) * (x - lower), 0))
    return np.where(inside, load * root / (2 * np.pi * safe), 0.0)[()]


def marchenko_pastur_moment(order: RealLike, load: RealLike) -> Real:
    """E x^s for any real s = `order`: ₂F₁(−s, 1 − s; 2; 1/γ) for γ ≥ 1, γ^{1−s} ₂F₁(−s, 1 − s; 2; γ) below.

    The second follows from the first, since X Xᵀ/d has load 1/γ and the same non-zero eigenvalues times 1/γ.
    ∞ for s < 0 at γ < 1 and for s ≤ −½ at γ = 1.
    """
    order = _checks.real_numbers("order", order)
    load = _checks.real_numbers("load", load, above=0.0)
    moment = hyp2f1(-order, 1 - order, 2.0, np.minimum(load, 1 / load))
    moment = np.where(load < 1, load ** (1 - order), 1.0) * moment
    diverges = (order < 0) & ((load < 1) | ((load == 1) & (order <= -0.5)))
    return np.where(order == 0, 1.0, np.where(diverges, np.inf, moment))[()]


def marchenko_pastur_log_moment(load: RealLike) -> Real:
    """E log x = −1 − (γ − 1) log(1 − 1/γ) for γ ≥ 1, −∞ below: the limit of (1/d) log det Σ̂."""
    load = _checks.real_numbers("load", load, above=0.0)
    safe = np.maximum(load, 1.0)
    return np.where(load < 1, -np.inf, -1 - xlog1py(safe - 1, -1 / safe))[()]


def marchenko_pastur_average(
    function: Callable[[NDArray[np.float64]], NDArray[np.float64]], load: RealLike
) -> Real:
    """E f(x), the limit of (1/d) Tr f(Σ̂), for f smooth on (0, ∞): powers, logarithms, rational functions, ….

    With x = |1 + γ^−½ e^{iθ}|² the law is (2/π) sin²θ / x dθ on [0, π], whose poles approach θ = π as γ → 1;
    in the variable log(π − θ) − log θ they stay π/2 away, and the trapezoidal rule converges geometrically
    for any γ.

    Args:
        function: f, called once with an array of shape (*load.shape, nodes); f(0) is asked for only if γ < 1.
        load: γ > 0.
    """
    load = _checks.real_numbers("load", load, above=0.0)[..., None]
    root = load**-0.5
    share = expit(LOGITS)
    angle = np.pi * share  # π − θ
    x = (1 - root) ** 2 + 4 * root * np.sin(angle / 2) ** 2
    weights = 2 / np.pi * np.sin(angle) ** 2 / x * angle * expit(-LOGITS) * (LOGITS[1] - LOGITS[0])
    if (load < 1).any():
        x = np.concatenate([x, np.zeros_like(load)], -1)
        weights = np.concatenate([weights, np.maximum(1 - load, 0)], -1)
    return np.where(weights > 0, weights * function(x), 0.0).sum(-1)[()]
