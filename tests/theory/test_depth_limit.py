"""Exact results on deep residual networks, against simulated flows."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from jaxmem.theory import (
    initial_polyak_lojasiewicz,
    linear_block_invariant,
    relu_counter_example,
    whitened_flow,
)


@pytest.mark.parametrize("target", [2.0, 0.3, 0.0, -0.5, -2.0])
def test_the_whitened_flow(target):
    times = np.array([0.0, 0.1, 1.0, 10.0])
    flow = solve_ivp(
        lambda _, u: -2 * u**2 * (u - target), (0, 10), [0.8], t_eval=times, rtol=1e-11, atol=1e-13
    )
    np.testing.assert_allclose(whitened_flow(times, target, 0.8), flow.y[0], rtol=1e-9)


def test_the_whitened_flow_ends_at_its_target_or_never():
    late = np.array([1e3, 1e6])
    np.testing.assert_allclose(whitened_flow(late, 0.7), 0.7, rtol=1e-12)
    np.testing.assert_allclose(whitened_flow(late, -0.7), 1 / (1.4 * late), rtol=2e-2)


def linear_flow(weights, target, time):
    """Gradient flow of ‖Π (I + V_k/L) − C‖² on whitened data, dV/dt = −L ∂ℓ/∂V, by SciPy."""
    depth, dim, _ = weights.shape

    def slope(_, flat):
        blocks = np.eye(dim) + flat.reshape(depth, dim, dim) / depth
        below, above = [np.eye(dim)], [np.eye(dim)]
        for block in blocks[:-1]:
            below.append(block @ below[-1])
        for block in blocks[:0:-1]:
            above.append(above[-1] @ block)
        residual = blocks[-1] @ below[-1] - target
        slopes = [2 * a.T @ residual @ b.T for a, b in zip(above[::-1], below, strict=True)]
        return -np.concatenate([one.ravel() for one in slopes])

    end = solve_ivp(slope, (0, time), weights.ravel(), rtol=1e-11, atol=1e-12).y[:, -1]
    return end.reshape(weights.shape)


def test_the_invariant_of_linear_blocks():
    rng = np.random.default_rng(0)
    start, target = rng.normal(size=(5, 3, 3)), rng.normal(size=(3, 3))
    end = linear_flow(start, target, 0.7)
    assert np.abs(end - start).max() > 0.5
    before, after = linear_block_invariant(start), linear_block_invariant(end)
    assert before.shape == (4, 3, 3)
    np.testing.assert_allclose(after, before, atol=1e-8)


def test_deep_linear_blocks_follow_the_whitened_flow():
    """Symmetric target, V = 0: at L = 64 within 1/L of the limit."""
    end = linear_flow(np.zeros((64, 2, 2)), np.diag([1.8, 0.4]), 0.5)
    product = np.eye(2)
    for one in end:
        product = (np.eye(2) + one / 64) @ product
    exact = [whitened_flow(0.5, b) for b in (1.8, 0.4)]
    np.testing.assert_allclose(np.diag(product), exact, rtol=0.02)
    np.testing.assert_allclose(end, np.broadcast_to(end[0], end.shape), atol=1e-8)


def test_the_counter_example():
    """Blocks of one dimension with ReLU, by gradient descent to the end."""
    half, target = 3, 2.5
    weights = (-1.0) ** np.arange(1, 2 * half + 1) / (2 * half)
    for _ in range(4_000):
        kept = 1 + np.maximum(weights, 0) / (2 * half)
        residual = kept.prod() - target
        slope = 2 * residual * kept.prod() / kept * (weights > 0) / (2 * half)
        weights = weights - 0.05 * 2 * half * slope
    exact = relu_counter_example(target, half)
    np.testing.assert_allclose(weights[1::2], exact, rtol=1e-9)
    np.testing.assert_allclose(weights[::2], -1 / (2 * half))
    assert relu_counter_example(target, 10**6) == pytest.approx(2 * np.log(target), rel=1e-5)


def test_the_initial_constant():
    rng = np.random.default_rng(1)
    features, residuals = rng.normal(size=(8, 5)), rng.normal(size=(3, 5))
    least = initial_polyak_lojasiewicz(features)
    assert initial_polyak_lojasiewicz(features, residuals) >= least
    worst = np.linalg.svd(features)[2][-1]
    assert initial_polyak_lojasiewicz(features, np.outer([1.0, -2.0, 0.5], worst)) == pytest.approx(least)
    assert initial_polyak_lojasiewicz(rng.normal(size=(4, 5))) == 0


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"weights must have shape \(L, q, q\), got \(2, 3\)"):
        linear_block_invariant(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"target must be a finite number above 1, got 0\.5"):
        relu_counter_example(0.5, 3)
    with pytest.raises(ValueError, match="start must be a finite number above 0, got 0"):
        whitened_flow(1.0, 1.0, 0.0)
