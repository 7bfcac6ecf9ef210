import numpy as np
import pytest
from covariance_draws import assert_within, covariances, mean_and_error
from scipy.special import gammaln
from scipy.stats import chi2

from jaxmem import theory


def norms(population, n, count, seed, ridge=0.0):
    shift = np.diag(ridge - population)
    return [np.abs(np.linalg.eigvalsh(m + shift)).max() for m in covariances(population, n, count, seed)]


def spiked(d, strength):
    population = np.ones(d)
    population[0] += strength
    return population


def test_isotropic_norm_is_the_upper_edge():
    loads = np.array([0.05, 0.5, 1.0, 2.0, 20.0])
    edges = theory.marchenko_pastur_edges(loads)
    np.testing.assert_allclose(
        theory.operator_norm(loads), np.maximum(edges.upper - 1, 1 - edges.lower), rtol=1e-12
    )
    assert theory.operator_norm(2.0, 0.0, 0.7) == pytest.approx(0.7 + theory.operator_norm(2.0))
    assert isinstance(theory.operator_norm(2.0), float)


def test_outlier_leaves_the_bulk_continuously_and_solves_the_secular_equation():
    load = 4.0
    threshold = 1 + load**-0.5
    np.testing.assert_allclose(
        theory.operator_norm(load, threshold * (1 + np.array([-1e-9, 1e-9]))), theory.operator_norm(load)
    )

    def secular(theta, place):
        resolvent = theory.marchenko_pastur_average(lambda e: 1 / (e - 1 - place), load)
        return 1 + place * theta / (1 + theta) * resolvent

    strengths = np.array([2.0, 5.0, 20.0])
    x = theory.operator_norm(load, strengths)
    assert (np.diff(x) > 0).all()
    for theta, place in zip(strengths, x, strict=True):
        assert secular(theta, place) == pytest.approx(0, abs=1e-10)
    # below the threshold no root is outside: the function, which grows to 1/(1 + θ), is positive at the edge
    edge = theory.operator_norm(load)
    for theta in (0.6, 1.0, 1.4):
        assert theory.operator_norm(load, theta) == edge
        assert secular(theta, edge * (1 + 1e-6)) > 0 > secular(2.0, edge * (1 + 1e-6))


@pytest.mark.parametrize("strength", [0.0, 1.0, 3.0, 8.0])
@pytest.mark.parametrize("load", [0.25, 1.0, 4.0])
def test_limit_in_simulation(strength, load):
    d, n = 400, round(400 * load)
    draws = norms(spiked(d, strength), n, 5, seed=round(10 * load + strength))
    # an edge is O(d^-⅔) lower, an outlier fluctuates by O(n^-½) and is higher by O(1/n) of its square
    allowance = 2 * theory.operator_norm(load) * d ** (-2 / 3) + 2 * (1 + strength) / n
    assert_within(draws, theory.operator_norm(load, strength), allowance=allowance)


@pytest.mark.parametrize("strength", [0.0, 1.0, 3.0, 5.0])
@pytest.mark.parametrize("load", [0.05, 0.5, 2.0, 20.0])
@pytest.mark.parametrize("ridge", [0.0, 0.5])
def test_finite_size_corrections_in_simulation(strength, load, ridge):
    d, n = 100, round(100 * load)
    draws = norms(spiked(d, strength), n, 60, seed=round(100 * load + strength), ridge=ridge)
    expected = theory.expected_operator_norm(n, d, strength, ridge)
    assert_within(draws, expected, allowance=0.03 * expected)


def test_finite_size_corrections_vanish():
    for strength in (0.0, 4.0):
        expected = theory.expected_operator_norm(2e9, 10**9, strength)
        assert expected == pytest.approx(theory.operator_norm(2.0, strength), rel=1e-4)


def mean_absolute_deviation(n):
    """E |χ²_n/n − 1| = 2 kᵏ e⁻ᵏ/Γ(k + 1), k = n/2."""
    k = np.asarray(n) / 2
    return 2 * np.exp(k * np.log(k) - k - gammaln(k + 1))


