"""Nonlinear P(Δ > 0): the exact scores are its two ends, and a trained network lies between them."""

import dataclasses

import jax
import numpy as np
import pytest

import jaxmem
from jaxmem.noising import ornstein_uhlenbeck
from jaxmem.populations import PopulationSettings
from jaxmem.studies import NonlinearOnset
from jaxmem.studies.nonlinear_onset import Shape

SMALL = {"dims": (4,), "loads": (2.0, 8.0), "widths": (8,), "generated_size": 60, "reference_size": 200}
TRAINED = NonlinearOnset(**SMALL, steps=200, levels=15)

UNTRAINED = np.exp(TRAINED.start) - 1
"""Distance to the population, N(0, I), under the zero score: the reverse process expands its start by e^T."""


@pytest.fixture(scope="module")
def trained():
    return jaxmem.sweep(TRAINED, replicates=5, seed=1, chunk_size=5)


def test_variables_and_coordinates(trained):
    assert set(TRAINED.variables()) <= set(trained)
    assert trained["delta"].dims == ("dim", "load", "network_width", "replicate")
    np.testing.assert_array_equal(trained["n"], [[8, 32]])
    # embedding of x and 16 sines and cosines, two blocks of two matrices and a bias, readout
    np.testing.assert_array_equal(trained["parameters"], [[8 * 20 + 2 * (2 * 64 + 8) + 4 * 8]])
    assert (trained["diverged"] == 0).all()
    for name in TRAINED.variables():
        assert np.isfinite(trained[name]).all()


def test_a_replicate_depends_neither_on_its_batch_nor_on_padding(trained):
    point, key = {"dim": 4, "load": 2.0, "network_width": 8}, jaxmem.replicate_key(1, 3)
    alone = jax.jit(lambda key: TRAINED.simulate(key, point, shape=Shape(4, 50, 8)))(key)
    for name, value in alone.items():
        # 200 steps of Adam carry float32 rounding along
        np.testing.assert_allclose(trained[name].sel(point)[3], value, rtol=1e-2, atol=1e-3)


def test_training_brings_the_samples_nearer(trained):
    assert (trained["sliced_wasserstein_population"].sel(load=8.0) < 0.2 * UNTRAINED).all()


def test_the_empirical_optimal_score_copies():
    # at t = 0.01 two of 32 samples in R^4 may still share a posterior
    study = NonlinearOnset(**SMALL, score="empirical", levels=20, end=1e-4)
    found = jaxmem.sweep(study, replicates=5)
    assert (found["memorised_fraction"] == 1).all()
    for name in (
        "delta",
        "delta_marginal",
        "delta_sliced_wasserstein",
        "delta_maximum_mean_discrepancy",
    ):
        assert (found[name] < 0).all()
    assert (found["parameters"] == 0).all()


def test_the_exact_score_of_the_population_knows_no_train_set():
    """Then train set and n fresh samples are exchangeable: P(Δ > 0) = 1/2 for those that compare them."""
    study = NonlinearOnset(
        **SMALL | {"loads": (8.0,)},
        score="population",
        levels=15,
        population=PopulationSettings(components=2, separation=2.0),
    )
    found = jaxmem.sweep(study, replicates=200)
    for name in ("delta_sliced_wasserstein", "delta_maximum_mean_discrepancy"):
        assert abs((found[name] > 0).mean() - 0.5) < 4.5 * 0.5 / np.sqrt(200)
    assert found["memorised_fraction"].mean() < 0.1
    assert (found["delta"] > 0).mean() > 0.5
    # 200 replicates of 60 samples: the reverse process ends in the population
    to_train, to_population = found["sliced_wasserstein_train"], found["sliced_wasserstein_population"]
    np.testing.assert_allclose(to_train.mean(), to_population.mean(), rtol=0.05)


@pytest.mark.parametrize("sampler", ["ancestral", "sde", "ode"])
def test_every_sampler_generates_the_population(sampler):
    """N(0, 1/4), narrower than the start; the SDE and the ODE leave the noise of time 0.01."""

    def score(time, x):
        mu, sigma = ornstein_uhlenbeck(time)
        return -x / (0.25 * mu**2 + sigma**2)

    study = NonlinearOnset(**SMALL | {"generated_size": 1_000}, sampler=sampler, levels=60)
    samples = jax.jit(lambda key: study._generate(key, score, 4))(jax.random.key(2))
    variance = 0.25 if sampler == "ancestral" else 0.25 * np.exp(-0.02) - np.expm1(-0.02)
    assert abs(samples.mean()) < 4.5 * np.sqrt(variance / samples.size)
    # Euler's 60 steps leave a bias of a few per cent in the variance.
    assert samples.var() == pytest.approx(variance, rel=4.5 * np.sqrt(2 / samples.size) + 0.05)


