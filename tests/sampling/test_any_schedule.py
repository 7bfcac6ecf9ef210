"""DDIM, Heun and the ancestral sampler on any noise schedule: Gaussian data, whose scores are exact."""

import itertools
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest

from jaxmem.noising import (
    BetaChain,
    NoiseLevel,
    OrnsteinUhlenbeckLevels,
    StraightPath,
    UniformNoise,
    ornstein_uhlenbeck,
)
from jaxmem.sampling import ancestral, denoising_implicit, heun, time_grid

MEAN, VARIANCE = 0.8, 0.3
KEY = jax.random.key(0)
N = 4000


class Case(NamedTuple):
    """A schedule, its levels by their formula in NumPy's float64, and where walks start and end."""

    schedule: Callable
    levels: Callable
    start: float
    end: float


def chain(time):
    log_alpha = np.cumsum(np.log1p(-np.linspace(1e-4, 0.02, 1000)))
    signal = np.exp(np.interp(time, np.arange(1001), np.append(0, log_alpha)))
    return np.sqrt(signal), np.sqrt(1 - signal)


CASES = {
    "Ornstein–Uhlenbeck": Case(
        OrnsteinUhlenbeckLevels([1.0], noise_scale=0.5),
        lambda t: (np.exp(-t), np.sqrt(0.5 * (1 - np.exp(-2 * t)))),
        2.0,
        0.05,
    ),
    "β chain": Case(BetaChain(), chain, 1000, 40),
    "straight": Case(StraightPath(), lambda t: (1 - t, t), 0.95, 0.05),
    "μ = 1": Case(UniformNoise(), lambda t: (np.ones_like(t), t), 8.0, 0.1),
}


def gaussian_score(schedule, variance=VARIANCE, mean=MEAN):
    def score(time, x):
        mu, sigma = schedule(time)
        return -(x - mu * mean) / (mu**2 * variance + sigma**2)

    return score


def denoised(mu, sigma):
    """E[x_0 | x] = slope x + offset, by conditioning two jointly Gaussian numbers."""
    slope = mu * VARIANCE / (mu**2 * VARIANCE + sigma**2)
    return slope, MEAN - slope * mu * MEAN


def implicit_by_hand(levels, times, mean, variance, eta):
    """Mean, variance of x' = μ' x̂_0 + a (x − μ x̂_0)/σ + b z; a, b from Bayes' rule for x' given x and x_0."""
    factor = 1.0
    for (mu, sigma), (next_mu, next_sigma) in itertools.pairwise(zip(*levels(times), strict=True)):
        slope, offset = denoised(mu, sigma)
        step = mu / next_mu
        added = sigma**2 - step**2 * next_sigma**2
        posterior = 0.0 if next_sigma == 0 else 1 / (1 / next_sigma**2 + step**2 / added)
        a, b = np.sqrt(next_sigma**2 - eta**2 * posterior), eta * np.sqrt(posterior)
        gain = next_mu * slope + a * (1 - mu * slope) / sigma
        mean = gain * mean + (next_mu - a * mu / sigma) * offset
        variance = gain**2 * variance + b**2
        factor *= gain
    return mean, variance, factor


def heun_by_hand(levels, times, x):
    """Algorithm 1 of arXiv 2206.00364 in its own coordinates, x/μ and noise per signal."""
    mu, sigma = levels(times)
    scaled = x / mu[0]
    for t, later in itertools.pairwise(sigma / mu):

        def slope(x, t):
            return (x - MEAN) * t / (VARIANCE + t**2)  # (x − D(x; t))/t

        first = slope(scaled, t)
        guess = scaled + (later - t) * first
        scaled = guess if later == 0 else scaled + (later - t) * (first + slope(guess, later)) / 2
    return mu[-1] * scaled


def flow_by_hand(levels, times, x):
    """The flow of Gaussian data keeps (x − mean)/(standard deviation)."""
    (mu, sigma), (next_mu, next_sigma) = (levels(t) for t in (times[0], times[-1]))
    ratio = np.sqrt((next_mu**2 * VARIANCE + next_sigma**2) / (mu**2 * VARIANCE + sigma**2))
    return next_mu * MEAN + ratio * (x - mu * MEAN)


@pytest.mark.parametrize("name", CASES)
def test_the_deterministic_steps_are_those_of_the_definitions(name):
    """Step by step in float64, to a last time with and without noise, one point and a batch."""
    schedule, levels, start, end = CASES[name]
    score = gaussian_score(schedule)
    x = np.array([-1.3, 0.2, 2.0])
    with jax.enable_x64(True):
        for last in (end, 0.0):
            times = np.append(np.linspace(start, end, 8), last) if last == 0 else np.linspace(start, end, 8)

            @jax.jit
            @partial(jax.vmap, in_axes=(0, None))
            def both(x, times):
                return denoising_implicit(score, KEY, x, times, schedule), heun(score, x, times, schedule)

            ddim, found = both(x[:, None], times)
            by_hand = np.array([implicit_by_hand(levels, times, one, 0.0, 0.0)[0] for one in x])
            np.testing.assert_allclose(ddim[:, 0], by_hand, rtol=1e-12)
            np.testing.assert_allclose(found[:, 0], heun_by_hand(levels, times, x), rtol=1e-12)
        slope = implicit_by_hand(levels, times, 0.0, 0.0, 0.0)[2]
        np.testing.assert_allclose((ddim[2] - ddim[0]) / (x[2] - x[0]), slope, rtol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_the_orders_of_the_methods_are_one_and_two(name):
    """Of the recursions that the test above holds the samplers to: errors over halved steps."""
    _, levels, start, end = CASES[name]
    methods = {
        1: lambda times, x: implicit_by_hand(levels, times, x, 0.0, 0.0)[0],
        2: lambda times, x: heun_by_hand(levels, times, x),
    }
    for order, method in methods.items():
        grids = [np.linspace(start, end, steps + 1) for steps in (480, 960)]  # whole times of the chain
        errors = [abs(method(times, -1.3) - flow_by_hand(levels, times, -1.3)) for times in grids]
        assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.01)


