"""What a learning rate lets a two-layer ReLU network learn in d = 1 (arXiv 2502.03435, arXiv 2306.17499).

    s(y) = (1/m) Σ_l w_l relu(a_l y + b_l),    loss R = E (s(Y) − target)²,    θ ← θ − m η ∇R.

Derivation of the bound. At a minimum that is stable under steps m η the Hessian's largest eigenvalue is at
most 2/(mη). Leaving out the change of activations at the kinks, as automatic differentiation does, it is
that of 2 E ∇s ∇sᵀ + 2 E (s − s*) ∇²s. Along u = E ∇s/‖E ∇s‖ the first is at least 2 ‖E ∇s‖², and there
neuron l with its kink at τ_l contributes (E relu)²/m² + w_l² P(active)²/m², at least (2/m²) |w_l a_l| times
P(active) E(Y − τ_l)_± ≥ π_Y(τ_l), where π_Y is `noised_weight`. Their sum is (2/m) TV_{π_Y}(s). The second is
at least −(2/m) √(ε (1 + E Y²)) with ε the excess risk.
"""

import numpy as np

from jaxmem import _checks
from jaxmem.theory._types import Real, RealLike


def largest_stable_sharpness(learning_rate: RealLike, width: RealLike) -> Real:
    """2/(mη): gradient descent with steps m η leaves minima whose Hessian has a larger eigenvalue."""
    learning_rate = _checks.real_numbers("learning_rate", learning_rate, above=0.0)
    return (2 / (_checks.whole_numbers("width", width) * learning_rate))[()]


def smallest_sharpness(total_variation: RealLike, width: RealLike) -> Real:
    """(4/m) TV_{π_Y}(s): the least that the Hessian's top eigenvalue can be for a network that reaches s*."""
    total_variation = _checks.real_numbers("total_variation", total_variation, least=0.0)
    return (4 * total_variation / _checks.whole_numbers("width", width))[()]


def stable_roughness_bound(
    learning_rate: RealLike, excess_risk: RealLike = 0.0, second_moment: RealLike = 1.0
) -> Real:
    """TV_{π_Y}(s) ≤ 1/(2η) + ½ √(ε (1 + E Y²)) at a stable minimum: large learning rates forbid rough scores.

    Args:
        learning_rate: η > 0.
        excess_risk: ε = R(s) − R(s*) = E (s(Y) − s*(Y))².
        second_moment: E Y².
    """
    learning_rate = _checks.real_numbers("learning_rate", learning_rate, above=0.0)
    excess_risk = _checks.real_numbers("excess_risk", excess_risk, least=0.0)
    second_moment = _checks.real_numbers("second_moment", second_moment, least=0.0)
    return (0.5 / learning_rate + np.sqrt(excess_risk * (1 + second_moment)) / 2)[()]
