"""System S3: the study composes the trainer and its metrics; each of those has its own tests."""

import numpy as np
import pytest

import jaxmem
from jaxmem import metrics
from jaxmem.numerics.randomness import stream
from jaxmem.populations import Gaussian
from jaxmem.scores import empirical_score
from jaxmem.studies import LearningRate

SMALL = {"noise": 0.31, "samples": 8, "width": 100, "noises": 200, "epochs_at_unit_rate": 300.0}


@pytest.fixture(scope="module")
def found():
    return jaxmem.sweep(LearningRate(learning_rates=(0.3, 0.03), **SMALL), replicates=6, seed=1)


def test_variables_and_axes(found):
    assert found["excess_risk"].dims == ("learning_rate", "replicate")
    np.testing.assert_array_equal(found["learning_rate"], [0.03, 0.3])
    for name in LearningRate(**SMALL).variables():
        assert found[name].dims == ("learning_rate", "replicate")


def test_what_is_derived_from_what(found):
    """The ratio is λ_max over 2/(mη); the fitted Gaussian has the variance that divides by n."""
    rates = found["learning_rate"]
    np.testing.assert_allclose(found["sharpness_ratio"], found["sharpness"] * 100 * rates / 2, rtol=1e-6)
    key, sigma, mu = jaxmem.replicate_key(1, 2), 0.31, (1 - 0.31**2) ** 0.5
    data = Gaussian.isotropic(1).sample(stream(key, "data", 1, 8), 8)
    average = metrics.monte_carlo(stream(key, "risk"), data, 200)
    x, y = np.asarray(data), mu * np.asarray(data) + sigma * np.asarray(average.normals)
    fitted = -(y - mu * x.mean()) / (mu**2 * x.var() + sigma**2)
    gaps = fitted - np.asarray(empirical_score(y.astype(np.float32), data, mu, sigma))
    np.testing.assert_allclose(
        found["excess_risk_gaussian"].isel(replicate=2), np.full(2, (gaps**2).mean()), rtol=1e-4
    )


def test_small_rates_come_nearer_to_the_empirical_optimum(found):
    """By four standard errors of the difference on the same data."""
    risk = found["excess_risk"]
    assert (risk > 0).all()
    farther = risk.sel(learning_rate=0.3) - risk.sel(learning_rate=0.03)
    assert farther.mean() > 4 * farther.std(ddof=1) / farther.size**0.5


def test_the_data_are_shared_by_all_rates(found):
    for name in ("excess_risk_gaussian", "total_variation_optimal"):
        np.testing.assert_allclose(
            found[name].sel(learning_rate=0.03), found[name].sel(learning_rate=0.3), rtol=1e-5
        )


def test_a_replicate_alone_is_what_was_stored(found):
    study = LearningRate(learning_rates=(0.3, 0.03), **SMALL)
    alone = study.simulate(jaxmem.replicate_key(1, 4), {"learning_rate": 0.3})
    np.testing.assert_allclose(
        found["excess_risk_gaussian"].sel(learning_rate=0.3)[4], alone["excess_risk_gaussian"], rtol=1e-5
    )
    # 500 steps of SGD carry float32 rounding along
    np.testing.assert_allclose(
        found["excess_risk"].sel(learning_rate=0.3)[4], alone["excess_risk"], rtol=2e-2
    )


def test_dimension_may_be_an_axis():
    fields = SMALL | {"epochs_at_unit_rate": 3.0}
    many = LearningRate(learning_rates=(0.3,), dim=(1, 3), **fields)
    assert "total_variation" not in many.variables()  # which is for the line alone
    both = jaxmem.sweep(many, replicates=2, seed=1)
    alone = jaxmem.sweep(LearningRate(learning_rates=(0.3,), dim=3, **fields), replicates=2, seed=1)
    np.testing.assert_allclose(both["excess_risk"].sel(dim=3), alone["excess_risk"], rtol=1e-4)
    # After 10 steps the network has left the zero score little.
    np.testing.assert_array_less(0.2, both["relative_excess_risk"])


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"learning_rates": (0.0, 1.0)}, "learning_rates must be a finite number above 0"),
        ({"learning_rates": (1.0, 1.0)}, "learning_rates must be strictly increasing"),
        ({"dim": (0, 2)}, "dim must be a whole number of at least 1, got 0"),
        ({"noise": 1.0}, "noise must be a finite number above 0 and below 1"),
        ({"samples": 1}, "samples must be a whole number of at least 2, got 1"),
        ({"epochs_at_unit_rate": -1.0}, "epochs_at_unit_rate must be"),
    ],
)
def test_bad_input_is_refused(fields, sentence):
    with pytest.raises(ValueError, match=sentence):
        LearningRate(**fields)