@pytest.mark.parametrize("name", CASES)
def test_noisy_steps_have_the_law_of_their_recursion(name):
    schedule, levels, start, end = CASES[name]
    times = np.append(np.linspace(start, end, 6), 0.0)
    mean, variance = 0.3, 1.7
    starts = mean + np.sqrt(variance) * jax.random.normal(jax.random.key(1), (N, 1))

    @jax.jit
    @partial(jax.vmap, in_axes=(0, 0, None))
    def walk(key, x, eta):
        return denoising_implicit(gaussian_score(schedule), key, x, times, schedule, eta=eta)

    for eta in (0.6, 1.0):
        samples = np.asarray(walk(jax.random.split(KEY, N), starts, eta), np.float64)
        expected_mean, expected_variance, _ = implicit_by_hand(levels, times, mean, variance, eta)
        assert abs(samples.mean() - expected_mean) < 4.5 * np.sqrt(expected_variance / N)
        assert abs(samples.var() / expected_variance - 1) < 4.5 * np.sqrt(2 / N)


@pytest.mark.parametrize("name", CASES)
def test_full_noise_is_the_ancestral_sampler(name):
    schedule, _, start, end = CASES[name]
    times = np.append(np.linspace(start, end, 6), 0.0).astype(np.float32)
    score = gaussian_score(schedule)
    x = jnp.array([1.0, -2.0])
    ours = denoising_implicit(score, KEY, x, times, schedule, eta=1.0)
    np.testing.assert_allclose(ours, ancestral(score, KEY, x, times, schedule), rtol=1e-4)
    assert ours.dtype == jnp.float32


def test_data_at_a_point_are_found():
    schedule = ornstein_uhlenbeck
    point, x = jnp.array([2.0, -1.0]), jnp.array([0.3, 0.4])

    def score(time, x):
        mu, sigma = schedule(time)
        return (mu * point - x) / sigma**2

    times = np.array([1.5, 0.7, 0.1, 0.0])
    for eta in (0.0, 0.5):
        np.testing.assert_allclose(denoising_implicit(score, KEY, x, times, eta=eta), point, rtol=1e-5)
    np.testing.assert_allclose(heun(score, x, times), point, rtol=1e-5)
    # on the way the noise stays what it was, in units of its level
    (mu, sigma), (next_mu, next_sigma) = schedule(1.5), schedule(0.1)
    expected = next_mu * point + next_sigma / sigma * (x - mu * point)
    times = times[:-1]
    np.testing.assert_allclose(denoising_implicit(score, KEY, x, times), expected, rtol=1e-5)
    np.testing.assert_allclose(heun(score, x, times), expected, rtol=1e-5)


def test_float32_keeps_the_digits_of_small_times():
    """Of data at 0 what is left is x σ'/σ, down to where e^-2t rounds to 1."""
    times = time_grid(1.0, 1e-9, 60, spacing="log")
    score = gaussian_score(ornstein_uhlenbeck, variance=0.0, mean=0.0)
    x = jnp.ones(1)
    expected = float(ornstein_uhlenbeck(1e-9).sigma / ornstein_uhlenbeck(1.0).sigma)
    for found in (denoising_implicit(score, KEY, x, times), heun(score, x, times)):
        assert found.dtype == jnp.float32
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_score_is_never_asked_where_there_is_no_noise():
    seen = []

    def score(time, x):
        jax.debug.callback(lambda t: seen.append(float(t)), time)
        return -x

    x = jnp.ones((2, 1))
    jax.vmap(lambda x: heun(score, x, np.array([1.0, 0.5, 0.0])))(x).block_until_ready()
    jax.effects_barrier()
    assert sorted(set(seen)) == [0.5, 1.0]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"eta": 1.5}, r"eta must be a finite number at least 0 and at most 1, got 1\.5"),
        ({"times": [0.1, 1.0]}, "times, reversed, must be strictly increasing"),
        ({"times": [1.0]}, "times must hold at least 2 values, got 1"),
        ({"times": [1.0, 0.5]}, "schedule has mu above 0, got mu = 0 at time 1: without signal"),
        ({"times": [0.9, 0.0, -0.1]}, "sigma above 0, or 0 at the last, got sigma = 0 at time 0"),
        ({"schedule": 0.5}, r"schedule must be a function of time that gives \(mu, sigma\), got 0\.5"),
        ({"schedule": lambda t: NoiseLevel(1.0, 1.0)}, "less noise per signal.* time 0.1 than at 0.9"),
    ],
)
def test_bad_input_is_refused(monkeypatch, fields, sentence):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    given = SimpleNamespace(**{"times": [0.9, 0.1], "schedule": StraightPath(), "eta": 0.0} | fields)
    score = gaussian_score(StraightPath())

    def walk(x):
        return denoising_implicit(score, KEY, x, given.times, given.schedule, eta=given.eta)

    with pytest.raises(ValueError, match=sentence):
        jax.jit(walk)(jnp.ones(1))  # known numbers are looked at inside the caller's jit too
    if given.eta == 0:
        with pytest.raises(ValueError, match=sentence):
            heun(score, jnp.ones(1), given.times, given.schedule)
