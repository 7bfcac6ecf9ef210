import fake_stores
import numpy as np
import pytest
import xarray as xr
from scipy import stats

from jaxmem.statistics import transition
from jaxmem.statistics.bootstrap import percentile_interval
from jaxmem.statistics.monotone import is_monotone
from jaxmem.statistics.transition import _ends_where_saturated, monotone_crossing

LOADS = tuple(np.geomspace(0.1, 20, 14))


def dataset(successes, trials, loads):
    """Zeros and ones with these many successes of `trials` replicates per load, as a fraction."""
    values = (np.arange(trials) < np.asarray(successes)[:, None]).astype(float)
    return xr.Dataset(
        {"hit": (("load", "replicate"), values, {"summary": "fraction"})}, {"load": np.array(loads)}
    )


def test_known_crossing_and_width_of_logistic_curves():
    found = transition(fake_stores.kernel_onset((16, 100), LOADS, 2000))
    for name, truth in (
        ("location", fake_stores.location(found["dim"])),
        ("width", 2 * np.log10(9) / fake_stores.slope(found["dim"])),
        ("start", fake_stores.location(found["dim"]) / 9 ** (1 / fake_stores.slope(found["dim"]))),
        ("end", fake_stores.location(found["dim"]) * 9 ** (1 / fake_stores.slope(found["dim"]))),
    ):
        error = (found[f"{name}_high"] - found[f"{name}_low"]) / 4
        assert (abs(found[name] - truth) < 4 * error).all(), name
        assert (error < 0.05 * truth).all(), name
        assert (found[f"{name}_share"] == 1).all()
    np.testing.assert_allclose(found["width"], np.log10(found["end"] / found["start"]))
    assert (found["bracket_low"] <= found["location"]).all()
    assert (found["location"] <= found["bracket_high"]).all()
    np.testing.assert_allclose(found["bracket_high"] / found["bracket_low"], LOADS[1] / LOADS[0])


def shares_of_intervals_that_hold(replicates, shared, trials=75, resamples=150):
    """Of location and width, over trials and two dims; `shared` random numbers along the loads or not."""
    rng = np.random.default_rng(replicates)
    dims = np.array([16.0, 100.0])
    p = fake_stores.probability(dims[:, None], np.array(LOADS))[..., None]
    uniform = rng.random((trials, 2, 1 if shared else len(LOADS), replicates))
    axes = ("trial", "dim", "load", "replicate")
    hits = (axes, (uniform < p).astype(float), {"summary": "fraction"})
    found = transition(xr.Dataset({"hit": hits}, {"load": list(LOADS)}), "hit", resamples=resamples)
    truths = {"location": fake_stores.location(dims), "width": 2 * np.log10(9) / fake_stores.slope(dims)}
    return [
        ((found[f"{name}_low"] <= truth) & (truth <= found[f"{name}_high"])).values.mean()
        for name, truth in truths.items()
    ]


def test_intervals_hold_their_level():
    """0.95, from four replicates up; the standard error is 0.018 in a case, 0.010 over all three."""
    cases = [(4, False), (30, False), (100, True)]
    location, width = np.transpose([shares_of_intervals_that_hold(*case) for case in cases])
    assert 0.93 < location.mean() < 0.97, location
    assert (location > 0.9).all(), location
    assert (width > 0.9).all(), width  # wide where few replicates see the tails
    assert width[-1] < 0.97


@pytest.mark.parametrize("replicates", [4, 30])
def test_intervals_of_few_replicates_are_students(replicates):
    """Resampled means of normal values with unbiased deviation √R are normal of variance (R − 1)/R."""
    means = stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000) * np.sqrt((replicates - 1) / replicates)
    low, high = percentile_interval(means, means, 0.95, replicates)
    np.testing.assert_allclose([low, high], stats.t(replicates - 1).ppf([0.025, 0.975]), rtol=2e-3)


