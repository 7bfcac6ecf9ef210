import numpy as np
import pytest
from covariance_draws import assert_within, covariances
from scipy.integrate import quad

from jaxmem import theory

LOADS = np.array([1e-4, 0.05, 0.5, 1 - 1e-9, 1.0, 1 + 1e-9, 2.0, 20.0, 1e4])


@pytest.mark.parametrize("load", [0.05, 0.5, 1.0, 2.0, 20.0])
def test_density_holds_the_mass_beside_the_atom_and_the_moments(load):
    lower, upper = theory.marchenko_pastur_edges(load)
    for order in (0.5, 1.0, 2.0, 3.0):
        moment, _ = quad(lambda x, s=order: x**s * theory.marchenko_pastur_density(x, load), lower, upper)
        assert moment == pytest.approx(theory.marchenko_pastur_moment(order, load), rel=1e-6)
    mass, _ = quad(theory.marchenko_pastur_density, lower, upper, args=(load,), limit=200)
    assert mass == pytest.approx(min(1.0, load), rel=1e-6)


def test_whole_moments_are_narayana_polynomials():
    c = 1 / LOADS
    np.testing.assert_allclose(theory.marchenko_pastur_moment(1.0, LOADS), 1, rtol=1e-12)
    np.testing.assert_allclose(theory.marchenko_pastur_moment(2.0, LOADS), 1 + c, rtol=1e-12)
    np.testing.assert_allclose(theory.marchenko_pastur_moment(3.0, LOADS), 1 + 3 * c + c**2, rtol=1e-12)
    np.testing.assert_allclose(theory.marchenko_pastur_moment(0.0, LOADS), 1, rtol=1e-15)
    above = LOADS[LOADS > 1]
    np.testing.assert_allclose(theory.marchenko_pastur_moment(-1.0, above), 1 / (1 - 1 / above), rtol=1e-6)
    assert theory.marchenko_pastur_moment(-1.0, 0.5) == theory.marchenko_pastur_moment(-0.5, 1.0) == np.inf


def test_average_agrees_with_closed_forms_on_both_sides_of_load_one():
    for order in (0.5, 1.0, 1.7):
        average = theory.marchenko_pastur_average(lambda x, s=order: x**s, LOADS)
        np.testing.assert_allclose(average, theory.marchenko_pastur_moment(order, LOADS), rtol=1e-12)
    above = LOADS[LOADS >= 1]
    np.testing.assert_allclose(
        theory.marchenko_pastur_average(np.log, above), theory.marchenko_pastur_log_moment(above), atol=1e-12
    )
    # the resolvent m = E 1/(x + t) solves t m²/γ + (t + 1 − 1/γ) m = 1
    t = 0.01
    average = theory.marchenko_pastur_average(lambda x: 1 / (x + t), LOADS)
    np.testing.assert_allclose(t * average**2 / LOADS + (t + 1 - 1 / LOADS) * average, 1, atol=1e-9)
    np.testing.assert_allclose(average[LOADS >= 0.5], resolvent_above(t, LOADS[LOADS >= 0.5]), rtol=1e-12)


def resolvent_above(t, load):
    linear = t + 1 - 1 / load
    return 2 / (linear + np.sqrt(linear**2 + 4 * t / load))


def test_log_moment_limits():
    assert theory.marchenko_pastur_log_moment(0.999) == -np.inf
    assert theory.marchenko_pastur_log_moment(1.0) == -1.0
    assert theory.marchenko_pastur_log_moment(1e4) == pytest.approx(-0.5e-4, rel=1e-3)


def test_edges_and_spectrum_of_a_large_sample_covariance():
    d, load = 300, 3.0
    values = [np.linalg.eigvalsh(matrix) for matrix in covariances(np.ones(d), int(load * d), 6, seed=1)]
    edges = theory.marchenko_pastur_edges(load)
    assert np.mean(values, 0)[0] == pytest.approx(edges.lower, abs=2 * d ** (-2 / 3))
    assert np.mean(values, 0)[-1] == pytest.approx(edges.upper, abs=2 * d ** (-2 / 3))
    assert_within(np.sqrt(values).mean(-1), theory.marchenko_pastur_moment(0.5, load), allowance=0.5 / d)


def test_bad_input_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"load must be a finite number above 0, got 0\.0\."):
        theory.marchenko_pastur_edges([1.0, 0.0])
    with pytest.raises(ValueError, match=r"x must be a finite number, got nan\."):
        theory.marchenko_pastur_density([0.5, np.nan], 2.0)
    with pytest.raises(ValueError, match="load must be real numbers, got 'two'"):
        theory.marchenko_pastur_moment(0.5, "two")


def test_where_negative_moments_end():
    """At load 1 the density grows as x^-1/2 towards 0: E x^s exists above s = -1/2."""
    ends = theory.marchenko_pastur_moment([-0.49, -0.5, -0.6], 1.0)
    np.testing.assert_array_equal(np.isinf(ends), [False, True, True])
    np.testing.assert_array_equal(theory.marchenko_pastur_moment(-0.1, [0.9, 1.1]) == np.inf, [True, False])
