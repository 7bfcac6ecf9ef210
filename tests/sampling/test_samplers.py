import itertools
from functools import partial

import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest

from jaxmem.noising import ornstein_uhlenbeck
from jaxmem.populations import Gaussian
from jaxmem.sampling import (
    ancestral,
    diffusion_times,
    probability_flow,
    reverse_sde,
    sample_reverse_process,
    time_grid,
)
from jaxmem.scores import empirical_score

VARIANCES = np.array([0.25, 4.0])
MEAN = np.array([1.0, -0.5])
POPULATION = Gaussian(MEAN, VARIANCES)
KEY = jax.random.key(0)
N = 4000


def noised(time, scale=1.0):
    """Mean and variances of the noised law."""
    mu = np.exp(-np.asarray(time, np.float64))
    return mu * MEAN, mu**2 * VARIANCES + scale * (1 - mu**2)


def score(scale=1.0):
    def at(time, x):
        mu = jnp.exp(-time)
        return -(x - mu * MEAN.astype(x.dtype)) / (mu**2 * VARIANCES.astype(x.dtype) + scale * (1 - mu**2))

    return at


def agrees(samples, mean, variance):
    """Within 4.5 standard errors of a Gaussian's sample mean and variance, per coordinate."""
    samples = np.asarray(samples, np.float64)
    assert np.all(np.abs(samples.mean(0) - mean) < 4.5 * np.sqrt(variance / len(samples)))
    assert np.all(np.abs(samples.var(0) - variance) < 4.5 * variance * np.sqrt(2 / len(samples)))


@pytest.mark.parametrize("scale", [1.0, 0.3])
def test_the_flow_maps_quantiles_to_quantiles(scale):
    """The flow of a Gaussian is affine: (x − m_t)/s_t stays as it is."""
    x = jnp.array([0.7, -2.0])
    end = jax.jit(lambda x: probability_flow(score(scale), x, 1.5, 0.05, scale, tolerance=1e-6))(x)
    (first, before), (last, after) = noised(1.5, scale), noised(0.05, scale)
    np.testing.assert_allclose(end, last + (np.asarray(x) - first) * np.sqrt(after / before), rtol=2e-5)


def test_an_unfinished_flow_is_lost_not_wrong():
    assert jnp.isnan(probability_flow(score(), jnp.ones(2), 1.0, 0.01, max_steps=2)).all()


def test_the_reverse_equation_has_the_law_of_its_euler_recursion():
    times = time_grid(2.0, 0.1, 12)
    mean, variance = noised(2.0)
    keys = jax.random.split(KEY, N)
    starts = mean + np.sqrt(variance) * np.random.default_rng(0).normal(size=(N, 2))
    walk = jax.jit(jax.vmap(lambda key, x: reverse_sde(score(), key, x, times)))
    samples = walk(keys, starts.astype(np.float32))
    grid = np.asarray(times, np.float64)
    for time, step in zip(grid, -np.diff(grid), strict=False):
        centre, spread = noised(time)
        slope = 1 + step * (1 - 2 / spread)
        mean = slope * mean + 2 * step * centre / spread
        variance = slope**2 * variance + 2 * step
    agrees(samples, mean, variance)


@pytest.mark.parametrize("method", ["sde", "ode"])
def test_samples_from_gaussian_starts_have_the_noised_law_at_the_end(method):
    def draw(key):
        return sample_reverse_process(
            score(), key, N, 2, time_grid(5.0, 0.01, 400, spacing="log"), method=method
        )

    samples = jax.jit(draw)(KEY)
    mean, variance = noised(0.01)
    agrees(samples, mean, variance)
    assert samples.dtype == jnp.float32


@pytest.mark.parametrize("variance_kind", ["posterior", "forward"])
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_the_ancestral_sampler_has_the_law_of_its_recursion(variance_kind, scale):
    times = np.array([1.2, 0.9, 0.5, 0.3, 0.1, 0.0])
    mean, variance = noised(1.2, scale)
    starts = mean + np.sqrt(variance) * np.random.default_rng(1).normal(size=(N, 2))
    schedule = partial(ornstein_uhlenbeck, noise_scale=scale)
    walk = jax.vmap(lambda key, x: ancestral(score(scale), key, x, times, schedule, variance=variance_kind))
    samples = jax.jit(walk)(jax.random.split(KEY, N), starts.astype(np.float32))
    for time, earlier in itertools.pairwise(times):
        centre, spread = noised(time, scale)
        kept = np.exp(earlier - time)
        added = scale * (1 - kept**2)
        slope = (1 - added / spread) / kept
        mean = slope * mean + added * centre / spread / kept
        share = (1 - np.exp(-2 * earlier)) / (1 - np.exp(-2 * time)) if variance_kind == "posterior" else 1
        variance = slope**2 * variance + added * share
    agrees(samples, mean, variance)


def test_the_chain_of_the_source_ends_near_its_data_and_starts_in_noise():
    times = np.asarray(diffusion_times(1000), np.float64)
    betas = -np.expm1(-2 * -np.diff(times))[::-1]
    np.testing.assert_allclose(betas[[0, -1]], [1e-4, 0.02], rtol=2e-2)
    np.testing.assert_allclose(np.exp(-2 * times[0]), np.prod(1 - np.linspace(1e-4, 0.02, 1000)), rtol=1e-3)
    assert times[-1] == 0
    starts = jax.random.normal(KEY, (N, 2))
    walk = jax.vmap(lambda key, x: ancestral(score(), key, x, diffusion_times(1000)))
    samples = jax.jit(walk)(jax.random.split(KEY, N), starts)
    # 1,000 steps leave a bias of about 1 % in the variance, below the 10 % of the standard errors here.
    agrees(samples, MEAN, VARIANCES)


def test_the_empirical_score_gives_copies():
    data = jax.random.normal(jax.random.key(3), (4, 2))

    def optimum(time, x):
        return empirical_score(x, data, *ornstein_uhlenbeck(time))

    times = time_grid(3.0, 1e-4, 200, spacing="log")
    with jax.enable_x64(True):  # JAX batches the solver's loop after the score's own scope has closed
        found = sample_reverse_process(optimum, jax.random.key(0), 30, 2, times)
    assert found.dtype == jnp.float32
    gaps = np.linalg.norm(np.asarray(found)[:, None] - np.asarray(data), axis=-1).min(1)
    assert gaps.max() < 6 * np.sqrt(2e-4)  # the noise level at the end


def test_under_64_bit_types_nothing_changes():
    times = np.asarray(time_grid(1.0, 0.1, 5))
    walk = jax.jit(lambda x: reverse_sde(score(), KEY, x, times))
    narrow = walk(jnp.ones(2, jnp.float32))
    with jax.enable_x64(True):
        wide = walk(jnp.ones(2, jnp.float32))
    assert wide.dtype == jnp.float32
    np.testing.assert_allclose(wide, narrow, rtol=1e-5)


def test_bad_input_is_refused(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # it would refuse the last first
    with pytest.raises(ValueError, match=r"end must be a finite number above 0, got 0"):
        time_grid(1.0, 0.0)
    with pytest.raises(ValueError, match=r"times, reversed, must be strictly increasing"):
        reverse_sde(score(), KEY, np.ones(2), np.array([0.1, 1.0]))
    with pytest.raises(ValueError, match=r"method must be one of sde, ode, got 'euler'"):
        sample_reverse_process(score(), KEY, 1, 2, np.array([1.0, 0.1]), method="euler")
