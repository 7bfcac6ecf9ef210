"""System S2 beside its exact theory; the short cut beside the data it does without."""

import dataclasses
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


def lines(loads, dim, **fields):
    """The theory lines of a study at these loads, by variable."""
    study = LinearOverlaps(dims=(dim,), loads=(1.0,), **fields)
    at = study.configuration() | {"dim": dim, "load": np.asarray(loads)}
    return {panel.curves[0].variable: panel.curves[0].theory(at) for panel in LinearOverlaps.panels}


def root(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T


def model_draws(scale, n, estimate_mean, count, seed):
    """q, m, W2²/Tr Σ and two (u_1·v_k)² of models fitted to n samples of N(0, diag(scale²)), by NumPy."""
    generator = np.random.default_rng(seed)
    draws = []
    for _ in range(count):
        first, second = generator.standard_normal((2, n, scale.size)) * scale
        means = [rows.mean(0) * estimate_mean for rows in (first, second)]
        fits = [
            (rows - mean).T @ (rows - mean) / n for rows, mean in zip((first, second), means, strict=True)
        ]
        a, b = map(root, fits)
        output = means[0] + a @ generator.standard_normal(scale.size)
        cosines = first @ output / np.linalg.norm(output) / np.linalg.norm(first, axis=1)
        fidelity = np.sqrt(np.maximum(np.linalg.eigvalsh(scale[:, None] * fits[0] * scale), 0)).sum()
        squares = np.trace(fits[0]) + (scale**2).sum() - 2 * fidelity + (means[0] ** 2).sum()
        q = (a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b)
        overlaps = np.linalg.eigh(fits[0])[1][:, -1] ** 2
        draws.append([q, np.abs(cosines).max(), squares / (scale**2).sum(), *overlaps[:2]])
    return np.transpose(draws)


def test_theory_lines_are_drawn_for_the_n_that_was_drawn():
    """At d = 50 and load 0.05 two samples are drawn, not 2.5, and at 0.47 and 0.48 24."""
    at = lines([0.05, 0.47, 0.48], 50)
    q, m, bures, *_ = model_draws(np.ones(50), 2, False, 800, seed=0)
    assert_mean(q, at["convergence"][0], 2e-3)
    assert_mean(m, at["memorisation"][0], 5e-3)
    assert_mean(bures, at["bures"][0], 2e-3)
    for name in ("convergence", "memorisation", "bures"):
        assert at[name][1] == at[name][2]
    spiked = lines([0.47, 0.48], 50, population=PopulationSettings(spikes=(6.0,)))["latent_recovery"]
    assert spiked[0] == spiked[1] == theory.latent_recovery(6.0, 24 / 50)


@pytest.mark.parametrize("n", [2, 10, 60])
def test_theory_lines_know_an_estimated_mean(n):
    known = lines([n / 40], 40)
    at = lines([n / 40], 40, estimate_mean=True)
    q, m, bures, *_ = model_draws(np.ones(40), n, True, 500, seed=n)
    allowance = 0.35 / n if n > 2 else 2e-3
    assert_mean(q, at["convergence"][0], allowance)
    assert_mean(bures, at["bures"][0], allowance)
    assert n > 2 or abs(q.mean() - known["convergence"][0]) > 10 * allowance
    if n < 10:
        assert np.isnan(at["memorisation"][0])
    else:
        assert_mean(m, at["memorisation"][0], 0.01 * m.mean())
    spiked = lines([n / 40], 40, estimate_mean=True, population=PopulationSettings(spikes=(8.0,)))
    assert spiked["latent_recovery"][0] == theory.latent_recovery(8.0, (n - 1) / 40)


def test_a_ridge_with_an_estimated_mean():
    """c Σ̂ + ρ of n samples is c (Σ̂ + ρ/c) of n − 1, c = 1 − 1/n."""
    at = lines([0.25], 40, estimate_mean=True, ridge=0.5)["convergence"][0]
    assert at == pytest.approx(theory.convergence_from_spectrum(np.ones(40), 9, 0.5 / 0.9), rel=1e-12)


def test_a_spike_below_the_bulk_does_not_lead():
    population = PopulationSettings(spikes=(-0.9,))
    scale = np.sqrt(np.append(np.ones(24), 0.1))  # leading direction first, as the study orders them
    line = lines([2.0, 16.0], 25, population=population)["latent_recovery"]
    for n, expected in zip((50, 400), line, strict=True):
        assert_mean(model_draws(scale, n, False, 300, seed=n)[3], expected, 2e-3)
    column = LinearOverlaps(dims=(25,), population=PopulationSettings(spikes=(1.0,))).configuration()
    column |= {"dim": 25, "load": np.array([2.0, 16.0]), "spike_scale": np.array([[-0.9], [0.0], [3.0]])}
    both = LinearOverlaps.panels[2].curves[0].theory(column)
    np.testing.assert_allclose(both[0], line)
    np.testing.assert_allclose(both[1], 0)
    np.testing.assert_allclose(both[2], theory.latent_recovery(3.0, [2.0, 16.0]))


def test_theory_of_a_given_covariance_is_drawn_while_its_file_is_there(tmp_path):
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 6)))[0]
    eigenvalues = np.array([8.0, 4.0, 2.0, 1.0, 0.5, 0.25])
    np.save(tmp_path / "covariance.npy", rotation * eigenvalues @ rotation.T)
    given = PopulationSettings(covariance=str(tmp_path / "covariance.npy"), variance=2.0)
    at = lines([2.0], 6, population=given)
    expected = theory.convergence_from_spectrum(eigenvalues, 12)
    np.testing.assert_allclose(at["convergence"], expected, rtol=1e-9)
    np.testing.assert_allclose(at["bures"], theory.bures_from_spectrum(eigenvalues, 12), rtol=1e-9)
    expected = theory.subspace_recovery_from_spectrum(eigenvalues, 12)
    np.testing.assert_allclose(at["latent_recovery"], expected, rtol=1e-9)
    assert np.isnan(at["memorisation"]).all()
    configured = LinearOverlaps(dims=(6,), loads=(1.0,), population=given).configuration()
    (tmp_path / "covariance.npy").unlink()
    assert np.isnan(
        LinearOverlaps.panels[1].curves[0].theory(configured | {"dim": 6, "load": np.ones(2)})
    ).all()


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


