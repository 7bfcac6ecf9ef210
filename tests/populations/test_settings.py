"""The user's description of a population: what it builds, refuses, and how it is stored."""

import dataclasses
import json
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from typechecking import unchecked

from jaxmem.populations import Empirical, GaussianMixture, GivenArray, PopulationSettings

MATRIX = np.array([[2.0, 0.5], [0.5, 1.0]])
ROWS = np.random.default_rng(0).normal(size=(9, 2))


def settings(**values):
    arrays = {name: GivenArray.from_array(v) for name, v in values.items() if isinstance(v, np.ndarray)}
    return PopulationSettings(**values | arrays)


def test_bare_arrays_are_taken_where_no_checker_forbids_them():
    with unchecked():
        bare = PopulationSettings(covariance=MATRIX), PopulationSettings(samples=jnp.asarray(ROWS))
    assert bare[0] == settings(covariance=MATRIX)
    assert bare[1] == settings(samples=ROWS.astype(np.float32))


def test_spectrum():
    described = settings(mean=10.0, variance=2.0, exponent=1.0, spikes=(3.0, 1.0), spike_scale=0.5)
    described.check([2, 4])
    law = described.build(4)
    np.testing.assert_allclose(law.mean(), np.full(4, 10.0))
    expected = 2 * np.array([1 + 1.5, 1 / 2 + 0.5, 1 / 3, 1 / 4])
    np.testing.assert_allclose(law.covariance(), np.diag(expected), rtol=1e-14)


def test_default_is_standard_normal():
    np.testing.assert_array_equal(settings().build(3).covariance(), np.eye(3))


def test_points_override_fields_and_may_be_traced():
    described = settings(mean=(0.0, 1.0), exponent=(0.0, 1.0, 2.0), spikes=(1.0,))

    def one(exponent):
        point = {"mean": 1.0, "exponent": exponent, "load": 3.0, "dim": 4}
        return described.build(4, point).covariance()

    batched = jax.jit(jax.vmap(one))(jnp.array([0.0, 1.0, 2.0]))
    for i, exponent in enumerate((0.0, 1.0, 2.0)):
        expected = np.arange(1.0, 5) ** -exponent + np.eye(4)[0]
        np.testing.assert_allclose(batched[i], np.diag(expected), rtol=1e-14)
    with pytest.raises(ValueError, match="mean is an axis, so the point must hold one of its values"):
        described.build(4, {"exponent": 1.0})
    np.testing.assert_array_equal(settings(mean=(2.0,)).build(3).mean(), np.full(3, 2.0))


def test_covariance_by_path_and_in_memory(tmp_path):
    np.save(tmp_path / "sigma.npy", MATRIX)
    np.savez(tmp_path / "sigma.npz", sigma=MATRIX)
    for given in (MATRIX, str(tmp_path / "sigma.npy"), str(tmp_path / "sigma.npz")):
        described = settings(covariance=given, variance=3.0, mean=1.0)
        described.check([2])
        np.testing.assert_allclose(described.build(2).covariance(), 3 * MATRIX, rtol=1e-14)
        np.testing.assert_allclose(described.build(2).mean(), np.ones(2))
        assert np.isinf(described.available)


def test_samples_are_a_population():
    described = settings(samples=ROWS)
    described.check([2])
    law = described.build(2)
    assert isinstance(law, Empirical)
    assert described.available == 9
    np.testing.assert_allclose(law.covariance(), np.cov(ROWS.T, ddof=0), rtol=1e-5)


def test_whole_numbers_become_floats():
    described = settings(samples=np.arange(12, dtype=np.uint8).reshape(6, 2))
    described.check([2])
    np.testing.assert_allclose(described.build(2).mean(), [5.0, 6.0])


def test_mixture():
    described = settings(components=2, separation=4.0, variance=0.5)
    described.check([3])
    law = described.build(3)
    assert isinstance(law, GaussianMixture)
    np.testing.assert_allclose(law.covariance(), np.diag([4.5, 0.5, 0.5]), rtol=1e-12)


def test_equal_by_contents(tmp_path):
    np.save(tmp_path / "sigma.npy", MATRIX)
    path = str(tmp_path / "sigma.npy")
    first = settings(covariance=path)
    assert first == settings(covariance=path)
    assert hash(first) == hash(settings(covariance=path))
    assert settings(covariance=MATRIX) == settings(covariance=MATRIX.copy())
    assert settings(covariance=MATRIX) != settings(covariance=MATRIX + np.eye(2))
    np.save(tmp_path / "sigma.npy", 2 * MATRIX)
    assert first != settings(covariance=path)
    np.testing.assert_allclose(first.build(2).covariance(), MATRIX, rtol=1e-14)


def test_stored_configuration_comes_back(tmp_path):
    np.save(tmp_path / "sigma.npy", MATRIX)
    described = settings(covariance=str(tmp_path / "sigma.npy"), mean=(1.0, 2.0))
    stored = json.loads(json.dumps(dataclasses.asdict(described)))
    again = settings(**stored | {"mean": tuple(stored["mean"]), "spikes": ()})
    assert again == described
    again.check([2])
    np.save(tmp_path / "sigma.npy", 2 * MATRIX)
    with pytest.raises(ValueError, match=r"must hold the array it held before, but .* has changed"):
        settings(covariance=stored["covariance"]).check([2])


