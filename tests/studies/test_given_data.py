"""Studies follow the data they are given: dimension, loads, spectrum and theory."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.datasets import load_digits

from jaxmem.cli import main
from jaxmem.metrics import gaussian_distances, kernel_gap
from jaxmem.numerics.randomness import stream
from jaxmem.populations import GivenArray, PopulationSettings
from jaxmem.scores import fit_one_step_denoiser, generated_law
from jaxmem.studies import (
    DenoiserConvergence,
    KernelOnset,
    LinearOverlaps,
    NonlinearOnset,
    ReverseSteps,
    TrainingDynamics,
)
from jaxmem.studies._eigenbasis import train_sets
from jaxmem.studies._given_data import held_out_split
from jaxmem.studies._image_spectrum import image_spectrum

DIGITS = PopulationSettings(images="digits")
PATCHES = PopulationSettings(images="photographs", image_size=8)
FIELD = PopulationSettings(images="field", spectrum_exponent=3.0, spikes=(9.0,), spike_patterns="localised")
COVARIANCE = PopulationSettings(covariance=GivenArray.from_array(np.eye(7)))
ROWS = GivenArray.from_array(np.random.default_rng(0).normal(size=(30, 4)))


def test_dims_and_loads_follow_what_is_given():
    study = LinearOverlaps(population=DIGITS)
    assert study.dims == (64,)
    assert study.loads == (0.05, 0.1, 0.2, 0.5, 0.8, 1.0, 1.25, 2.0, 4.0, 8.0)  # 2 · 16 · 64 exceed 1,797
    assert ReverseSteps(population=PopulationSettings(images="digits", image_size=4)).dims == (16,)
    assert LinearOverlaps(population=PopulationSettings(samples=ROWS), loads=(1.0,)).dims == (4,)
    assert KernelOnset(population=COVARIANCE).dims == (7,)
    assert NonlinearOnset(population=FIELD, loads=(0.5,)).dims == (64,)
    assert LinearOverlaps(population=FIELD, dims=(16, 64)).dims == (16, 64)
    assert LinearOverlaps().dims == (50, 100, 200)


@pytest.mark.parametrize(
    ("study", "values", "sentence"),
    [
        (LinearOverlaps, {"population": DIGITS, "dims": (50,)}, "dims must be 64, the pixels of images of"),
        (LinearOverlaps, {"population": DIGITS, "loads": (16.0,)}, "loads must leave two disjoint sets"),
        (
            KernelOnset,
            {"population": DIGITS, "loads": (20.0,)},
            "reference_size must leave 1280 samples to train on.* 1797 there are, got 898, which leave 899",
        ),
        (
            NonlinearOnset,
            {"population": DIGITS, "reference_size": 1_700, "loads": (4.0,)},
            "reference_size must leave",
        ),
        (TrainingDynamics, {"population": PATCHES, "samples": (10**6,)}, "test_samples must leave 1000000"),
        (
            DenoiserConvergence,
            {"population": DIGITS, "samples": (900,)},
            "test_samples must leave 900 .* to each of 2",
        ),
        (NonlinearOnset, {"population": DIGITS, "score": "population"}, "score must be one of"),
        (LinearOverlaps, {"population": PopulationSettings(images="no")}, "images must be one of digits"),
    ],
)
def test_what_does_not_fit_is_one_sentence(study, values, sentence):
    with pytest.raises(ValueError, match=sentence):
        study(**values)


def test_held_out_samples_of_data_by_default():
    study = KernelOnset(population=DIGITS)
    assert (study.dims, study.reference_size, study.loads[-1]) == ((64,), 898, 10.0)
    assert NonlinearOnset(population=PopulationSettings(samples=ROWS), loads=(1.0,)).reference_size == 15
    assert KernelOnset(population=PopulationSettings(samples=ROWS), reference_size=9).loads[-1] == 4.0
    assert KernelOnset().reference_size == 10_000


def test_no_row_is_trained_on_and_held_out():
    """A smaller train set begins the larger; what a padded one has too much of are rows of its own."""
    population = PopulationSettings(samples=ROWS).build(4)
    few, many, padded = (held_out_split(population, jax.random.key(1), n, 12) for n in (5, 18, 40))
    np.testing.assert_array_equal(few.train, many.train[:5])
    np.testing.assert_array_equal(padded.train[:18], many.train)
    for split in (few, many, padded):
        np.testing.assert_array_equal(split.test, many.test)
    both = {tuple(row) for row in np.concatenate([padded.train, many.test])}
    assert len({tuple(row) for row in np.asarray(padded.train)}) == 18
    assert both == {tuple(row) for row in ROWS.array.astype(np.float32)}


@pytest.mark.parametrize("fresh", [False, True])
def test_kernel_onset_of_data(fresh):
    """Δ of the first n rows that are trained on against all held-out ones, the law fitted to the former."""
    study = KernelOnset(
        population=PopulationSettings(samples=ROWS), loads=(2.0,), draws=np.inf, fresh_reference=fresh
    )
    key, n = jax.random.key(3), 8
    own = stream(key, "split", 4, *([2.0] if fresh else []))
    train, reference = held_out_split(PopulationSettings(samples=ROWS).build(4), own, n, 15)
    law = generated_law(fit_one_step_denoiser(key, train, 2.0, np.exp(-4.0), draws=np.inf))
    expected = kernel_gap(train, reference, *law, scale=1.0)
    found = study.simulate(key, {"dim": 4, "load": 2.0})
    np.testing.assert_allclose(found["delta"], expected.value, rtol=1e-5)
    np.testing.assert_allclose(found["log_scale"], expected.log_scale, rtol=1e-5)
    rows = ROWS.array.astype(np.float32).astype(float)
    moments = gaussian_distances(*law, rows.mean(0), np.cov(rows.T, bias=True))
    np.testing.assert_allclose(found["bures_squared"], moments.bures_squared, rtol=1e-6)
    assert set(found) == set(study.variables())


def test_nonlinear_onset_of_data():
    """The empirical score gives its train set back, which no held-out sample is in."""
    study = NonlinearOnset(
        population=PopulationSettings(samples=ROWS), loads=(2.0,), score="empirical", generated_size=20
    )
    found = study.simulate(jax.random.key(0), {"dim": 4, "load": 2.0, "network_width": study.widths[0]})
    assert found["memorised_fraction"] == 1
    assert found["delta"] < 0
    assert float(found["delta_maximum_mean_discrepancy"]) < -0.02


def test_spectrum_of_the_digits_is_that_of_all_of_them():
    configuration = LinearOverlaps(population=DIGITS).configuration()
    expected = np.linalg.eigvalsh(np.cov(load_digits().data.T / 8, bias=True))[::-1]
    found = image_spectrum(configuration | {"dim": 64})
    np.testing.assert_allclose(found, expected[: found.size], rtol=1e-9)
    assert abs(expected[found.size :]).max() < 1e-12
    assert image_spectrum({"population": configuration["population"] | {"images": "gone"}, "dim": 64}) is None


def test_train_sets_of_a_law_lie_in_the_eigenbasis_of_its_covariance():
    with jax.enable_x64(True):
        law = train_sets(FIELD, jax.random.key(0), 8_000, 16, {})
    configuration = LinearOverlaps(population=FIELD, dims=(16,)).configuration()
    spectrum = image_spectrum(configuration | {"dim": 16})
    np.testing.assert_allclose(law.eigenvalues, spectrum, rtol=1e-9)
    first, second = (np.asarray(rows, np.float64) for rows in law.train)
    correlation = (first.T @ first) / len(first) / np.sqrt(np.outer(spectrum, spectrum))
    assert abs(correlation - np.eye(16)).max() < 5 * np.sqrt(2 / len(first))
    assert abs((first * second).mean(0) / spectrum).max() < 5 / np.sqrt(len(first))
    assert image_spectrum(configuration | {"dim": 16, "variance": jnp.ones((3, 1))}) is None


def test_one_line_of_the_command_line(tmp_path):
    words = ["run", "linear-overlaps", "--images", "digits", "--image-size", "4", "--loads", "2"]
    words += ["--replicates", "2", "--quantities", "convergence", "--store", str(tmp_path / "store")]
    assert main([*words, "--quiet", "--figure", str(tmp_path / "figure.png")]) == 0
