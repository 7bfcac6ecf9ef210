"""Latent recovery Q: the squared overlap of an eigenvector of Σ̂ with that of Σ, in closed form.

Spikes: Σ = I + Σ_i θ_i v_i v_iᵀ with finitely many strengths θ_i, in units of the bulk's variance, as d → ∞
at load γ = n/d. Distinct strengths do not disturb each other, and for equal ones the overlap of the
subspaces is Q. Sources: Baik, Ben Arous & Péché, Ann. Probab. 33 (2005) 1643; Paul, Statistica Sinica 17
(2007) 1617. `latent_recovery_from_spectrum` has any Σ at finite n and d, and the rounded threshold there.
"""

import numpy as np
from numpy.typing import NDArray

from jaxmem import _checks
from jaxmem.theory._types import Real, RealLike
from jaxmem.theory.marchenko_pastur import marchenko_pastur_edges


def latent_recovery(strength: RealLike, load: RealLike) -> Real:
    """Q(θ, γ) = (1 − 1/(γθ²)) / (1 + 1/(γθ)) for γθ² > 1, else 0.

    Continuous with a kink at the `recovery_threshold` in the limit; at finite d it is rounded over a window
    of relative width d^−⅓, and O(d^−⅓) there. Q ~ 1 − (1 + θ)/(γθ²) for γ → ∞.

    Args:
        strength: θ ≥ −1 of each direction by itself. A negative one is recovered by the trailing eigenvector.
        load: γ > 0.
    """
    strength = _checks.real_numbers("strength", strength, least=-1.0)
    load = _checks.real_numbers("load", load, above=0.0)
    signal = load * strength**2
    seen = signal > 1
    safe = np.where(seen, signal, 1.0)
    return np.where(seen, (1 - 1 / safe) / (1 + strength / safe), 0.0)[()]


def recovery_threshold(strength: RealLike) -> Real:
    """γ = 1/θ², the load above which a direction of strength θ is recovered; ∞ for θ = 0."""
    strength = _checks.real_numbers("strength", strength, least=-1.0)
    with np.errstate(divide="ignore"):
        return (strength**-2)[()]


def spiked_eigenvalue(strength: RealLike, load: RealLike) -> Real:
    """The eigenvalue of Σ̂ that belongs to a spike: (1 + θ)(1 + 1/(γθ)) for γθ² > 1, else the bulk's edge.

    Above the bulk for θ > 0 (edge λ₊), below it for θ < 0 (edge λ₋).
    """
    strength = _checks.real_numbers("strength", strength, least=-1.0)
    load = _checks.real_numbers("load", load, above=0.0)
    lower, upper = marchenko_pastur_edges(load)
    signal = load * strength**2
    seen = signal > 1
    outlier = (1 + strength) * (1 + strength / np.where(seen, signal, 1.0))
    return np.where(seen, outlier, np.where(strength < 0, lower, upper))[()]


def recovery_size(eigenvalues: RealLike, directions: int = 1) -> NDArray[np.float64]:
    """n_i = Σ_j λ_i λ_j / (λ_i − λ_j)² over λ_j ≠ λ_i: the samples that direction i takes, 1 − Q_i ≈ n_i/n.

    First-order perturbation theory at any fixed Σ, exact as n → ∞; valid for n ≫ n_i. (Anderson, Ann. Math.
    Stat. 34 (1963) 122.) For λ_k = k^−a and i of order 1 the tail gives n_i ≈ i^a Tr Σ if a ≤ 1, of order
    d^{1−a} or log d, less than d: latent directions come long before convergence. For large i the neighbours
    give π² i²/(3a²).

    Args:
        eigenvalues: of Σ, 1-d, in any order.
        directions: how many leading ones; equal eigenvalues count as one subspace.

    Returns:
        n_i, shape (directions,).
    """
    eigenvalues = np.sort(_checks.real_numbers("eigenvalues", eigenvalues, least=0.0))[::-1]
    _checks.shape("eigenvalues", eigenvalues, None)
    _checks.positive_integer("directions", directions, most=eigenvalues.size)
    own = eigenvalues[:directions, None]
    gaps = own - eigenvalues
    terms = own * eigenvalues / np.where(gaps == 0, np.inf, gaps) ** 2
    return terms.sum(-1)
