"""System S4: what is seen of a network along its training, and the times that are read off it."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.distance import cdist
from typechecking import unchecked

import jaxmem
from jaxmem.metrics import authenticity
from jaxmem.noising import BetaChain
from jaxmem.numerics.randomness import stream
from jaxmem.populations import PopulationSettings
from jaxmem.studies import TrainingDynamics
from jaxmem.studies._networks import Layout, draw_network
from jaxmem.studies._turning_points import first_crossing, turning_points

SMALL = {
    "samples": (12, 40),
    "widths": (16,),
    "population": PopulationSettings(mean=0.5, variance=0.3),
    "dim": 3,
    "network": "residual",
    "steps": 60,
    "snapshots": 4,
    "test_samples": 10,
    "generated_size": 12,
    "sampling_steps": 10,
    "learning_rate": 0.01,
}


@pytest.fixture(scope="module")
def study():
    return TrainingDynamics(**SMALL, average_decay=0.9)


@pytest.fixture(scope="module")
def found(study):
    return jaxmem.sweep(study, replicates=2, seed=3)


def test_variables_and_coordinates(study, found):
    grid = ("samples", "network_width", "step", "replicate")
    for name in ("train_loss", "memorised_fraction", "memorised_fraction_test", "sliced_wasserstein_test"):
        assert found[name].dims == grid
    assert found["test_loss_by_level_averaged"].dims == (*grid[:3], "noise_level", "replicate")
    assert set(study.variables()) <= set(found)
    assert found["step"].values[[0, -1]].tolist() == [10, 60]
    np.testing.assert_allclose(found["steps_per_sample"], (1 / found["samples"]) * found["step"])
    np.testing.assert_array_equal(found["noise_level"], np.arange(50, 1000, 100))
    assert found["memorisation_time"].attrs["power_law_over"] == "samples"
    several = dataclasses.replace(study, samples=(40,), learning_rate=(0.001, 0.01))
    assert several.variables()["memorisation_time"].power_law_over == "learning_rate"


def test_training_lowers_the_losses_and_the_average_lags(found):
    """Mean over replicates; the average of the weights is behind the weights while they improve."""
    for name in ("train_loss", "test_loss"):
        curves = found[name].mean(("replicate", "samples")).squeeze()
        behind = found[f"{name}_averaged"].mean(("replicate", "samples")).squeeze()
        assert curves[-1] < 0.8 * curves[0]
        assert (behind > curves)[:2].all()
    floor = found["train_loss_floor"]
    assert (floor < found["train_loss"]).all()
    assert (floor.isel(samples=0) < floor.isel(samples=1)).all()  # fewer samples are easier to tell apart
    assert ((found["test_loss_floor"] > 0.1) & (found["test_loss_floor"] < found["test_loss"][:, :, 0])).all()


def test_times_are_those_of_the_stored_curves(study, found):
    """Straight lines over log time, by NumPy; copies are counted over those of the test samples."""
    steps = found["step"].values
    one = found.isel(samples=0, network_width=0, replicate=1)
    distance = one["sliced_wasserstein_test"].values
    least = distance.min()
    reached = np.argmax(distance <= 1.05 * least)
    share = (distance[reached - 1] - 1.05 * least) / (distance[reached - 1] - distance[reached])
    expected = steps[reached - 1] * (steps[reached] / steps[reached - 1]) ** share
    assert one["generalisation_time"] == pytest.approx(expected, rel=1e-6)
    assert one["first_minimum"] == pytest.approx(least)
    copied = one["memorised_fraction"] - one["memorised_fraction_test"]
    assert bool(np.isinf(one["memorisation_time"])) == bool((copied < 0.1).all())


def given(rows):
    with unchecked():
        return PopulationSettings(samples=rows)


def numbers(key, *shape):
    return np.asarray(jax.random.normal(key, shape, jnp.float32), np.float64)


def curved(rows):
    """Features of two numbers, of which one tells nothing that the pixels do not."""
    return jnp.stack([rows[:, 0] ** 2, rows[:, 1]], 1)


def summed(rows):
    """No row for each row."""
    return rows.sum()


def untraceable(rows):
    """NumPy does not go through jit."""
    return np.sort(np.asarray(rows), 1)


def test_losses_and_samples_by_hand(study):
    """With the population's score, from the streams that the draws must come from."""
    exact = dataclasses.replace(
        study, network="population", average_decay=None, features=f"{__name__}:curved"
    )
    key = jaxmem.replicate_key(3, 1)
    found = jaxmem.sweep(exact, replicates=2, seed=3).isel(samples=0, network_width=0, replicate=1)
    train, test = (
        0.5 + 0.3**0.5 * numbers(stream(stream(key, name), "population"), rows, 3)
        for name, rows in (("train", 40), ("test", 10))
    )
    looks = stream(key, "looks")
    kept = np.concatenate([[1.0], np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))])

    def score(k, x):
        return -(x - kept[k] ** 0.5 * 0.5) / (0.3 * kept[k] + 1 - kept[k])

    for split, rows in {"train": train[:10], "test": test}.items():
        losses = []
        for k in range(50, 1000, 100):
            normal = numbers(stream(looks, f"{split} loss", k), 10, 3)
            sigma = (1 - kept[k]) ** 0.5
            residual = sigma * score(k, kept[k] ** 0.5 * rows + sigma * normal) + normal
            losses.append((residual**2).mean())
        np.testing.assert_allclose(found[f"{split}_loss_by_level"][2], losses, rtol=1e-4)
        np.testing.assert_allclose(found[f"{split}_loss"][0], np.mean(losses), rtol=1e-4)
    x = (1 - kept[1000]) ** 0.5 * numbers(stream(looks, "start"), 12, 3)
    for k in range(1000, 0, -100):
        (mu, sigma), (mu_next, sigma_next) = ((kept[j] ** 0.5, (1 - kept[j]) ** 0.5) for j in (k, k - 100))
        noise = -sigma * score(k, x)
        x = mu_next * (x - sigma * noise) / mu + sigma_next * noise
    for name, rows in {"memorised_fraction": x, "memorised_fraction_test": test}.items():
        two = np.sort(cdist(rows, train[:12]), 1)
        np.testing.assert_allclose(found[name], (two[:, 0] < two[:, 1] / 3).mean())
    np.testing.assert_allclose(found["test_loss"][0], found["test_loss_floor"], rtol=1e-6)
    for suffix, features in {"": np.asarray, "_features": curved}.items():
        ours, own = features(x), features(train)
        for split, rows in {"train": own[:10], "test": features(test)}.items():
            distance = found[f"frechet{suffix}_{split}"][0]
            trace = np.trace(np.cov(ours.T) + np.cov(rows.T))
            product = np.linalg.eigvals(np.cov(ours.T) @ np.cov(rows.T))
            expected = ((ours.mean(0) - rows.mean(0)) ** 2).sum() + trace - 2 * np.sqrt(product.real).sum()
            np.testing.assert_allclose(distance, expected, rtol=1e-3)
        values = [authenticity(rows, own[:12]).value for rows in (ours, features(test))]
        np.testing.assert_allclose(found[f"authenticity{suffix}"][0], values[0])
        np.testing.assert_allclose(found[f"authenticity{suffix}_test"], values[1])
    assert not np.allclose(found["authenticity"], found["authenticity_features"])
    apart = found["test_loss_by_level"][0] - found["train_loss_by_level"][0]
    assert np.isinf(found["divergence_time_by_level"][np.asarray(apart) < 0]).all()


