import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, sem

from jaxmem.statistics import mean_and_standard_error, median_and_interval, wilson_interval


@given(trials=st.integers(1, 2000), share=st.floats(0, 1), confidence=st.floats(0.5, 0.999))
def test_wilson_equals_scipy(trials, share, confidence):
    successes = round(share * trials)
    expected = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    low, high = wilson_interval(successes, trials, confidence)
    np.testing.assert_allclose((low, high), (expected.low, expected.high), rtol=1e-9, atol=1e-12)


def test_wilson_ends_are_exact_at_the_edges_and_empty_without_trials():
    low, high = wilson_interval(np.array([0, 12, 0]), np.array([12, 12, 0]))
    assert low[0] == 0
    assert high[1] == 1
    assert 0.7 < low[1] < 1
    assert np.isnan([low[2], high[2]]).all()


def test_wilson_holds_its_level():
    rng = np.random.default_rng(0)
    for p in (0.02, 0.3, 0.5):
        low, high = wilson_interval(rng.binomial(50, p, 20_000), np.full(20_000, 50))
        assert 0.92 < np.mean((low <= p) & (p <= high)) < 0.985


@pytest.mark.parametrize(("successes", "trials"), [(3, 2), (-1, 2)])
def test_wilson_refuses_impossible_counts(successes, trials):
    with pytest.raises(ValueError, match="successes must be at least 0 and at most trials"):
        wilson_interval(successes, trials)


@pytest.mark.parametrize("confidence", [0.0, 1.0, float("nan")])
def test_wilson_refuses_confidence(confidence):
    with pytest.raises(ValueError, match="confidence must be a finite number above 0 and below 1"):
        wilson_interval(1, 2, confidence)


def test_mean_and_standard_error_leave_out_the_missing():
    values = np.random.default_rng(1).normal(1e6, 1.0, (3, 40))
    values[1, 5:] = np.nan
    mean, error = mean_and_standard_error(values)
    np.testing.assert_allclose(mean, np.nanmean(values, axis=1), rtol=1e-15)
    np.testing.assert_allclose(error, sem(values, axis=1, nan_policy="omit"), rtol=1e-9)


def test_mean_is_infinite_where_a_replicate_is_and_undefined_without_any():
    mean, error = mean_and_standard_error(
        np.array([[1.0, np.inf], [-np.inf, 2.0], [np.inf, -np.inf], [np.nan, 3.0], [np.nan, np.nan]])
    )
    np.testing.assert_array_equal(mean, [np.inf, -np.inf, np.nan, 3.0, np.nan])
    assert np.isnan(error).all()


def test_median_is_numpys_and_its_interval_that_of_the_binomial_law():
    """Ranks in the 0.95 interval of the sign test, tabulated since the 1950s (Conover, table A3)."""
    rng = np.random.default_rng(0)
    for count, rank in ((6, 1), (8, 1), (9, 2), (20, 6), (50, 18), (100, 40)):
        values = np.full((3, 110), np.nan)
        values[:, rng.permutation(110)[:count]] = rng.standard_cauchy((3, count))
        found = median_and_interval(values)
        ordered = np.sort(values)[:, :count]
        np.testing.assert_allclose(found.value, np.nanmedian(values, axis=1), rtol=1e-15)
        np.testing.assert_array_equal(found.low, ordered[:, rank - 1])
        np.testing.assert_array_equal(found.high, ordered[:, count - rank])


def test_median_of_few_replicates_and_of_infinite_ones():
    inf = np.inf
    rows = np.full((5, 8), np.nan)
    rows[1, :5] = [3, 1, 2, 5, 4]
    rows[2, :] = [1, 2, 3, 4, inf, inf, inf, inf]
    rows[3, :] = [1, 2, 3, 4, 5, 6, inf, inf]
    rows[4, :] = -inf
    found = median_and_interval(rows)
    np.testing.assert_array_equal(found.value, [np.nan, 3, inf, 4.5, -inf])
    np.testing.assert_array_equal(found.low, [np.nan, np.nan, 1, 1, -inf])
    np.testing.assert_array_equal(found.high, [np.nan, np.nan, inf, inf, -inf])
    assert np.isnan(median_and_interval(np.empty((2, 0))).value).all()
    np.testing.assert_array_equal(median_and_interval(np.arange(8.0)[None]), [[3.5], [0], [7]])


def test_median_interval_holds_its_level_where_means_have_none():
    values = np.random.default_rng(2).standard_cauchy((20_000, 25))
    _, low, high = median_and_interval(values)
    assert 0.95 < np.mean((low <= 0) & (high >= 0)) < 0.965  # 0.957 by the binomial law