def test_bounds_of_a_rising_curve_rise():
    """4 of 4 further on may be 1 of 2 in truth, so a resample with 4 of 4 before it is no higher there."""
    curve = dataset([0, 3, 4], 4, [1.0, 2.0, 4.0])["hit"].values
    log_odds = np.log([[1 / 9, 7 / 3, 9.0], [1 / 9, 9.0, 9.0]])  # the data, and a resample
    lower, upper = _ends_where_saturated(curve, log_odds, True, 0.95)
    least = np.log(4 / stats.norm.ppf(0.975) ** 2)  # Wilson's bound of 4 in 4 is 4/(4 + z²)
    np.testing.assert_allclose(lower[:, 1:], least)
    np.testing.assert_allclose(upper[:, :2], [[-least, np.log(7 / 3)], [-least, np.log(9)]])
    mirror = _ends_where_saturated(1 - curve[::-1], -log_odds[:, ::-1], True, 0.95)
    np.testing.assert_allclose(mirror[1], -lower[:, ::-1])
    np.testing.assert_allclose(mirror[0], -upper[:, ::-1])


@pytest.mark.parametrize("steepness", [3.0, 6.0, 60.0])
def test_intervals_hold_the_truth_of_curves_steeper_than_the_grid(steepness):
    """`steepness` logits per step of a grid of factor 2, the crossing anywhere between two loads."""
    rng = np.random.default_rng(round(steepness))
    loads = 2.0 ** np.arange(6)
    place = rng.uniform(2, 3, 100)
    p = 1 / (1 + np.exp(-steepness * (np.arange(6) - place[:, None])))
    values = (rng.random((100, 1, 40)) < p[..., None]).astype(float)
    store = xr.Dataset(
        {"hit": (("trial", "load", "replicate"), values, {"summary": "fraction"})}, {"load": loads}
    )
    found = transition(store, "hit", resamples=60)
    width = 2 * np.log(9) / steepness * np.log10(2)
    held = (found["location_low"] <= 2**place + 1e-9) & (2**place <= found["location_high"] + 1e-9)
    assert held.mean() > 0.9
    assert ((found["width_low"] <= width) & (width <= found["width_high"])).mean() > 0.9
    assert found["monotone"].mean() > 0.95


def test_a_leap_from_zero_to_one_is_known_to_its_bracket():
    found = transition(dataset([0, 0, 50, 50], 50, [1.0, 2.0, 8.0, 16.0]), "hit")
    np.testing.assert_allclose(found["location"], 4.0)
    np.testing.assert_allclose([found["location_low"], found["location_high"]], [2.0, 8.0], rtol=1e-6)
    np.testing.assert_allclose([found["bracket_low"], found["bracket_high"]], [2.0, 8.0])
    np.testing.assert_allclose([found["width_low"], found["width_high"]], [0, np.log10(4)], atol=1e-6)
    # One load inside the transition: the crossing is at it or beyond, as near to the next as it may be.
    half = transition(dataset([0, 0, 20, 50, 50], 50, [1.0, 2.0, 4.0, 8.0, 16.0]), "hit")
    assert 4 < half["location"] < half["location_high"] < 8
    assert 2 < half["location_low"] < 4.2
    falls = transition(dataset([50, 50, 30, 0, 0], 50, [1.0, 2.0, 4.0, 8.0, 16.0]), "hit", increasing=False)
    for name in ("location", "location_low", "location_high", "width_low", "width_high"):
        np.testing.assert_allclose(falls[name], half[name], rtol=0.05)


def test_the_order_of_the_loads_does_not_matter():
    store = fake_stores.kernel_onset((16,), LOADS, 60)
    expected = transition(store, resamples=50)
    for order in (slice(None, None, -1), np.random.default_rng(0).permutation(len(LOADS))):
        xr.testing.assert_identical(transition(store.isel(load=order), resamples=50), expected)


def test_a_curve_that_dips_is_called_not_monotone():
    dips = transition(dataset([100, 10, 100, 100], 100, [0.5, 1.0, 2.0, 4.0]), "hit", resamples=20)
    assert dips["monotone"] == 0
    assert transition(dataset([10, 60, 55, 90], 100, [1.0, 2.0, 4.0, 8.0]), "hit", resamples=20)["monotone"]
    falls = dataset([90, 50, 10], 100, [1.0, 2.0, 4.0])
    assert transition(falls, "hit", resamples=20)["monotone"] == 0
    assert transition(falls, "hit", resamples=20, increasing=False)["monotone"] == 1


