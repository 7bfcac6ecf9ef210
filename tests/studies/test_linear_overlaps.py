"""System S2 beside its exact theory; the short cut beside the data it does without."""

import math

import numpy as np
import pytest
from scipy import stats
from typechecking import unchecked

import jaxmem
from jaxmem import theory
from jaxmem.populations import GivenArray, PopulationSettings
from jaxmem.studies import LinearOverlaps
from jaxmem.studies.linear_overlaps import OF_THE_COVARIANCE, Shape

REPLICATES = 30


def mean_and_error(values):
    return float(values.mean()), float(values.std(ddof=1)) / math.sqrt(values.size)


def assert_mean(values, expected, allowance=0.0):
    mean, error = mean_and_error(np.asarray(values))
    assert abs(mean - expected) < 4.5 * error + allowance, (mean, error, expected)


@pytest.fixture(scope="module")
def spiked():
    study = LinearOverlaps(dims=(100,), loads=(0.5, 2.0, 8.0), population=PopulationSettings(spikes=(3.0,)))
    return jaxmem.sweep(study, replicates=REPLICATES, seed=1)


@pytest.mark.parametrize("load", [0.5, 2.0, 8.0])
def test_beside_the_theory(spiked, load):
    found, eigenvalues = spiked.sel(dim=100, load=load), np.append(np.ones(99), 4.0)
    n = 100 * load
    assert_mean(found["convergence"], theory.convergence_from_spectrum(eigenvalues, n), 1 / 100)
    assert_mean(found["sampled_convergence"], theory.convergence_from_spectrum(eigenvalues, n), 1 / 100)
    assert_mean(found["latent_recovery"], theory.latent_recovery(3.0, load), 3 / 100)
    assert_mean(found["bures"], theory.bures_from_spectrum(eigenvalues, n), 1 / 100)
    assert_mean(found["operator_norm"], theory.expected_operator_norm(n, 100, 3.0), 0.06 * 16 / load**0.5)


def test_exact_divergences(spiked):
    """Wishart means at finite n and d, without any allowance."""
    for load in (2.0, 8.0):
        exact = theory.expected_kl(100 * load, 100)
        found = spiked.sel(dim=100, load=load)
        assert_mean(found["kl_generated_population"], exact.generated_population)
        assert_mean(found["kl_population_generated"], exact.population_generated)
    assert np.isposinf(spiked["kl_generated_population"].sel(load=0.5)).all()


def test_memorisation_falls_to_the_theory():
    study = LinearOverlaps(dims=(100,), loads=(0.5, 2.0), quantities=("memorisation",))
    found = jaxmem.sweep(study, replicates=REPLICATES)["memorisation"].sel(dim=100)
    for load in (0.5, 2.0):
        assert_mean(found.sel(load=load), theory.memorisation(100 * load, 100), 2e-3)


def test_the_short_cut_has_the_law_of_the_data():
    grid = {"dims": (12,), "loads": (0.5, 3.0), "population": PopulationSettings(spikes=(2.0,))}
    short = LinearOverlaps(**grid, quantities=OF_THE_COVARIANCE)
    direct = LinearOverlaps(**grid, quantities=OF_THE_COVARIANCE, direct=True)
    assert {short.shape({"dim": 12, "load": load}) for load in (0.5, 3.0)} == {Shape(12, 0)}
    assert direct.shape({"dim": 12, "load": 3.0}).capacity > 0
    ours, theirs = (jaxmem.sweep(study, replicates=400, seed=2) for study in (short, direct))
    for name in ("bures", "operator_norm"):
        for load in (0.5, 3.0):
            samples = (found[name].sel(dim=12, load=load).values for found in (ours, theirs))
            assert stats.ks_2samp(*samples).pvalue > 1e-4
    for name in ("kl_generated_population", "kl_population_generated", "hellinger_squared"):
        samples = (found[name].sel(dim=12, load=3.0).values for found in (ours, theirs))
        assert stats.ks_2samp(*samples).pvalue > 1e-4


def test_everything_else_takes_data():
    for study in (
        LinearOverlaps(dims=(4,), loads=(2.0,), quantities=("convergence",)),
        LinearOverlaps(
            dims=(4,), loads=(2.0,), quantities=("bures",), population=PopulationSettings(exponent=1.0)
        ),
        LinearOverlaps(
            dims=(4,), loads=(2.0,), quantities=("bures",), population=PopulationSettings(spikes=(1.0, 2.0))
        ),
    ):
        assert study.shape({"dim": 4, "load": 2.0}).capacity > 0


def test_a_given_covariance_is_its_spectrum():
    """A rotated power law has the law of the power law: means of both agree."""
    rotation = stats.ortho_group.rvs(8, random_state=0)
    matrix = rotation @ np.diag(np.arange(1.0, 9) ** -1.0) @ rotation.T
    given = PopulationSettings(covariance=GivenArray.from_array(matrix))
    grid = {"dims": (8,), "loads": (4.0,), "estimate_mean": True}
    both = [
        jaxmem.sweep(LinearOverlaps(**grid, population=law), replicates=300, seed=seed)
        for seed, law in ((0, given), (1, PopulationSettings(exponent=1.0)))
    ]
    for name in LinearOverlaps().variables():
        (a, error_a), (b, error_b) = (mean_and_error(found[name].values) for found in both)
        assert abs(a - b) < 4.5 * math.hypot(error_a, error_b), name


def test_real_data_from_an_array():
    rows = np.random.default_rng(0).normal(size=(400, 5)) * [3, 2, 1, 1, 0] + 7
    settings = PopulationSettings(samples=GivenArray.from_array(rows))
    found = jaxmem.sweep(LinearOverlaps(dims=(5,), loads=(2.0, 40.0), population=settings), replicates=20)
    for name, values in found[list(LinearOverlaps().variables())].items():
        assert np.isfinite(values).all(), name
    at_half = found.sel(load=40.0)
    # A and B are the two halves of the data: Σ̂_A + Σ̂_B = 2 Σ, so that both are as far from Σ
    assert at_half["convergence"].mean() > 0.98
    assert at_half["latent_recovery"].mean() > 0.95


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"dims": (0,)}, "dims must be"),
        ({"loads": (0.0,)}, "loads must be a finite number above 0"),
        (
            {"dims": (4,), "loads": (0.1,)},
            "loads must give at least 1 samples, got 0.1, which is 0 at d = 4",
        ),
        ({"dims": (4,), "loads": (0.25,), "estimate_mean": True}, "at least 2 samples"),
        ({"ridge": -1.0}, "ridge must be a finite number at least 0"),
        ({"directions": 51}, "directions must be a whole number of at least 1 and at most 50"),
        ({"estimate_mean": "no"}, "estimate_mean must be True or False, got 'no'"),
        (
            {
                "dims": (4,),
                "loads": (2.0,),
                "population": PopulationSettings(samples=GivenArray.from_array(np.ones((40, 4)))),
            },
            "samples must hold rows that differ, got 40 equal ones",
        ),
        ({"generated": 0}, "generated must be a whole number of at least 1, got 0"),
        ({"quantities": ()}, "quantities must name at least one of"),
        (
            {
                "dims": (3,),
                "loads": (2.0,),
                "population": PopulationSettings(samples=GivenArray.from_array(np.eye(8)[:, :3])),
            },
            "two disjoint sets within the 8 samples",
        ),
    ],
)
def test_bad_input_is_refused(fields, sentence):
    with unchecked(), pytest.raises(ValueError, match=sentence):
        LinearOverlaps(**fields)
