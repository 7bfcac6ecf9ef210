import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, sem

from jaxmem.statistics import mean_and_standard_error, wilson_interval


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
