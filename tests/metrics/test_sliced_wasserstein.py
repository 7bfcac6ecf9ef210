"""Sliced Wasserstein-2 against scipy and closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from typechecking import unchecked

from jaxmem.metrics import sliced_wasserstein

KEY = jax.random.key(0)


def line_distance(x, y):
    """W2 on the line: both samples repeated to a common size, sorted, matched."""
    size = np.lcm(len(x), len(y))
    return np.sqrt(
        np.mean((np.sort(np.repeat(x, size // len(x))) - np.sort(np.repeat(y, size // len(y)))) ** 2)
    )


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 12), seed=st.integers(0, 2**16))
def test_exact_on_the_line_for_unequal_sizes(n, seed):
    """On the line all directions are ±1."""
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((12, 1)), 1 + rng.standard_normal((9, 1))
    padded = np.where(np.arange(12)[:, None] < n, x, 1e6)
    found = sliced_wasserstein(KEY, padded, y, n, projections=2)
    assert float(found) == pytest.approx(line_distance(x[:n, 0], y[:, 0]), rel=1e-5)


def test_line_distance_is_an_optimal_assignment():
    """The reference of the test above, itself checked without sorting."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal(6), rng.standard_normal(4)
    costs = (np.repeat(x, 2)[:, None] - np.repeat(y, 3)) ** 2
    assert line_distance(x, y) == pytest.approx(np.sqrt(costs[linear_sum_assignment(costs)].mean()))


def test_translation_has_a_closed_form():
    """SW2² = E (θ·a)² = |a|²/d for y = x + a; far from the origin too."""
    x = 1000 + np.random.default_rng(1).standard_normal((30, 8))
    shift = np.linspace(-1, 1, 8)
    squared = float(sliced_wasserstein(KEY, x, x + shift, projections=4000)) ** 2
    norm = shift @ shift
    deviation = np.sqrt(2 * 7 / (8**2 * 10)) * norm  # Var (θ·a)² = 2 (d − 1) |a|⁴ / (d² (d + 2))
    assert squared == pytest.approx(norm / 8, abs=5 * deviation / np.sqrt(4000))


def test_same_samples_in_any_order_are_at_distance_zero():
    x = np.random.default_rng(2).standard_normal((40, 5))
    assert float(sliced_wasserstein(KEY, x, x[::-1])) == 0


def test_vmap_and_jit_equal_a_loop_over_counts():
    x, y = (np.random.default_rng(seed).standard_normal((20, 4)).astype(np.float32) for seed in (0, 1))
    counts = jnp.asarray([1, 7, 20])
    batched = jax.jit(jax.vmap(lambda count: sliced_wasserstein(KEY, x, y, count)))(counts)
    expected = [float(sliced_wasserstein(KEY, x[: int(count)], y)) for count in counts]
    assert batched.dtype == jnp.float64
    np.testing.assert_allclose(batched, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("x", "count", "projections", "sentence"),
    [
        (np.ones((5, 3)), None, 2, r"y must have shape \(any, 3\), got \(6, 2\)"),
        (np.ones((5, 2)), 6, 2, "count must be a whole number from 1 to 5, the rows given, got 6"),
        (np.ones((5, 2)), 5, 0, "projections must be a whole number of at least 1, got 0"),
        (np.full((5, 2), np.inf), 5, 1, "x must be finite, got inf"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(x, count, projections, sentence):
    with unchecked(), pytest.raises(ValueError, match=sentence):
        sliced_wasserstein(KEY, x, np.ones((6, 2)), count, projections=projections)
