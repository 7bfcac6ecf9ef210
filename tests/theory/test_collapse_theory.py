import numpy as np
import pytest
from covariance_draws import assert_within

from jaxmem import theory


def test_formula_limits_and_shape():
    n, d = np.array([2.0, 100.0, 1e5]), 20.0
    np.testing.assert_allclose(theory.collapse_time(n, d), -0.5 * np.log(1 - n ** (-2 / d)), rtol=1e-12)
    assert theory.collapse_time(1, 10) == np.inf
    assert isinstance(theory.collapse_time(1000, 10), float)
    assert theory.collapse_time(n[:, None], [10, 100]).shape == (3, 2)
    # α = log n/d → 0: late, ½ log(1/2α); many samples: early, n^{−2/d}/2
    assert theory.collapse_time(2, 1e9) == pytest.approx(0.5 * np.log(1e9 / (2 * np.log(2))), rel=1e-6)
    assert theory.collapse_time(1e300, 10) == pytest.approx(1e-60 / 2, rel=1e-6)
    # a wider population collapses later: only σ_0² e^-2t/(1 − e^-2t) counts
    t = theory.collapse_time(1000, 30, variance=4.0)
    ratio = np.exp(2 * np.log(1000) / 30) - 1
    assert 4 * np.exp(-2 * t) / (1 - np.exp(-2 * t)) == pytest.approx(ratio, rel=1e-12)


def test_own_and_other_weights_balance_at_the_collapse_time():
    d, variance, generator = 12, 2.0, np.random.default_rng(0)
    n = 5000
    t = theory.collapse_time(n, d, variance)
    mu, sigma = np.exp(-t), np.sqrt(1 - np.exp(-2 * t))
    noise = generator.standard_normal((100_000, d))
    y = mu * np.sqrt(variance) * generator.standard_normal(noise.shape) + sigma * noise
    own = -(noise**2).sum(1) / 2
    # log n E_x exp(−|y − μx|²/2σ²), x ~ N(0, σ_0² I), in closed form for each y
    spread = sigma**2 + mu**2 * variance
    others = np.log(n) + d / 2 * np.log(sigma**2 / spread) - (y**2).sum(1) / (2 * spread)
    assert_within(own - others, 0.0)


def test_condensed_share_against_the_balance_drawn():
    """The own weight against the mean weight of the others, per point; the normal law is off by O(1/d)."""
    d, n, variance, generator = 40, 2000, 2.0, np.random.default_rng(1)
    collapse = theory.collapse_time(n, d, variance)
    assert theory.condensed_share(collapse, n, d, variance) == pytest.approx(0.5)
    for factor in (0.7, 0.9, 1.3):
        mu, sigma = np.exp(-factor * collapse), np.sqrt(-np.expm1(-2 * factor * collapse))
        spread = sigma**2 + mu**2 * variance
        noise = generator.standard_normal((20_000, d))
        y = mu * np.sqrt(variance) * generator.standard_normal(noise.shape) + sigma * noise
        others = np.log(n) + d / 2 * np.log(sigma**2 / spread) - (y**2).sum(1) / (2 * spread)
        drawn = (-(noise**2).sum(1) / 2 > others).mean()
        predicted = theory.condensed_share(factor * collapse, n, d, variance)
        assert abs(drawn - predicted) < 4.5 * 0.5 / np.sqrt(20_000) + 0.005


def test_bad_input_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"n must be a finite number at least 1, got 0\.5\."):
        theory.collapse_time(0.5, 10)
    with pytest.raises(ValueError, match=r"variance must be a finite number above 0, got 0\.0\."):
        theory.collapse_time(10, 10, 0.0)