def test_flat_curves_are_monotone_at_the_level_asked_for():
    """Replicates independent over the loads, and replicates that are the same at all but for a few."""
    rng = np.random.default_rng(0)
    flat = [is_monotone((rng.random((5, 40)) < 0.5).astype(float), confidence=0.8) for _ in range(2000)]
    assert 0.8 < np.mean(flat) < 0.97  # Bonferroni and whole counts leave it on the safe side
    curve = np.tile(np.arange(40.0) < 20, (2, 1)).astype(float)
    curve[1, :5] = 0  # 5 of 5 fell: 1/32
    assert is_monotone(curve, confidence=0.97)
    assert not is_monotone(curve, confidence=0.96)
    assert is_monotone(1 - curve, increasing=True)
    assert not is_monotone(1 - curve, increasing=False, confidence=0.96)


def test_interpolation_is_linear_in_log_odds_over_log_load():
    found = transition(dataset([100, 800], 999, [1.0, 8.0]), "hit")
    odds = np.log([100.5 / 899.5, 800.5 / 199.5])
    np.testing.assert_allclose(found["location"], 8 ** (-odds[0] / (odds[1] - odds[0])))


def test_the_fit_is_monotone_and_weighted():
    # 60 then 20 of 100 pool to 40: the crossing lies between the second and the last load.
    found = transition(dataset([10, 60, 20, 90], 100, [1.0, 2.0, 4.0, 8.0]), "hit")
    pooled = np.log(40.5 / 60.5)
    last = np.log(90.5 / 10.5)
    np.testing.assert_allclose(found["location"], 4 * 2 ** (-pooled / (last - pooled)))
    assert found["bracket_low"] == pytest.approx(4.0)


def test_a_falling_curve_is_the_mirror_image():
    rising = fake_stores.kernel_onset((16,), LOADS, 60)
    falling = rising.assign(delta=-rising["delta"])
    up = transition(rising, resamples=50)
    down = transition(falling, resamples=50, increasing=False)
    for name in ("location", "location_low", "location_high", "width", "bracket_low", "start", "end"):
        np.testing.assert_allclose(down[name], up[name], err_msg=name)


def test_no_crossing_gives_a_bound_and_no_estimate():
    never = transition(dataset([0, 0, 1], 50, [1.0, 2.0, 4.0]), "hit")
    assert np.isnan(never["location"])
    assert np.isnan(never["width"])
    assert never["location_share"] == 0
    assert never["location_low"] == pytest.approx(4.0)
    assert np.isposinf(never["location_high"])
    assert never["bracket_low"] == pytest.approx(4.0)
    assert np.isposinf(never["bracket_high"])
    always = transition(dataset([49, 50, 50], 50, [1.0, 2.0, 4.0]), "hit")
    assert np.isnan(always["location"])
    assert always["location_low"] == 0
    assert always["location_high"] == pytest.approx(1.0)


def test_a_crossing_near_the_edge_is_one_sided():
    found = transition(dataset([0, 10, 21], 40, [1.0, 2.0, 4.0]), "hit")
    assert 2 < found["location"] < 4
    assert 0.3 < found["location_share"] < 0.9
    assert 2 < found["location_low"] < 4
    assert np.isposinf(found["location_high"])


def test_unfinished_points_and_replicates_do_not_move_the_result():
    part = fake_stores.kernel_onset((16, 100), LOADS, 100, complete=0.3)
    whole = part.isel(replicate=slice(0, 30))
    xr.testing.assert_allclose(transition(part, resamples=50), transition(whole, resamples=50))
    holes = whole.copy(deep=True)
    holes["delta"][0, 3] = np.nan
    without = transition(whole.isel(load=[i for i in range(len(LOADS)) if i != 3]), resamples=50)
    xr.testing.assert_allclose(transition(holes, resamples=50).isel(dim=0), without.isel(dim=0))
    empty = transition(fake_stores.kernel_onset(replicates=10, complete=0), resamples=10)
    assert np.isnan(empty["location"]).all()
    assert (empty["location_low"] == 0).all()
    assert np.isposinf(empty["location_high"]).all()