@pytest.mark.parametrize("described", [settings(covariance=MATRIX), settings(samples=ROWS), settings()])
def test_pickles(described):
    again = pickle.loads(pickle.dumps(described))
    assert again == described
    assert hash(again) == hash(described)
    np.testing.assert_array_equal(again.build(2).covariance(), described.build(2).covariance())


def test_in_memory_array_is_a_copy_that_nobody_writes_to():
    matrix = MATRIX.copy()
    described = settings(covariance=matrix)
    matrix[0, 0] = 7.0
    assert described.covariance.array[0, 0] == 2.0
    with pytest.raises(ValueError, match="read-only"):
        described.covariance.array[0, 0] = 7.0


@pytest.mark.parametrize(
    ("values", "dims", "sentence"),
    [
        ({"variance": -1.0}, (2,), "variance must be a finite number at least 0, got -1"),
        ({"variance": (1.0, -1.0)}, (2,), r"variance must be strictly increasing, got \(1.0, -1.0\)"),
        ({"exponent": float("nan")}, (2,), "exponent must be a finite number, got nan"),
        ({"mean": ()}, (2,), "mean must hold at least one value"),
        ({"spikes": (1.0, 2.0, 3.0)}, (4, 2), "spikes must be at most dims = 2 strengths, got 3"),
        ({"spikes": (-2.0,)}, (4,), "spikes must leave every eigenvalue at least 0, got -2.0 as number 1"),
        ({"spikes": (0.5, -0.5), "exponent": 2.0}, (4,), "at least 0, got -0.5 as number 2"),
        ({"spikes": (1.0,), "spike_scale": (-2.0, 1.0)}, (4,), "at least 0, got 1.0 as number 1"),
        ({"covariance": "nowhere.npy"}, (2,), "covariance must be the path of .* which is no file"),
        ({"covariance": MATRIX}, (2, 3), r"covariance at dims 3 must have shape \(3, 3\), got \(2, 2\)"),
        ({"covariance": np.ones((2, 3))}, (2,), r"covariance at dims 2 must have shape \(2, 2\)"),
        ({"covariance": np.triu(MATRIX)}, (2,), "covariance must be symmetric"),
        ({"covariance": np.diag([1.0, -1.0])}, (2,), "covariance must be positive semi-definite"),
        ({"covariance": MATRIX * np.nan}, (2,), "covariance must be finite, got nan at index"),
        ({"covariance": MATRIX, "exponent": 1.0}, (2,), "exponent must stay 0.0 with covariance, got 1.0"),
        ({"covariance": MATRIX, "spikes": (1.0,)}, (2,), r"spikes must stay \(\) with covariance"),
        ({"samples": ROWS, "mean": 10.0}, (2,), "mean must stay 0.0 with samples, got 10.0"),
        ({"samples": ROWS, "covariance": MATRIX}, (2,), "covariance must stay None with samples"),
        ({"samples": ROWS}, (3,), r"samples at dims 3 must have shape \(any, 3\), got \(9, 2\)"),
        ({"samples": ROWS * np.inf}, (2,), "samples must be finite"),
        ({"samples": ROWS[:1]}, (2,), "samples must hold at least 2 samples, got 1"),
        ({"components": 0}, (2,), "components must be a whole number of at least 1, got 0"),
        ({"components": 4}, (8, 2), r"components must be at most dims \+ 1 = 3, got 4"),
        ({"components": 2, "separation": -1.0}, (2,), "separation must be a finite number at least 0"),
        ({"separation": 1.0}, (2,), "separation must stay 0.0 with components = 1, got 1.0"),
        ({}, (0,), "dims must be a whole number of at least 1, got 0"),
    ],
)
def test_bad_input_is_one_sentence(values, dims, sentence):
    with pytest.raises(ValueError, match=sentence):
        settings(**values).check(dims)


@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (lambda path: path.write_text("not numbers"), "must be a .npy or .npz file of numbers"),
        (lambda path: path.write_bytes(b""), "must be a .npy or .npz file of numbers"),
        (lambda path: np.savez(path.open("wb"), a=MATRIX, b=MATRIX), "must hold one array, got .* with a, b"),
        (lambda path: np.save(path.open("wb"), np.array(["a", "b"])), "must hold real numbers, got dtype"),
        (lambda path: np.save(path.open("wb"), np.array([{}])), "must be a .npy or .npz file of numbers"),
        (lambda path: np.save(path.open("wb"), MATRIX + 1j), "must hold real numbers, got dtype complex128"),
    ],
)
def test_unreadable_file_is_one_sentence(tmp_path, write, sentence):
    path = tmp_path / "data.npy"
    write(path)
    with pytest.raises(ValueError, match=sentence):
        settings(covariance=str(path)).check([2])


def test_in_memory_array_cannot_be_found_again():
    name = str(settings(covariance=MATRIX).covariance)
    with pytest.raises(ValueError, match="given in memory, so hand its array over again"):
        GivenArray.read("covariance", name)
