"""Shares and their differences against SciPy, published numbers and binomial draws."""

import numpy as np
import pytest
from scipy.stats import binom, binomtest, fisher_exact

from jaxmem.statistics import (
    clopper_pearson_upper,
    detectable_excess,
    excess_p_value,
    proportion_difference_interval,
)


def test_newcombe_published_examples():
    """Table II of Newcombe (1998), method 10."""
    for counts, ends in {
        (56, 70, 48, 80): (0.0524, 0.3339),
        (9, 10, 3, 10): (0.1705, 0.8090),
        (0, 10, 0, 20): (-0.1611, 0.2775),
    }.items():
        np.testing.assert_allclose(proportion_difference_interval(*counts), ends, atol=6e-5)


def test_clopper_pearson_is_scipys_one_sided():
    for successes, trials in [(0, 50), (3, 200), (20, 20)]:
        test = binomtest(successes, trials, alternative="less")
        expected = test.proportion_ci(0.95, method="exact").high
        assert clopper_pearson_upper(successes, trials) == pytest.approx(expected, rel=1e-9)
    assert clopper_pearson_upper(0, 50) == pytest.approx(1 - 0.05 ** (1 / 50))


def test_excess_is_fishers_exact_test():
    for x, m, y, n in [(5, 30, 0, 30), (0, 10, 3, 20), (12, 100, 40, 900), (7, 7, 1, 2)]:
        expected = fisher_exact([[x, m - x], [y, n - y]], alternative="greater").pvalue
        assert excess_p_value(x, m, y, n) == pytest.approx(expected, rel=1e-9)


def test_excess_holds_its_level_exactly():
    """Under one probability for both, of all counts of 25 and 30."""
    rejected = np.array([[excess_p_value(x, 25, y, 30) <= 0.05 for y in range(31)] for x in range(26)])
    for q in (0.02, 0.2, 0.5):
        weights = np.outer(binom.pmf(np.arange(26), 25, q), binom.pmf(np.arange(31), 30, q))
        assert weights[rejected].sum() <= 0.05


@pytest.mark.parametrize(("baseline", "trials", "others"), [(0.0, 200, 200), (0.1, 150, 400)])
def test_what_is_detectable_is_found_as_often_as_said(baseline, trials, others):
    rate = detectable_excess(baseline, trials, others)
    random = np.random.default_rng(4)
    x = random.binomial(trials, baseline + rate * (1 - baseline), size=1_500)
    y = random.binomial(others, baseline, size=1_500)
    found = [excess_p_value(*map(int, (a, trials, b, others))) <= 0.05 for a, b in zip(x, y, strict=True)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.045)


def test_too_few_to_find_anything():
    assert np.isnan(detectable_excess(0.0, 2, 2))