def test_a_load_with_one_replicate_does_not_break_the_resamples():
    store = fake_stores.kernel_onset((16,), LOADS, 40)
    store["delta"][0, 6, 1:] = np.nan
    found = transition(store, resamples=200)
    assert found["location_share"] == 1
    assert np.isfinite(found["location_resamples"]).all()


def test_replicates_are_resampled_as_whole_curves():
    # Each replicate is all 0 or all 1 beyond the first load: resampled curves stay flat there.
    values = np.zeros((3, 40))
    values[1:, :20] = 1
    store = xr.Dataset(
        {"hit": (("load", "replicate"), values, {"summary": "fraction"})}, {"load": [1.0, 2.0, 4.0]}
    )
    found = transition(store, "hit", level=0.3, width_levels=(0.2, 0.8))
    # With P(2) = P(4) in every resample, the crossing always lies between 1 and 2.
    assert found["location_share"] > 0.99
    assert found["location_resamples"].max() < 2


def test_extra_dimensions_and_coordinates_are_kept():
    store = fake_stores.kernel_onset(replicates=20)
    stacked = xr.concat([store, store], "time").assign_coords(time=[1.0, 2.0])
    found = transition(stacked, resamples=20)
    assert found["location"].dims == ("time", "dim")
    assert found["location_resamples"].dims == ("time", "dim", "resample")
    assert "n" not in found.coords
    xr.testing.assert_equal(found.isel(time=0, drop=True), transition(store, resamples=20))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"variable": "detla"}, "variable must be one of delta, .*, got 'detla'"),
        ({"variable": "log_scale"}, "summary of log_scale must be one of sign, fraction, got 'none'"),
        ({"axis": "replicate"}, "axis must be one of dim, load, got 'replicate'"),
        ({"level": 0.95}, "level and width_levels must satisfy"),
        ({"confidence": 1.0}, "confidence must be"),
        ({"resamples": 0}, "resamples must be a whole number of at least 1, got 0"),
    ],
)
def test_bad_arguments(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        transition(fake_stores.kernel_onset(replicates=3), **arguments)


def test_loads_must_be_positive():
    with pytest.raises(ValueError, match="axis must have positive values, got load = 0"):
        transition(dataset([0, 1], 2, [0.0, 1.0]), "hit")
    with pytest.raises(ValueError, match="axis must have positive values, got load = -2"):
        transition(dataset([0, 1], 2, [1.0, -2.0]), "hit")


def test_crossing_of_piecewise_linear_curves():
    x = np.array([0.0, 1.0, 2.0, 3.0])
    curves = np.array(
        [
            [0.0, 1.0, 2.0, 3.0],
            [0.0, 1.5, 1.5, 3.0],  # stays at the level from 1 to 2
            [0.0, 0.0, 0.0, 1.0],  # above the grid
            [2.0, 2.0, 3.0, 3.0],  # below it
            [0.0, 0.0, 1.5, 1.5],  # ends at the level
            [1.5, 1.5, 1.5, 2.0],  # begins at it
            [1.5, 1.5, 1.5, 1.5],
        ]
    )
    low, high = monotone_crossing(x, curves, 1.5)
    inf = np.inf
    np.testing.assert_allclose(low, [1.5, 1.5, 3, -inf, 2, -inf, -inf])
    np.testing.assert_allclose(high, [1.5, 1.5, inf, 0, inf, 2, inf])


def test_crossing_without_points():
    low, high = monotone_crossing(np.array([]), np.empty((2, 0)), 0.5)
    assert np.isneginf(low).all()
    assert np.isposinf(high).all()
    low, high = monotone_crossing(np.array([1.0]), np.array([[0.2], [0.7]]), 0.5)
    np.testing.assert_array_equal(low, [1, -np.inf])
    np.testing.assert_array_equal(high, [np.inf, 1])
