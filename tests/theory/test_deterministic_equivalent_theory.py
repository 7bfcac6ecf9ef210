import numpy as np
import pytest
from covariance_draws import assert_within, covariances, root

from jaxmem import theory
from jaxmem.theory.deterministic_equivalent import Spectrum, log_determinant_equivalent

POWER_LAW = np.arange(1, 101.0) ** -1.0


def residual(eigenvalues, n, ridge):
    kappa = theory.effective_ridge(eigenvalues, n, ridge)
    share = (eigenvalues / (eigenvalues + np.expand_dims(kappa, -1))).sum(-1)
    return ridge + kappa * share / n - kappa, kappa


@pytest.mark.parametrize("exponent", [0.0, 1.0, 3.0])
def test_effective_ridge_solves_its_equation(exponent):
    eigenvalues = np.arange(1, 101.0) ** -exponent
    n, ridge = np.array([1.0, 30.0, 99.0, 100.0, 1000.0]), np.array([[1e-9], [0.1], [10.0]])
    difference, kappa = residual(eigenvalues, n, ridge)
    np.testing.assert_allclose(difference / kappa, 0, atol=1e-13)
    few = n[n < 100]
    difference, kappa = residual(eigenvalues, few, 0.0)
    np.testing.assert_allclose(difference / kappa, 0, atol=1e-13)
    assert (kappa > 0).all()
    assert theory.effective_ridge(eigenvalues, [100.0, 1000.0]).tolist() == [0.0, 0.0]


def test_effective_ridge_of_few_samples_and_of_a_wide_spectrum():
    assert theory.effective_ridge(POWER_LAW, 1e-3) == pytest.approx(POWER_LAW.sum() / 1e-3, rel=1e-3)
    steep = 0.5 ** np.arange(900.0)  # 270 decades: Newton's method takes a hundred steps
    difference, kappa = residual(steep, 300.0, 0.0)
    assert abs(difference) < 1e-12 * kappa
    assert 0.5**310 < kappa < 0.5**290


def test_root_equivalent_is_the_mean_root_in_every_direction():
    n, ridge = 60, 0.05
    roots = [np.diag(root(matrix + ridge * np.eye(100))) for matrix in covariances(POWER_LAW, n, 150, seed=2)]
    expected = theory.root_equivalent(POWER_LAW, n, ridge)
    # per direction the error is O(1/n) of the root; 100 directions at 5 standard errors
    assert_within(roots, expected, allowance=0.5 * expected / n, errors=5.0)


def test_root_equivalent_keeps_order_shape_zeros_and_scale():
    eigenvalues = np.array([0.0, 3.0, 1.0, 1.0, 0.5, 0.0])
    n, ridge = np.array([2.0, 4.0, 50.0]), np.array([[0.0], [0.3]])
    roots = theory.root_equivalent(eigenvalues, n, ridge)
    assert roots.shape == (2, 3, 6)
    np.testing.assert_allclose(roots[0, :, [0, 5]], 0, atol=1e-15)
    np.testing.assert_allclose(roots[1, :, [0, 5]], np.sqrt(0.3), rtol=1e-14)
    np.testing.assert_array_equal(roots[..., 2], roots[..., 3])
    for scale in (1e-12, 1e9):
        scaled = theory.root_equivalent(scale * eigenvalues, n, scale * ridge)
        np.testing.assert_allclose(scaled, np.sqrt(scale) * roots, rtol=1e-12, atol=1e-14 * np.sqrt(scale))


def test_root_equivalent_tends_to_the_root_of_the_population():
    roots = theory.root_equivalent(POWER_LAW, 1e9, 0.2)
    np.testing.assert_allclose(roots, np.sqrt(POWER_LAW + 0.2), rtol=1e-7)


def test_log_determinant_has_the_resolvent_as_its_derivative():
    spectrum = Spectrum.of(POWER_LAW)
    shift = 0.1 + 0.5 * spectrum.values
    for n in (30.0, 300.0):
        value, v = log_determinant_equivalent(spectrum, n, shift)
        step = 1e-5
        higher, _ = log_determinant_equivalent(spectrum, n, shift + step)
        lower, _ = log_determinant_equivalent(spectrum, n, shift - step)
        resolvent = (spectrum.counts / (spectrum.values * v + shift)).sum()
        assert (higher - lower) / (2 * step) == pytest.approx(resolvent, rel=1e-7)
        draws = [
            np.linalg.slogdet(matrix + np.diag(0.1 + 0.5 * POWER_LAW))[1]
            for matrix in covariances(POWER_LAW, int(n), 60, seed=3)
        ]
        assert_within(draws, value, allowance=0.5)  # a sum over d = 100: O(1)


def test_bad_spectra_are_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"eigenvalues must be a finite number at least 0, got -1\.0\."):
        theory.root_equivalent([1.0, -1.0], 10)
    with pytest.raises(ValueError, match=r"eigenvalues must have shape \(any\), got \(2, 2\)"):
        theory.effective_ridge(np.eye(2), 10)
    with pytest.raises(ValueError, match=r"eigenvalues must hold at least one above 0, got 3 of value 0"):
        theory.effective_ridge(np.zeros(3), 10)
    with pytest.raises(ValueError, match=r"n must be a finite number above 0, got 0\.0\."):
        theory.root_equivalent([1.0], 0)