def test_the_empirical_optimal_score_copies_from_the_first_step_on(study):
    exact = dataclasses.replace(
        study, network="empirical", samples=(40,), generated_size=40, test_samples=40, sampling_steps=250
    )
    found = jaxmem.sweep(exact, replicates=2)
    assert (found["memorised_fraction"] > 0.9).all()
    np.testing.assert_allclose(found["memorisation_time"], found["step"][0], rtol=1e-6)
    assert (found["sliced_wasserstein_train"] < found["sliced_wasserstein_test"]).all()
    np.testing.assert_allclose(found["train_loss"].isel(step=0), found["train_loss_floor"], rtol=1e-6)


def test_no_test_sample_is_trained_on():
    rows = np.arange(30.0)[:, None] + np.zeros((1, 3))
    study = TrainingDynamics(**SMALL | {"population": given(rows), "samples": (20,)})
    train, test = study._split(jax.random.key(0), study.population.build(3), 20)
    assert sorted([*np.asarray(train)[:, 0], *np.asarray(test)[:, 0]]) == list(range(30))
    assert "test_loss_floor" not in study.variables()


def mine(key, size, width):
    return lambda time, x: width * time * x


def test_a_network_of_ones_own():
    name = f"{__name__}:mine"
    study = TrainingDynamics(**SMALL | {"network": name})
    assert study.configuration()["network"] == name
    settings = {"shortest_time": 1e-3, "layout": Layout(), "time_unit": 1000.0}
    score = draw_network(name, jax.random.key(0), 3, 16, BetaChain(), **settings)
    sigma = BetaChain()(500.0).sigma
    np.testing.assert_allclose(score(jnp.float32(500), jnp.ones(3)), -0.5 * 16 / sigma, rtol=1e-6)


def test_turning_points():
    times = jnp.array([1.0, 2, 4, 8, 16, 32, 64])
    double = jnp.array([3.0, 1.0, 1.02, 1.5, 1.49, 1.0, 0.5])
    np.testing.assert_allclose(turning_points(times, double, 0.05), [1.0, 2, 1.5, 8])
    falling = jnp.array([3.0, 2, 1, 0.9, 0.91, 0.8, np.nan])
    low, low_time, high, high_time = turning_points(times, falling, 0.05)
    assert (low, low_time, high_time) == (pytest.approx(0.8), 32, np.inf)
    assert np.isnan(high)
    np.testing.assert_allclose(turning_points(times, double, 0.6)[:2], [0.5, 64])  # no turn is that large
    assert first_crossing(times, double, jnp.array(1.25)) == 1


def test_bad_input_is_refused():
    def sentence(match, **settings):
        with pytest.raises(ValueError, match=match):
            TrainingDynamics(**SMALL | settings)

    sentence(r"network must be residual, or one's own, for data that are no square", network="u-net")
    sentence("network must be module:function of an importable module", network="no.such:thing")
    sentence("test_samples must be a whole number of at least 1 and at most 12, got 13", test_samples=13)
    sentence(
        "network must be one of u-net, residual, empirical, got 'population'",
        network="population",
        population=given(np.eye(60)[:, :3] + np.arange(60)[:, None]),
    )
    sentence(
        "test_samples must leave",
        population=given(np.arange(120.0).reshape(40, 3)),
    )
    sentence("features must be module:function of an importable", features="no.such:thing")
    sentence(r"features must return .m, k. for rows .m, 3.", features=f"{__name__}:summed")
    sentence("features must take rows .m, 3. under jax.jit; it fails", features=f"{__name__}:untraceable")
    sentence("batch_size must be a whole number of at least 1, got 0", batch_size=0)
    sentence("tolerance must be a finite number above 0 and below 1, got 1", tolerance=1)
    sentence("sampling_steps must be a whole number", sampling_steps=2_000)