STRIDED = ("convergence", "sampled_convergence", "latent_recovery", "bures", "memorisation")


def test_strides_from_a_convolution_to_the_dense_model():
    """Of white images of 16 × 16: q as by theory, for blocks of size 1, 4 and 16, from one sample on."""
    study = LinearOverlaps(
        dims=(256,),
        loads=(1 / 256, 5 / 256, 20 / 256),
        population=PopulationSettings(images="field", spectrum_exponent=0.0),
        stride=(1, 2, 4),
        quantities=("convergence",),
    )
    found = jaxmem.sweep(study, replicates=REPLICATES, seed=3)["convergence"].sel(dim=256)
    for stride in study.stride:
        expected = theory.field_convergence(np.eye(256), (16, 16, 1), stride, np.array([1, 5, 20]))
        for load, value in zip(study.loads, expected, strict=True):
            # Tr Ĉ fluctuates, and frequencies 0 and ½ mix real coefficients as complex ones do not
            assert_mean(found.sel(stride=stride, load=load), value, 2 / 256 + (0.02 if stride > 1 else 0))
    at = study.configuration() | {"dim": 256, "load": np.asarray(study.loads), "stride": 2}
    line = LinearOverlaps.panels[1].curves[0].theory(at)
    np.testing.assert_allclose(line, theory.field_convergence(np.eye(256), (16, 16, 1), 2, [1, 5, 20]))


def test_a_stride_of_the_whole_image_is_the_dense_model():
    """The same data, in the eigenbasis there and as pixels here."""
    images = PopulationSettings(images="field", spikes=(9.0,), spike_patterns="localised")
    dense = LinearOverlaps(dims=(16,), loads=(0.5, 2.0), population=images, quantities=STRIDED)
    ours = dataclasses.replace(dense, stride=4)
    found, expected = (jaxmem.sweep(study, replicates=3, seed=2) for study in (ours, dense))
    for name in ("convergence", "latent_recovery", "bures"):
        np.testing.assert_allclose(found[name], expected[name], rtol=2e-5)
    at = ours.configuration() | {"dim": 16, "load": np.asarray(ours.loads)}
    line = LinearOverlaps.panels[1].curves[0].theory(at)
    exact = LinearOverlaps.panels[1].curves[0].theory(at | {"stride": None})
    np.testing.assert_allclose(line, exact, rtol=1e-9)


def test_a_convolution_never_recovers_what_is_no_wave():
    """Q of a bump stays what translations leave of it; of a wave it tends to 1."""
    found = {}
    for pattern in ("fourier", "localised"):
        images = PopulationSettings(
            images="field", spectrum_exponent=0.0, spikes=(30.0,), spike_patterns=pattern
        )
        study = LinearOverlaps(
            dims=(64,), loads=(8.0,), population=images, stride=1, quantities=("latent_recovery",)
        )
        found[pattern] = jaxmem.sweep(study, replicates=4, seed=0)["latent_recovery"].values.ravel()
    assert found["fourier"].min() > 0.99
    bump = np.outer(*2 * [np.sin(np.pi * (np.arange(2) + 0.5) / 2) ** 2])
    assert found["localised"].max() < (bump.sum() / np.linalg.norm(bump)) ** 2 / 64 * 2.1


def test_images_are_needed_for_a_stride():
    with pytest.raises(ValueError, match="stride must be left out where there are no images, got 2"):
        LinearOverlaps(stride=2)
    with pytest.raises(ValueError, match="stride must divide images of 8 × 8 pixels, got 3"):
        LinearOverlaps(population=PopulationSettings(images="digits"), stride=3)


def test_strides_of_data():
    """Borders of digits that never vary do once they are moved: pixels stay pixels."""
    study = LinearOverlaps(
        population=PopulationSettings(images="digits"), loads=(1.0,), stride=(1, 8), quantities=STRIDED
    )
    found = jaxmem.sweep(study, replicates=2).squeeze()
    dense = jaxmem.sweep(dataclasses.replace(study, stride=None), replicates=2).squeeze()
    np.testing.assert_allclose(found["convergence"].sel(stride=8), dense["convergence"], rtol=1e-4)
    assert (found["convergence"].sel(stride=1) > 0.97).all()
    assert (found["latent_recovery"].sel(stride=1) < 0.5).all()
