import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from jaxmem.metrics import gauss_hermite, mean_squared_gap, monte_carlo, semi_empirical_risk
from jaxmem.populations import Gaussian
from jaxmem.scores import empirical_score

MU, SIGMA = 0.8, 0.6
DATA = np.random.default_rng(0).normal(size=(5, 1))
KEY = jax.random.key(0)


def optimum(data):
    return lambda y: empirical_score(y, data, MU, SIGMA)


def linear(y):
    return -0.7 * y + 0.2


def density(y):
    return scipy.stats.norm.pdf(y[:, None], MU * DATA[:, 0], SIGMA).mean(1)


def test_excess_risk_by_risks_by_the_gap_and_by_an_integral_over_the_density():
    average = gauss_hermite(150)
    risks = [semi_empirical_risk(score, DATA, MU, SIGMA, average) for score in (linear, optimum(DATA))]
    gap = mean_squared_gap(linear, optimum(DATA), DATA, MU, SIGMA, average)
    grid = np.linspace(-8, 8, 20_001)
    logits = -((grid[:, None] - MU * DATA[:, 0]) ** 2) / (2 * SIGMA**2)
    weights = np.exp(logits - logits.max(1, keepdims=True))
    best = (MU * weights @ DATA[:, 0] / weights.sum(1) - grid) / SIGMA**2
    integral = scipy.integrate.trapezoid(density(grid) * (linear(grid) - best) ** 2, grid)
    np.testing.assert_allclose(gap, integral, rtol=1e-8)
    np.testing.assert_allclose(float(risks[0]) - float(risks[1]), integral, rtol=1e-8)


@pytest.mark.parametrize("dim", [1, 4])
def test_monte_carlo_within_its_standard_error(dim):
    """Linear scores a y: both averages are known, E|(a − b) y|² and E|a y + ξ/σ|²."""
    data = np.random.default_rng(1).normal(size=(4, dim)).astype(np.float32)
    second = (MU**2 * (data**2).sum(1) + dim * SIGMA**2).mean()
    average = monte_carlo(KEY, data, 4000)
    gap = mean_squared_gap(lambda y: 0.5 * y, lambda y: -y, data, MU, SIGMA, average)
    # Each of 4 · 4000 terms has a relative deviation of about √2 at most.
    assert abs(gap - 2.25 * second) < 4.5 * 2.25 * second * np.sqrt(2 / 16_000)
    risk = semi_empirical_risk(lambda y: -y, data, MU, SIGMA, average)
    expected = second - 2 * dim + dim / SIGMA**2
    assert abs(risk - expected) < 4.5 * expected * np.sqrt(2 / 16_000) * 2


def test_blocks_and_padding_do_not_matter():
    data = np.random.default_rng(2).normal(size=(7, 2)).astype(np.float32)
    padded = np.concatenate([data, np.full((4, 2), 9, np.float32)])
    average, wide = monte_carlo(KEY, data, 5003), monte_carlo(KEY, padded, 5003)
    ours = mean_squared_gap(linear, optimum(data), padded, MU, SIGMA, wide, count=7)
    y = MU * data + SIGMA * np.asarray(wide.normals[:, :7])
    gaps = linear(y) - np.asarray(empirical_score(y, data, MU, SIGMA))
    np.testing.assert_allclose(ours, (gaps**2).sum(-1).mean(), rtol=1e-5)
    np.testing.assert_array_equal(monte_carlo(KEY, data, 3).normals, average.normals[:3])


def test_the_score_error_of_the_population_score_is_zero_and_that_of_another_is_known():
    population = Gaussian.isotropic(2, variance=1.5)
    noised = population.noised(MU, SIGMA)
    variance = float(noised.eigenvalues[0])
    fresh = population.sample(KEY, 2000)
    average = monte_carlo(jax.random.key(1), fresh, 20)
    assert mean_squared_gap(noised.score, noised.score, fresh, MU, SIGMA, average) == 0
    error = mean_squared_gap(lambda y: 0.5 * noised.score(y), noised.score, fresh, MU, SIGMA, average)
    np.testing.assert_allclose(error, 0.25 * 2 / variance, rtol=4.5 * np.sqrt(1 / 2000))


def test_vmap_over_noise_levels_equals_a_loop():
    average = monte_carlo(KEY, DATA, 50)
    sigmas = jnp.array([0.3, 0.6])
    risk = lambda sigma: semi_empirical_risk(linear, DATA.astype(np.float32), MU, sigma, average)  # noqa: E731
    np.testing.assert_allclose(jax.vmap(risk)(sigmas), [risk(sigma) for sigma in sigmas], rtol=1e-6)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"average must have shape \(any, any, 1\), got \(3, 5, 2\)"):
        semi_empirical_risk(linear, DATA, MU, SIGMA, monte_carlo(KEY, np.zeros((5, 2)), 3))
