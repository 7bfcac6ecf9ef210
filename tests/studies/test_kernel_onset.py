"""System S1 against the specification's known values and an independent float64 reference."""

import math

import numpy as np
import pytest
import xarray as xr
from typechecking import unchecked

import jaxmem
from jaxmem.populations import GivenArray, PopulationSettings
from jaxmem.studies import KernelOnset
from jaxmem.studies.kernel_onset import Shape

SMALL = {"dims": (6,), "loads": (0.5, 1.0, 4.0), "reference_size": 200}


def wishart_free_reference(replicates: int, dim: int, load: float, size: int) -> np.ndarray:
    """Δ > 0 per replicate, in float64 NumPy, from the definition with the self terms dropped."""
    generator = np.random.default_rng(dim)
    time, n = 2.0, round(load * dim)
    mu, noise = math.exp(-time), math.exp(-2 * time) * (1 - math.exp(-2 * time))
    positive = []
    for _ in range(replicates):
        train, other = 10 + generator.normal(size=(n, dim)), 10 + generator.normal(size=(size, dim))
        noised = mu * train + math.sqrt(noise) * generator.normal(size=(n, dim))
        slope = np.linalg.lstsq(noised - noised.mean(0), train - train.mean(0), rcond=None)[0].T
        mean = train.mean(0) + slope @ (mu * train.mean(0) - noised.mean(0))
        variance = mu**2 * train.var(0, ddof=1).mean() + noise
        covariance = variance * slope @ slope.T
        logs = []
        for points in (train, other):
            bandwidth = len(points) ** (-1 / dim)
            squares = ((points[:, None] - points[None]) ** 2).sum(-1)[np.triu_indices(len(points), 1)]
            pairs = -squares / (4 * bandwidth**2)
            self_term = np.logaddexp.reduce(pairs) + math.log(2) - 2 * math.log(len(points))
            self_term -= dim / 2 * math.log(4 * math.pi * bandwidth**2)
            smoothed = covariance + bandwidth**2 * np.eye(dim)
            centred = points - mean
            quadratic = np.einsum("ni,ni->n", centred, np.linalg.solve(smoothed, centred.T).T)
            cross = np.logaddexp.reduce(-quadratic / 2) - math.log(len(points))
            cross -= np.linalg.slogdet(2 * math.pi * smoothed)[1] / 2
            logs += [self_term, cross]
        top = max(logs)
        positive.append(np.dot([1, -2, -1, 2], np.exp(np.array(logs) - top)) > 0)
    return np.array(positive)


@pytest.mark.parametrize(
    ("dim", "load", "known", "error"),
    [
        (16, 0.25, 0.0, 0.0),
        (16, 1.0, 0.0, 0.0),
        (16, 2.0, 0.46, 0.05),
        (16, 4.0, 0.89, 0.03),
        (16, 8.0, 0.91, 0.03),
        (100, 1.0, 0.05, 0.03),
        (100, 1.25, 0.0, 0.0),
        (100, 4.0, 0.23, 0.06),
    ],
)
def test_known_probabilities(probabilities, dim, load, known, error):
    ours = probabilities[dim]["p_positive"].sel(dim=dim, load=load).item()
    spread = math.hypot(error, math.sqrt(max(ours * (1 - ours), 0.01) / 100))
    assert abs(ours - known) < 4.5 * spread


@pytest.fixture(scope="module")
def probabilities():
    loads = {16: (0.25, 1.0, 2.0, 4.0, 8.0), 100: (1.0, 1.25, 4.0)}
    studies = {dim: KernelOnset(dims=(dim,), loads=some, reference_size=1000) for dim, some in loads.items()}
    return {
        dim: jaxmem.summarise(jaxmem.sweep(study, replicates=100, seed=5)) for dim, study in studies.items()
    }


def test_against_an_independent_reference():
    study = KernelOnset(dims=(5,), loads=(4.0,), reference_size=100)
    ours = jaxmem.sweep(study, replicates=400, seed=1)["delta"].values > 0
    theirs = wishart_free_reference(400, 5, 4.0, 100)
    assert 0.1 < theirs.mean() < 0.9
    spread = math.sqrt((ours.var() + theirs.var()) / 400)
    assert abs(ours.mean() - theirs.mean()) < 4.5 * spread


