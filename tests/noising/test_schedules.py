"""Schedules against NumPy, and what their draws follow."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmem.noising import BetaChain, OrnsteinUhlenbeckLevels, SingleLevel, StraightPath, UniformNoise
from jaxmem.scores import Fixed, NoisePrediction, partition_trainable

DRAWS = 50_000
OU_TIMES = np.linspace(0.05, 2, 40)
SCHEDULES = {
    "ornstein-uhlenbeck": OrnsteinUhlenbeckLevels(OU_TIMES, 0.5, 2.0),
    "chain": BetaChain(200),
    "straight": StraightPath(),
    "uniform": UniformNoise(0.1, 2.0),
}


def levels(name, time):
    """(μ, σ, w) in float64."""
    if name == "ornstein-uhlenbeck":
        sigma = np.sqrt(0.5 * (1 - np.exp(-2 * time)))
        return np.exp(-time), sigma, sigma**2
    if name == "chain":
        kept = np.cumprod(1 - np.linspace(1e-4, 0.02, 200))[np.rint(time).astype(int) - 1]
        return np.sqrt(kept), np.sqrt(1 - kept), 1 - kept
    if name == "straight":
        return 1 - time, time, (time / (1 - time)) ** 2
    return np.ones_like(time), time, time**4


@pytest.mark.parametrize("name", SCHEDULES)
def test_levels_and_weights(name):
    schedule = SCHEDULES[name]
    drawn = schedule.draw(jax.random.key(0), DRAWS)
    time = np.asarray(drawn.times, np.float64)
    for ours, theirs in zip((drawn.mu, drawn.sigma, drawn.weight), levels(name, time), strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, rtol=2e-4)
    at_once = schedule(drawn.times[:5])
    np.testing.assert_allclose(at_once.mu, drawn.mu[:5], rtol=1e-6)
    np.testing.assert_allclose(at_once.sigma, drawn.sigma[:5], rtol=1e-6)
    with jax.enable_x64(True):
        exact = schedule(time[:5])
        assert exact.sigma.dtype == np.float64
        np.testing.assert_allclose(exact, levels(name, time[:5])[:2], rtol=1e-12 if name != "chain" else 1e-9)


def test_times_are_drawn_as_said():
    """Index of the chain and t of the path uniform, by their quantiles (Kolmogorov–Smirnov, 5e-5 level)."""
    drawn = {name: np.asarray(SCHEDULES[name].draw(jax.random.key(1), DRAWS).times) for name in SCHEDULES}
    assert set(drawn["chain"]) == set(range(1, 201))
    shares = {
        "chain": (drawn["chain"] - np.random.default_rng(0).uniform(size=DRAWS)) / 200,
        "straight": (drawn["straight"] - 1e-3) / (1 - 2e-3),
        "uniform": (drawn["uniform"] - 0.1) / 1.9,
    }
    for share in shares.values():
        gap = np.abs(np.sort(share) - (np.arange(DRAWS) + 0.5) / DRAWS).max()
        assert gap < 2.4 / DRAWS**0.5
    sigma = np.sqrt(1 - np.exp(-2 * OU_TIMES))
    expected = DRAWS * sigma / sigma.sum()
    counts = np.bincount(np.abs(drawn["ornstein-uhlenbeck"][:, None] - OU_TIMES).argmin(1), minlength=40)
    assert np.abs((counts - expected) / np.sqrt(expected)).max() < 4.5


def test_the_signal_left_at_the_end_of_the_chain():
    assert BetaChain()(1000).mu ** 2 == pytest.approx(4.04e-5, rel=1e-2)
    assert BetaChain(200)(200).mu ** 2 == pytest.approx(0.13, abs=5e-3)
    assert BetaChain()(0).sigma == 0
    between, ends = BetaChain()(10.5).mu, np.asarray(BetaChain()(jnp.array([10.0, 11.0])).mu)
    np.testing.assert_allclose(between**2, ends.prod(), rtol=1e-6)


def test_a_single_level_has_no_time():
    drawn = SingleLevel(0.8, 0.6, 2.0).draw(jax.random.key(0), 3)
    assert drawn.times is None
    np.testing.assert_allclose(drawn.weight, 0.36 * np.ones(3), rtol=1e-6)


def test_schedules_inside_a_model_are_not_trained():
    trained, _ = partition_trainable(NoisePrediction(Fixed(jnp.ones(2)), SCHEDULES["ornstein-uhlenbeck"]))
    assert jax.tree.leaves(trained) == []


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"first must be a finite number above 0 and at most 0.02, got 0.5"):
        BetaChain(first=0.5)
    with pytest.raises(ValueError, match=r"steps must be a whole number of at least 1, got 0"):
        BetaChain(0)
    with pytest.raises(ValueError, match=r"last must be a finite number above 0 and below 1, got 1"):
        StraightPath(last=1.0)
    with pytest.raises(ValueError, match=r"least must be a finite number at least 0 and below 0.5, got 0.7"):
        UniformNoise(0.7, 0.5)
    with pytest.raises(ValueError, match=r"times must be a finite number above 0, got 0"):
        OrnsteinUhlenbeckLevels([0.0, 1.0])
    with pytest.raises(ValueError, match=r"sigma must be a finite number above 0, got"):
        SingleLevel(0.8, 0.0)