def test_ddim_is_the_discrete_sampler_with_less_noise_and_heun_its_limit():
    """From the same starts, with the score of N(0, 1/4)."""
    study = NonlinearOnset(**SMALL | {"generated_size": 1000}, levels=30)

    def score(time, x):
        return -x / (1 - 0.75 * jax.numpy.exp(-2 * time))

    def generated(**fields):
        sampler = dataclasses.replace(study, **fields)
        return np.asarray(jax.jit(lambda key: sampler._generate(key, score, 4))(jax.random.key(0)))

    noisy, half, none = (generated(sampler="ddim", eta=eta) for eta in (1.0, 0.5, 0.0))
    np.testing.assert_allclose(noisy, generated(), atol=1e-5)
    flow = generated(sampler="heun")
    correlations = [np.corrcoef(x.ravel(), flow.ravel())[0, 1] for x in (noisy, half, none)]
    assert correlations[0] < correlations[1] < 0.99
    assert correlations[2] > 1 - 1e-6
    assert abs(flow.var() / 0.25 - 1) < 4.5 * np.sqrt(2 / flow.size)


def test_the_flow_of_the_empirical_score_copies():
    study = NonlinearOnset(**SMALL, score="empirical", levels=20, end=1e-4, sampler="ode")
    assert (jaxmem.sweep(study, replicates=2)["memorised_fraction"] > 0.95).all()


def test_a_two_layer_network_is_trained_too():
    small = SMALL | {"loads": (8.0,), "widths": (32,)}
    study = NonlinearOnset(**small, score="two-layer", steps=200, levels=15, learning_rate=0.1)
    found = jaxmem.sweep(study, replicates=4, seed=1)
    # five inputs and a bias a neuron, four outputs
    np.testing.assert_array_equal(found["parameters"], [[32 * (5 + 1 + 4)]])
    assert (found["diverged"] == 0).all()
    assert (found["sliced_wasserstein_population"] < 0.1 * UNTRAINED).all()


def test_the_exact_score_of_a_sphere_generates_it():
    study = NonlinearOnset(
        **SMALL | {"loads": (8.0,)}, score="population", levels=15, sphere_dim=(1, 3), end=1e-3
    )
    found = jaxmem.sweep(study, replicates=20)
    assert found["delta"].sizes["sphere_dim"] == 2
    to_train, to_population = found["sliced_wasserstein_train"], found["sliced_wasserstein_population"]
    error = (to_train - to_population).std("replicate") / np.sqrt(20)
    assert (abs((to_train - to_population).mean("replicate")) < 4.5 * error).all()
    # 32 against 60 samples on spheres of variance 1: of the order of 1/√32, far under that of copies of one
    assert (to_population < 0.6).all()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"dims": (0,)}, "dims must be a whole number of at least 1, got 0"),
        ({"widths": (0, 4)}, "widths must be a whole number of at least 1, got 0"),
        ({"widths": (8, 4)}, "widths must be strictly increasing"),
        ({"loads": (0.1,)}, "loads must give from 2 to reference_size = 1000 samples, got 0.1"),
        ({"reference_size": 20}, "loads must give from 2 to reference_size = 20 samples, got 4,"),
        ({"learning_rate": 0.0}, "learning_rate must be a finite number above 0"),
        ({"start": 0.005}, "start must be a finite number above 0.01"),
        ({"sampler": "heun", "eta": 0.5}, "eta must be 0 for all samplers but ddim, got 0.5 for heun"),
        ({"sampler": "ddim", "eta": 2.0}, "eta must be a finite number at least 0 and at most 1, got 2"),
        ({"levels": 1}, "levels must be a whole number of at least 2, got 1"),
        ({"sphere_dim": (2, 8)}, "sphere_dim must be a whole number of at least 1 and at most 7, got 8"),
        ({"sphere_dim": 2, "population": PopulationSettings(mean=1.0)}, "sphere_dim must be left out"),
        ({"population": PopulationSettings(variance=-1.0)}, "variance must be"),
    ],
)
def test_bad_input_is_refused(fields, sentence):
    with pytest.raises(ValueError, match=sentence):
        NonlinearOnset(**fields)
