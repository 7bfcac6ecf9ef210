import fake_stores
import numpy as np
import pytest
import xarray as xr
from scipy import stats

from jaxmem.statistics import finite_size_scaling, power_law_exponent, transition

X = np.array([32.0, 64.0, 128.0, 256.0, 512.0])


def noisy(exponent, replicates=20, seed=0, spread=0.3):
    rng = np.random.default_rng(seed)
    return 5 * X[:, None] ** exponent * np.exp(spread * rng.standard_normal((len(X), replicates)))


def test_a_noiseless_law_is_found_exactly():
    law = power_law_exponent(X, noisy(1.3, spread=0.0))
    np.testing.assert_allclose(law[:4], (1.3, 1.3, 1.3, 5.0), rtol=1e-12)
    assert law.points == 5


def test_equal_weights_agree_with_polyfit():
    y = noisy(0.7)
    expected = np.polyfit(np.log(X), np.log(y).mean(axis=1), 1)
    law = power_law_exponent(X, y)
    np.testing.assert_allclose((law.exponent, np.log(law.prefactor)), expected, rtol=1e-12)


@pytest.mark.parametrize("replicates", [2, 4, 6, 20])
@pytest.mark.parametrize("paired", [False, True])
def test_interval_covers_what_it_says(replicates, paired):
    """In 1,500 trials over 4 points, of noise that is independent over x or common to a replicate's curve."""
    rng = np.random.default_rng(replicates)
    noise = rng.standard_normal((1500, 4, replicates))
    if paired:
        noise = noise + 2 * np.linspace(-1, 1, 4)[:, None] * rng.standard_normal((1500, 1, replicates))
    laws = [power_law_exponent(X[:4], 5 * X[:4, None] * np.exp(0.3 * one)) for one in noise]
    assert 0.93 < np.mean([law.exponent_low <= 1.0 <= law.exponent_high for law in laws]) < 0.97


@pytest.mark.parametrize(("replicates", "kept"), [(6, 2), (20, 4)])
def test_interval_covers_what_it_says_where_replicates_are_missing(replicates, kept):
    noise = np.random.default_rng(1).standard_normal((1500, 4, replicates))
    noise[:, 1, kept:] = np.nan
    laws = [power_law_exponent(X[:4], X[:4, None] * np.exp(0.3 * one)) for one in noise]
    assert 0.93 < np.mean([law.exponent_low <= 1.0 <= law.exponent_high for law in laws]) < 0.97


def test_complete_replicates_give_students_interval_of_their_own_exponents():
    y = noisy(0.7, replicates=4)
    slopes = np.polyfit(np.log(X), np.log(y), 1)[0]
    expected = stats.t.interval(0.9, 3, slopes.mean(), stats.sem(slopes))
    law = power_law_exponent(X, y, confidence=0.9)
    np.testing.assert_allclose((law.exponent_low, law.exponent_high), expected, rtol=1e-12)
    padded = np.concatenate([y, np.full((5, 3), np.nan)], axis=1)  # replicates that have not begun
    np.testing.assert_allclose(power_law_exponent(X, padded, confidence=0.9), law, rtol=1e-12)


def test_two_independent_points_give_the_interval_of_welch():
    """One replicate set has nothing in common with the other."""
    y = noisy(1.0, replicates=12)[[0, 4]]
    y[0, 4:], y[1, :4] = np.nan, np.nan
    law = power_law_exponent(X[[0, 4]], y)
    first, second = np.log(y[0, :4]), np.log(y[1, 4:])
    variance = first.var(ddof=1) / 4 + second.var(ddof=1) / 8
    # Satterthwaite for one variance in common
    freedom = (1 / 4 + 1 / 8) ** 2 / ((1 / 4) ** 2 / 3 + (1 / 8) ** 2 / 7)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(variance) / np.log(16)
    np.testing.assert_allclose(law.exponent_high - law.exponent, half, rtol=1e-12)


def test_missing_replicates_weigh_nothing_and_unmemorised_points_are_left_out():
    y = noisy(1.0)
    y[1, 3:] = np.nan
    y[4, 0] = np.inf
    law = power_law_exponent(X, y)
    assert law.points == 4
    logs = [np.nanmean(np.log(row)) for row in y[:4]]
    expected = np.polyfit(np.log(X[:4]), logs, 1, w=np.sqrt([20, 3, 20, 20]))
    np.testing.assert_allclose(law.exponent, expected[0], rtol=1e-12)


