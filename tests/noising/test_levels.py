"""Noising coefficients against their definition in high precision, and their inverses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmem import noising
from jaxmem.populations import Gaussian

TIMES = np.array([1e-9, 1e-6, 1e-3, 0.1, 1.0, 2.0, 5.0])


def series_variance(time, terms=60):
    """1 − e^-2t = −Σ_{k≥1} (−2t)^k / k!, in long double."""
    total = np.zeros_like(time, dtype=np.longdouble)
    power = np.ones_like(total)
    for k in range(1, terms):
        power = power * (-2 * time.astype(np.longdouble)) / k
        total -= power
    return total


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("scale", [1.0, np.exp(-4.0)])
def test_coefficients_keep_their_digits(wide, scale):
    tolerance = 1e-14 if wide else 1e-6
    with jax.enable_x64(wide):
        times = jnp.asarray(TIMES, jnp.float64 if wide else jnp.float32)
        mu, sigma = noising.ornstein_uhlenbeck(times, scale)
        assert mu.dtype == sigma.dtype == times.dtype
    np.testing.assert_allclose(mu, np.exp(-TIMES), rtol=tolerance)
    np.testing.assert_allclose(sigma, np.sqrt(scale * series_variance(TIMES)).astype(float), rtol=tolerance)


@pytest.mark.parametrize("scale", [1.0, np.exp(-4.0)])
def test_inverse_maps(scale):
    with jax.enable_x64(True):
        mu, sigma = noising.ornstein_uhlenbeck(TIMES, scale)
        np.testing.assert_allclose(noising.time_at_signal(mu[3:]), TIMES[3:], rtol=1e-12)
        np.testing.assert_allclose(noising.time_at_noise(sigma, scale), TIMES, rtol=1e-11)
        np.testing.assert_allclose(noising.time_at_ratio(sigma / mu, scale), TIMES, rtol=1e-12)
    with jax.enable_x64(False):
        small = jnp.float32(1e-4)
        np.testing.assert_allclose(noising.time_at_noise(small), 0.5e-8, rtol=1e-6)


def test_noised_samples_have_the_noised_law():
    law = Gaussian.spiked(3, (2.0,), mean=4.0)
    n = 40_000
    x = law.sample(jax.random.key(0), n)
    normal = jax.random.normal(jax.random.key(1), x.shape, jnp.float32)
    mu, sigma = noising.ornstein_uhlenbeck(0.7)
    noised = law.noised(mu, sigma)
    y = np.asarray(noising.add_noise(x, normal, mu, sigma), np.float64)
    variance = np.diag(noised.covariance())
    assert (np.abs(y.mean(0) - np.asarray(noised.mean())) < 4.5 * np.sqrt(variance / n)).all()
    assert (np.abs(y.var(0) / variance - 1) < 4.5 * np.sqrt(2 / n)).all()


def test_tweedie_is_the_posterior_mean():
    """N(m, v): E[x | y] = m + μ v (y − μ m) / (μ² v + σ²)."""
    mean, variance, mu, sigma = 3.0, 0.5, 0.6, 0.8
    law = Gaussian.isotropic(2, mean, variance)
    with jax.enable_x64(True):
        y = jnp.array([[0.3, -1.0], [2.0, 5.0]])
        score = law.noised(mu, sigma).score(y)
        denoised = noising.denoiser_from_score(score, y, mu, sigma)
        np.testing.assert_allclose(noising.score_from_denoiser(denoised, y, mu, sigma), score, rtol=1e-12)
    expected = mean + mu * variance * (np.asarray(y) - mu * mean) / (mu**2 * variance + sigma**2)
    np.testing.assert_allclose(denoised, expected, rtol=1e-12)


def test_vmap_equals_loop():
    times = jnp.array([0.1, 1.0, 3.0])
    batched = jax.vmap(noising.ornstein_uhlenbeck)(times)
    for i, time in enumerate(times):
        np.testing.assert_array_equal([pair[i] for pair in batched], noising.ornstein_uhlenbeck(time))
