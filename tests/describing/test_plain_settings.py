"""Settings are plain Python whatever they are handed over as: one configuration, one hash, one store."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from typechecking import unchecked

import jaxmem
from jaxmem.populations import Gaussian, PopulationSettings
from jaxmem.studies import (
    KernelOnset,
    LearningRate,
    LinearOverlaps,
    MemorisationTime,
    NonlinearOnset,
    ReverseSteps,
)

WANTED = KernelOnset(
    dims=(4, 8),
    loads=(1.0, 2.0),
    reference_size=50,
    time=(1.0, 2.0),
    population=PopulationSettings(mean=0.5, spikes=(3.0,)),
)


@pytest.fixture(autouse=True)
def as_a_user_calls():
    with unchecked():
        yield


@pytest.mark.parametrize("sequence", [list, np.array, jnp.array])
def test_lists_and_arrays_are_tuples(sequence):
    study = KernelOnset(
        dims=sequence([4, 8]),
        loads=sequence([1.0, 2.0]),
        reference_size=np.int64(50),
        time=sequence([1.0, 2.0]),
        population=PopulationSettings(mean=np.float32(0.5), spikes=sequence([3.0])),
    )
    assert study == WANTED
    assert hash(study) == hash(WANTED)
    assert study.configuration() == WANTED.configuration()
    for field in dataclasses.fields(study):
        assert type(getattr(study, field.name)) is type(getattr(WANTED, field.name))


def test_numbers_of_numpy_in_a_list_are_pythons():
    (load,) = KernelOnset(dims=range(4, 6), loads=[np.float64(0.5)]).loads
    assert type(load) is float


def test_one_value_of_several_needs_no_brackets():
    assert KernelOnset(dims=16, loads=2.0) == KernelOnset(dims=(16,), loads=(2.0,))
    assert LinearOverlaps(quantities="bures").quantities == ("bures",)
    assert MemorisationTime(samples=64).samples == (64,)
    assert NonlinearOnset(widths=8).widths == (8,)
    assert ReverseSteps(dims=8).dims == (8,)
    assert KernelOnset(time=2.0).time == 2.0  # a number that may be an axis stays a number


def test_a_sweep_over_arrays_runs_and_continues(tmp_path):
    path = tmp_path / "store"
    study = KernelOnset(dims=4, loads=np.geomspace(1, 4, 2), reference_size=50)
    jaxmem.sweep(study, replicates=1, store=path)
    same = KernelOnset(dims=[4], loads=[1.0, 4.0], reference_size=50)
    assert jaxmem.sweep(same, replicates=2, store=path)["delta"].notnull().all()


@pytest.mark.parametrize("population", [Gaussian.isotropic(4), "gaussian", None])
def test_a_population_is_told_by_its_settings(population):
    with pytest.raises(ValueError, match=r"population must be PopulationSettings\(\.\.\.\), got "):
        KernelOnset(population=population)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"dims": None}, "dims must be a whole number of at least 1, got None"),
        ({"loads": "2"}, "loads must be a finite number above 0, got '2'"),
        ({"loads": []}, "loads must hold at least one value"),
        ({"time": None}, "time must be a finite number above 0, got None"),
    ],
)
def test_what_is_no_number_is_refused(fields, sentence):
    with pytest.raises(ValueError, match=sentence):
        KernelOnset(**fields)
    with pytest.raises(ValueError, match="learning_rates must be a finite number above 0, got 'a'"):
        LearningRate(learning_rates=("a", 1.0))


@pytest.mark.parametrize("study", ["kernel-onset", KernelOnset])
def test_only_studies_are_swept(study):
    with pytest.raises(ValueError, match="study must be a study, such as"):
        jaxmem.sweep(study, replicates=1)
