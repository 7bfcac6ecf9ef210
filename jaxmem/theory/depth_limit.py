"""Exact results on residual networks in the neural-ODE scaling, trained by dZ_k/dt = −L ∂ℓ/∂Z_k.

Sources: Marion, Wu, Sander & Biau, ICLR 2024, arXiv 2309.01213, for the model and the ReLU example; the
rest is derived here. Everything is float64 NumPy.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import lambertw

from jaxmem import _checks

Array = NDArray[np.float64]


def linear_block_invariant(weights: ArrayLike) -> Array:
    """What gradient flow conserves in linear blocks h_{k+1} = (I + V_{k+1}/L) h_k, for each two neighbours.

    With M_k = I + V_k/L, any loss of the product M_L … M_1 has ∂ℓ/∂M_k M_kᵀ = M_{k+1}ᵀ ∂ℓ/∂M_{k+1}, so that
    M_k M_kᵀ − M_{k+1}ᵀ M_{k+1} is conserved. Multiplied by −L that is

        (V_{k+1} + V_{k+1}ᵀ) − (V_k + V_kᵀ) − (V_k V_kᵀ − V_{k+1}ᵀ V_{k+1})/L,

    0 at V = 0: symmetric parts of neighbours then differ by no more than O(1/L), at all times.

    Args:
        weights: V_k, shape (L, q, q).

    Returns:
        Shape (L − 1, q, q).
    """
    weights = _checks.real_numbers("weights", weights)
    if weights.ndim != 3 or weights.shape[1] != weights.shape[2]:
        raise ValueError(f"weights must have shape (L, q, q), got {weights.shape}.")
    symmetric = weights + weights.swapaxes(1, 2)
    before, after = weights[:-1], weights[1:]
    squares = before @ before.swapaxes(1, 2) - after.swapaxes(1, 2) @ after
    return symmetric[1:] - symmetric[:-1] - squares / len(weights)


def whitened_flow(times: ArrayLike, target: float, start: float = 1.0) -> Array:
    """u(t) = e^v of linear blocks on whitened data, along an eigenvector of a symmetric target, as L → ∞.

    All layers are equal, V_k = v there, and the network multiplies by u = e^v; ℓ = (u − b)² gives
    dv/dt = −2 u (u − b), so

        du/dt = −2 u² (u − b).

    With y = 1/u: dy/dt = 2 (1 − b y)/y. At b = 0, y² = y_0² + 4t. Else w = b y − 1 satisfies w e^w =
    w_0 e^{w_0 − 2 b² t}, so that w is Lambert's function of that: of branch 0 for b > 0, where w > −1, and of
    branch −1 for b < 0, where w < −1. Then u = b/(1 + w). For b > 0, u → b as e^{−2 b² t}; for b ≤ 0 no
    residual network of this form fits, u → 0 as 1/√(4t) or 1/(2 |b| t), and the loss → b².

    Args:
        times: t ≥ 0.
        target: b, the eigenvalue.
        start: u(0) > 0; 1 at V = 0.

    Returns:
        u, of the shape of `times`.
    """
    times = _checks.real_numbers("times", times, least=0.0)
    target = _checks.real_number("target", target)
    start = _checks.real_number("start", start, above=0.0)
    if target == 0:
        return 1 / np.sqrt(start**-2 + 4 * times)
    first = target / start - 1
    if target > 0:
        with np.errstate(under="ignore"):
            w = lambertw(first * np.exp(first - 2 * target**2 * times), 0).real
        return np.asarray(target / (1 + w))
    w = _lower_branch(np.log(-first) + first - 2 * target**2 * times)
    return np.asarray(target / (1 + w))


def _lower_branch(log_minus: Array) -> Array:
    """w ≤ −1 with log(−w) + w = `log_minus` ≤ −1, without the underflow of w e^w; by Newton's method."""
    x = -np.asarray(log_minus, np.float64)
    v = x + np.log(np.maximum(x, 1.0))  # of v = −w: v − log v = x
    for _ in range(50):
        step = (v - np.log(v) - x) / np.where(v > 1, 1 - 1 / v, 1.0)
        v = np.maximum(v - step, 1.0)
    return -v


def relu_counter_example(target: float, layers: int) -> float:
    """w* of the even layers where ReLU keeps a network from becoming smooth in depth.

    In one dimension, on x > 0, with 2L blocks h_{k+1} = h_k + ReLU(w_{k+1} h_k)/(2L) that start at
    w_k = (−1)^k/(2L): blocks of negative w are zero and stay as they are, the others are equal and grow until

        (1 + w*/(2L))^L = C,    w* = 2L (C^{1/L} − 1) → 2 log C,

    for a target C x with C > 1: neighbours then differ by w* + 1/(2L), not by O(1/L).

    Args:
        target: C > 1.
        layers: L, half of the blocks.
    """
    target = _checks.real_number("target", target, above=1.0)
    layers = _checks.positive_integer("layers", layers)
    return float(2 * layers * np.expm1(np.log(target) / layers))


def initial_polyak_lojasiewicz(features: ArrayLike, residuals: ArrayLike | None = None) -> float:
    """−(dℓ/dt)/ℓ of the network of `scores.ScaledResidual` at V = 0, or its least value over all targets.

    At V = 0 every h_k is x, F(x) = x, and only V moves: ∂ℓ/∂V_k = (2/(n L √m)) Σ_i r_i φ_iᵀ with r = F − y
    and φ_i = φ(W x_i/√q), so that with S (m, n) the features, for one W in all layers,

        dℓ/dt = −L Σ_k ‖∂ℓ/∂V_k‖² = −(4/(n² m)) ‖R Sᵀ‖²,    ℓ = ‖R‖²/n.

    Args:
        features: S, shape (m, n).
        residuals: R, shape (q, n); without them the constant 4 s_min(S)²/(n m), which is 0 if n > m.
    """
    features = _checks.real_numbers("features", features)
    _checks.shape("features", features, None, None)
    width, n = features.shape
    if residuals is None:
        least = np.linalg.svd(features, compute_uv=False).min() if n <= width else 0.0
        return float(4 * least**2 / (n * width))
    residuals = _checks.real_numbers("residuals", residuals)
    _checks.shape("residuals", residuals, None, n)
    loss = (residuals**2).sum() / n
    return float(4 / (n**2 * width) * ((residuals @ features.T) ** 2).sum() / loss)
