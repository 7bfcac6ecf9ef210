"""Studies follow the data they are given: dimension, loads, spectrum and theory."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.datasets import load_digits

from jaxmem.cli import main
from jaxmem.populations import GivenArray, PopulationSettings
from jaxmem.studies import KernelOnset, LinearOverlaps, NonlinearOnset, ReverseSteps
from jaxmem.studies._eigenbasis import train_sets
from jaxmem.studies._image_spectrum import image_spectrum

DIGITS = PopulationSettings(images="digits")
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
        (KernelOnset, {"population": DIGITS}, "images must be left out in kernel-onset, .* one of field"),
        (NonlinearOnset, {"population": DIGITS}, "images must be left out in nonlinear-onset"),
        (KernelOnset, {"population": PopulationSettings(samples=ROWS)}, "samples must be left out in kernel"),
        (LinearOverlaps, {"population": PopulationSettings(images="no")}, "images must be one of digits"),
    ],
)
def test_what_does_not_fit_is_one_sentence(study, values, sentence):
    with pytest.raises(ValueError, match=sentence):
        study(**values)


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