def test_variables_and_limits():
    found = jaxmem.sweep(KernelOnset(**SMALL), replicates=5, seed=2)
    assert found["delta"].dims == ("dim", "load", "replicate")
    np.testing.assert_array_equal(found["n"], [[3, 6, 24]])
    assert set(KernelOnset(**SMALL).variables()) <= set(found)
    below, above = found.sel(load=slice(None, 1.0)), found.sel(load=4.0)
    assert np.isposinf(below["kl_generated_population"]).all()
    assert np.isposinf(below["kl_population_generated"]).all()
    assert (below["hellinger_squared"] == 1).all()
    for name in ("kl_generated_population", "kl_population_generated", "hellinger_squared", "bures_squared"):
        assert np.isfinite(above[name]).all()
        assert (above[name] > 0).all()
    np.testing.assert_allclose(
        np.log1p(-above["hellinger_squared"]), above["log_affinity"], rtol=1e-6, atol=1e-12
    )


def test_padding_changes_nothing():
    study = KernelOnset(**SMALL)
    key, point = jaxmem.replicate_key(0, 0), {"dim": 6, "load": 4.0}
    exact = study.simulate(key, point, shape=Shape(6, 24))
    padded = study.simulate(key, point, shape=Shape(6, 64))
    for name in exact:
        np.testing.assert_allclose(padded[name], exact[name], rtol=1e-5, atol=1e-7)


def test_the_reference_is_shared_unless_fresh():
    key = jaxmem.replicate_key(0, 0)
    shared, fresh = KernelOnset(**SMALL), KernelOnset(**SMALL, fresh_reference=True)
    assert shared.prepared_over() == ("dim",)
    assert fresh.prepared_over() == ()
    samples = shared.prepare(key, {"dim": 6}).samples
    assert samples.shape == (200, 6)
    assert fresh.prepare(key, {"dim": 6}) is None
    stored = jaxmem.sweep(fresh, replicates=2, seed=0)
    alone = fresh.simulate(jaxmem.replicate_key(0, 1), {"dim": 6, "load": 4.0})
    np.testing.assert_allclose(stored["delta"][0, 2, 1], alone["delta"], rtol=1e-5)
    other = shared.simulate(jaxmem.replicate_key(0, 1), {"dim": 6, "load": 4.0})
    assert float(other["delta"]) != pytest.approx(float(alone["delta"]), rel=1e-3)


@pytest.mark.parametrize("mean", [1e6, 1e8, (0.0, 1e7)])
def test_the_mean_changes_nothing(mean):
    far = KernelOnset(**SMALL, population=PopulationSettings(mean=mean))
    near = KernelOnset(**SMALL, population=PopulationSettings())
    point = {"dim": 6, "load": 4.0}
    found = far.simulate(
        jaxmem.replicate_key(0, 0), point | ({"mean": 1e7} if isinstance(mean, tuple) else {})
    )
    for name, value in near.simulate(jaxmem.replicate_key(0, 0), point).items():
        assert float(found[name]) == float(value)


def test_more_training_samples_than_references():
    """Unbiased distances take all they have; n = 160 of N = 40 once counted rows that are not there."""
    study = KernelOnset(
        dims=(4,), loads=(40.0,), reference_size=40, distances=("energy", "sliced-wasserstein"),
        population=PopulationSettings(), generated_size=200,
    )  # fmt: skip
    found = study.simulate(jaxmem.replicate_key(0, 0), {"dim": 4, "load": 40.0})
    assert abs(float(found["delta_energy"])) < 0.2
    assert abs(float(found["delta_sliced_wasserstein"])) < 0.2


def test_affinity_per_dimension():
    panel = next(panel for panel in KernelOnset.panels if panel.curves[0].variable == "log_affinity")
    values = xr.DataArray([[-8.0], [-3.0]], {"dim": [4, 6]}, ("dim", "replicate"))
    np.testing.assert_allclose(panel.curves[0].transform(values), np.exp([[-2.0], [-0.5]]))


def test_any_number_may_be_an_axis():
    study = KernelOnset(
        dims=(4,),
        loads=(2.0,),
        reference_size=100,
        time=(1.0, 2.0),
        bandwidth=(0.5, 1.0, 2.0),
        population=PopulationSettings(spikes=(2.0,), spike_scale=(0.0, 1.0)),
    )
    found = jaxmem.sweep(study, replicates=3)
    assert found["delta"].sizes == {
        "dim": 1, "load": 1, "spike_scale": 2, "time": 2, "bandwidth": 3, "replicate": 3,
    }  # fmt: skip
    point = {"dim": 4, "load": 2.0, "spike_scale": 1.0, "time": 1.0, "bandwidth": 0.5}
    alone = study.simulate(jaxmem.replicate_key(0, 2), point)
    np.testing.assert_allclose(found["delta"].sel(point).isel(replicate=2), alone["delta"], rtol=1e-5)