def test_a_single_replicate_gives_no_interval():
    alone = power_law_exponent(X, noisy(1.0, replicates=1))
    assert np.isfinite(alone.exponent)
    assert np.isnan([alone.exponent_low, alone.exponent_high]).all()
    y = noisy(1.0)
    y[2, 1:] = np.nan  # one point of many replicates does not say how uncertain the other is
    assert np.isnan(power_law_exponent(X, y).exponent_low)


def test_too_few_points_give_no_exponent():
    y = noisy(1.0)
    y[1:] = np.inf
    law = power_law_exponent(X, y)
    assert np.isnan([law.exponent, law.exponent_low, law.exponent_high, law.prefactor]).all()
    assert law.points == 1


@pytest.mark.parametrize(
    ("x", "y", "sentence"),
    [
        ([1.0, 2.0], np.ones((3, 2)), r"y must have shape \(2, any\), got \(3, 2\)"),
        ([0.0, 1.0], np.ones((2, 2)), "x must hold finite values above 0"),
    ],
)
def test_bad_arguments(x, y, sentence):
    with pytest.raises(ValueError, match=sentence):
        power_law_exponent(np.array(x), y)


def test_scaling_of_the_transition_is_recovered():
    store = fake_stores.kernel_onset((16, 50, 100, 400), tuple(np.geomspace(0.1, 40, 18)), 400)
    law = finite_size_scaling(transition(store))
    for name, truth in (("location", 0.5), ("width", -0.25)):
        low, high = law[f"{name}_exponent_low"], law[f"{name}_exponent_high"]
        assert abs(law[f"{name}_exponent"] - truth) < high - low
        assert high - low < 0.25
        assert law[f"{name}_points"] == 4
        assert law[f"{name}_share"] == 1
    assert law["location_prefactor"] == pytest.approx(16**-0.5, rel=0.3)


def test_scaling_weighs_each_dimension_by_one_over_its_variance():
    """Four estimates whose resamples differ in spread: the line is that of numpy.polyfit with 1/sd."""
    rng = np.random.default_rng(0)
    dims, spread = np.array([10.0, 20.0, 40.0, 80.0]), np.array([0.02, 0.4, 0.05, 0.2])
    estimate = np.array([1.0, 3.0, 2.0, 5.0])
    resamples = estimate * np.exp(spread * rng.standard_normal((400, 4)))
    fields = dict.fromkeys(("location", "width"), ("dim", estimate))
    fields |= {f"{name}_resamples": (("resample", "dim"), resamples) for name in ("location", "width")}
    law = finite_size_scaling(xr.Dataset(fields, {"dim": dims}))
    deviation = np.log(resamples).std(axis=0)
    slope, intercept = np.polyfit(np.log(dims), np.log(estimate), 1, w=1 / deviation)
    np.testing.assert_allclose(law["location_exponent"], slope, rtol=1e-9)
    np.testing.assert_allclose(law["location_prefactor"], np.exp(intercept), rtol=1e-9)


def test_dimensions_without_a_crossing_are_left_out():
    # d = 400 crosses at load 5, beyond this grid.
    store = fake_stores.kernel_onset((16, 50, 400), (0.25, 0.5, 1.0, 2.0, 4.0), 400)
    law = finite_size_scaling(transition(store))
    assert law["location_points"] == 2
    assert abs(law["location_exponent"] - 0.5) < 0.3
    both = fake_stores.kernel_onset((400, 900), (0.25, 0.5), 20)
    assert np.isnan(finite_size_scaling(transition(both))["location_exponent"])


def test_other_dimensions_are_kept():
    store = fake_stores.kernel_onset(replicates=100)
    stacked = xr.concat([store, store], "time").assign_coords(time=[1.0, 2.0])
    law = finite_size_scaling(transition(stacked, resamples=50))
    assert law["location_exponent"].dims == ("time",)
    once = finite_size_scaling(transition(store, resamples=50))
    np.testing.assert_allclose(law["location_exponent"][1], once["location_exponent"])


def test_against_must_be_a_dimension():
    with pytest.raises(ValueError, match="against must be one of dim, got 'load'"):
        finite_size_scaling(transition(fake_stores.kernel_onset(replicates=9), resamples=9), "load")
