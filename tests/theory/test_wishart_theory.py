import numpy as np
import pytest
from covariance_draws import assert_within, covariances
from scipy.special import multigammaln

from jaxmem import theory


def test_log_determinant_agrees_with_the_multivariate_gamma_function():
    # E det^s = 2^{ds} Γ_d(n/2 + s)/Γ_d(n/2) for the Wishart matrix n Σ̂; its logarithm's derivative at s = 0
    for n, d in ((5, 1), (7, 7), (40, 12), (1000, 30)):
        h = 1e-5 * n
        slope = (multigammaln(n / 2 + h, d) - multigammaln(n / 2 - h, d)) / (2 * h)
        expected = d * np.log(2 / n) + slope
        assert theory.expected_log_determinant(n, d) == pytest.approx(expected, rel=1e-7)


def test_log_determinant_broadcasts_and_is_infinite_without_samples():
    values = theory.expected_log_determinant([[1], [10], [10**7]], [1, 2, 10, 11])
    assert values.shape == (3, 4)
    assert np.isneginf(values[0, 1:]).all()
    assert np.isneginf(values[1, 3])
    assert np.isfinite(values[1, :3]).all()
    d = np.array([1, 2, 10, 11])
    np.testing.assert_allclose(values[2], -d * (d + 1) / 2e7, rtol=1e-6)


def test_frobenius_distance_in_simulation():
    eigenvalues, ridge = np.array([3.0, 1.0, 0.5, 0.0]), 0.2
    draws = [
        ((matrix + ridge * np.eye(4) - np.diag(eigenvalues)) ** 2).sum()
        for matrix in covariances(eigenvalues, 6, 4000, seed=1)
    ]
    assert_within(draws, theory.expected_squared_frobenius(eigenvalues, 6, ridge))


def test_bad_input_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"d must be whole numbers of at least 1, got 2\.5\."):
        theory.expected_log_determinant(10, 2.5)