def test_infinitely_many_draws_are_the_limit_of_many():
    many, all_draws = (KernelOnset(**SMALL, draws=draws) for draws in (3000, math.inf))
    key, point = jaxmem.replicate_key(0, 0), {"dim": 6, "load": 4.0}
    close, limit = (study.simulate(key, point) for study in (many, all_draws))
    np.testing.assert_allclose(close["bures_squared"], limit["bures_squared"], rtol=0.1)


def test_sample_distances():
    study = KernelOnset(
        dims=(4,),
        loads=(1.0, 8.0),
        reference_size=300,
        distances=("sliced-wasserstein", "maximum-mean-discrepancy", "energy"),
        generated_size=200,
    )
    found = jaxmem.sweep(study, replicates=20)
    for name in ("sliced_wasserstein", "maximum_mean_discrepancy", "energy"):
        gap = found[f"delta_{name}"]
        assert np.isfinite(gap).all()
        # a memorising model sits on its train set: D(train, G) < D(reference, G)
        assert (gap.sel(load=1.0) < 0).mean() > 0.7
        assert abs(gap.sel(load=8.0)).mean() < abs(gap.sel(load=1.0)).mean()


def test_a_mixture_of_one_place_is_its_gaussian():
    """Components that coincide make the mixture a Gaussian, so Monte Carlo must agree with closed forms."""
    grid = {"dims": (3,), "loads": (20.0,), "reference_size": 1000, "generated_size": 4000}
    mixture = KernelOnset(**grid, population=PopulationSettings(components=2, separation=1e-6))
    gaussian = KernelOnset(**grid, population=PopulationSettings())
    sampled, exact = (jaxmem.sweep(study, replicates=20) for study in (mixture, gaussian))
    for name in ("kl_generated_population", "kl_population_generated", "hellinger_squared"):
        ours, theirs = sampled[name].values.ravel(), exact[name].values.ravel()
        spread = math.hypot(ours.std(), theirs.std()) / math.sqrt(20)
        assert abs(ours.mean() - theirs.mean()) < 4.5 * spread
    # the affinity is exact for a Gaussian population
    np.testing.assert_allclose(sampled["log_affinity"], exact["log_affinity"], atol=1e-4)


def test_a_mixture_where_the_generated_law_is_nearly_singular():
    """At n = d + 1 its least variance is 1e-12 of the largest in some replicates: small, but not 0."""
    grid = {"dims": (24,), "loads": (25 / 24,), "reference_size": 200, "generated_size": 200}
    mixture = KernelOnset(**grid, population=PopulationSettings(components=2, separation=1e-6))
    gaussian = KernelOnset(**grid, population=PopulationSettings())
    ours, theirs = (jaxmem.sweep(study, replicates=40) for study in (mixture, gaussian))
    np.testing.assert_allclose(ours["log_affinity"], theirs["log_affinity"], atol=1e-4)
    for name in ("kl_generated_population", "kl_population_generated"):
        # 200 draws of a sum over 24 directions that one of them rules: its χ² has relative error √(2/200)
        np.testing.assert_allclose(np.log(ours[name] / theirs[name]), 0, atol=5 * (2 / 200) ** 0.5)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"dims": (0,)}, "dims must be a whole number of at least 1, got 0"),
        ({"dims": ()}, "dims must hold at least one value"),
        ({"dims": (16, 8)}, "dims must be strictly increasing"),
        ({"loads": (0.0,)}, "loads must be a finite number above 0"),
        ({"loads": (math.nan,)}, "loads must be a finite number above 0"),
        ({"loads": (2.0, 1.0)}, "loads must be strictly increasing"),
        (
            {"dims": (4,), "loads": (0.1,)},
            "loads must give at least 1 sample, got 0.1, which at d = 4 gives 0",
        ),
        ({"fresh_reference": "no"}, "fresh_reference must be True or False, got 'no'"),
        ({"reference_size": 1}, "reference_size must be a whole number of at least 2, got 1"),
        ({"time": 0.0}, "time must be a finite number above 0"),
        ({"time": (1.0, -1.0)}, "time must be"),
        ({"noise_scale": -1.0}, "noise_scale must be a finite number above 0"),
        ({"bandwidth": math.inf}, "bandwidth must be a finite number above 0"),
        ({"draws": 1.5}, "draws must be a whole number of at least 1 or inf, got 1.5"),
        ({"population": PopulationSettings(variance=-1.0)}, "variance must be"),
        (
            {
                "loads": (2.0,),
                "population": PopulationSettings(samples=GivenArray.from_array(np.ones((9, 4)))),
            },
            "reference_size must leave 8 samples",
        ),
    ],
)
def test_bad_input_is_refused_before_anything_is_compiled(fields, sentence):
    with unchecked(), pytest.raises(ValueError, match=sentence):
        KernelOnset(**fields)