def test_one_dimension_is_the_mean_absolute_deviation_of_chi_square():
    n = np.array([1, 2, 5, 40, 10**6])
    np.testing.assert_allclose(theory.expected_operator_norm(n, 1), mean_absolute_deviation(n), rtol=2e-5)
    assert theory.expected_operator_norm(1, 1) == pytest.approx(0.96788, abs=1e-5)
    assert theory.expected_operator_norm(5, 1) == pytest.approx(0.48817, abs=1e-5)
    # a spike is a unit there
    spiked = theory.expected_operator_norm(n, 1, [-0.5, 0.3, 1.5, 4.0, 9.0])
    np.testing.assert_allclose(spiked, [0.5, 1.3, 2.5, 5.0, 10.0] * mean_absolute_deviation(n), rtol=2e-5)
    assert theory.expected_operator_norm(5, 1, 3.0, 0.8) == pytest.approx(
        4 * theory.expected_operator_norm(5, 1, 0.0, 0.2), rel=1e-9
    )
    assert theory.expected_operator_norm(5, 1, -1.0, 0.8) == 0.8
    # one sample: χ²_d and, for d > 1, a null eigenvalue, which is as far as 1
    x = chi2(6)
    expected = x.expect(lambda s: np.maximum(np.abs(s - 1), 1))
    assert theory.expected_operator_norm(1, 6) == pytest.approx(expected, rel=1e-6)
    assert theory.expected_operator_norm(1, 6, 0.0, 3.0) == pytest.approx(6 - 1 + 3, rel=1e-6)


@pytest.mark.parametrize(("n", "d"), [(2, 2), (3, 2), (2, 7), (5, 5), (40, 4), (6, 30), (16, 16), (12, 100)])
@pytest.mark.parametrize("ridge", [0.0, 0.6, 2.0])
def test_few_samples_or_dimensions_are_exact(n, d, ridge):
    rng = np.random.default_rng(n + d)
    rows = rng.standard_normal((3000, n, d))
    products = rows.swapaxes(-1, -2) @ rows if d <= n else rows @ rows.swapaxes(-1, -2)
    norms = np.abs(np.linalg.eigvalsh(products) / n + ridge - 1).max(-1)
    norms = np.maximum(norms, abs(1 - ridge)) if d > n else norms
    assert_within(norms, theory.expected_operator_norm(n, d, 0.0, ridge))


def test_where_the_exact_mean_ends_and_between_whole_numbers():
    """From min(n, d) = 16 to 17, where it ends, by no more than the asymptotic formula's 2 %."""
    for n in (17, 100, 2000):
        below, above = (theory.expected_operator_norm(n, d) for d in (16, 17))
        slope = theory.operator_norm(n / 17) / theory.operator_norm(n / 16)
        assert above / below == pytest.approx(slope, abs=0.03)
    halfway = theory.expected_operator_norm([4, 4.5, 5], 3)
    assert halfway[1] == pytest.approx((halfway[0] + halfway[2]) / 2, rel=1e-12)


def test_a_strong_spike_among_few():
    for n, d, strength in ((5, 2, 8.0), (4, 4, 8.0), (50, 5, 8.0)):
        draws = norms(spiked(d, strength), n, 3000, seed=n)
        expected = theory.expected_operator_norm(n, d, strength)
        assert_within(draws, expected, allowance=0.06 * expected)


def test_several_spikes_follow_the_strongest():
    d, load = 300, 2.0
    population = spiked(d, 6.0)
    population[1:3] += [4.0, 2.0]
    draws = norms(population, round(load * d), 20, seed=9)
    expected = theory.expected_operator_norm(load * d, d, 6.0)
    assert_within(draws, expected, allowance=0.02 * expected)


def test_edge_of_any_spectrum():
    loads = np.array([0.1, 1.0, 10.0])
    isotropic = theory.operator_norm_from_spectrum(np.ones(40), 40 * loads, 0.3)
    np.testing.assert_allclose(isotropic, theory.operator_norm(loads, 0.0, 0.3), rtol=1e-9)
    # a lone spike among many: the outlier, and the width O(n^-½) that its own fluctuation gives it
    for d in (10**4, 10**6):
        norm = theory.operator_norm_from_spectrum(spiked(d, 3.0), 2.0 * d)
        assert 0 <= norm / theory.operator_norm(2.0, 3.0) - 1 < 4 / np.sqrt(2 * d)
    wide = np.linspace(1, 3, 300)
    draws = norms(wide, 450, 10, seed=10)
    mean, error = mean_and_error(draws)
    assert -0.1 < mean / theory.operator_norm_from_spectrum(wide, 450) - 1 < 4 * error / mean


def test_edge_overestimates_where_the_leading_eigenvalue_stands_alone():
    for exponent, excess in ((0.5, 0.15), (1.0, 0.35), (2.0, 0.55)):
        population = np.arange(1, 101.0) ** -exponent
        mean, error = mean_and_error(norms(population, 200, 200, seed=11))
        ratio = theory.operator_norm_from_spectrum(population, 200) / mean - 1
        assert 0 < ratio < excess + 4 * error / mean


def test_bad_input_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"strength must be a finite number at least -1, got -2\.0\."):
        theory.operator_norm(1.0, -2.0)
    with pytest.raises(ValueError, match=r"d must be whole numbers of at least 1, got 1\.5\."):
        theory.expected_operator_norm(10, 1.5)
