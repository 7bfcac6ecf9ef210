import numpy as np
import pytest
from covariance_draws import assert_within, covariances

from jaxmem import theory


@pytest.mark.parametrize(("n", "ridge"), [(40, 0.1), (150, 0.0), (150, 0.1), (1000, 0.0)])
def test_simulation(n, ridge):
    population = np.arange(1, 101.0) ** -1.0

    def log_affinity(matrix):
        model = matrix + ridge * np.eye(100)
        both = np.linalg.slogdet((model + np.diag(population)) / 2)[1]
        return (np.linalg.slogdet(model)[1] + np.log(population).sum()) / 4 - both / 2

    draws = [log_affinity(matrix) for matrix in covariances(population, n, 40, seed=n)]
    # O(1) beside sums over d = 100
    assert_within(draws, theory.log_affinity_from_spectrum(population, n, ridge), allowance=0.4)


def test_limits():
    assert theory.log_affinity_from_spectrum([1.0, 2.0], 1) == -np.inf
    # KL/4 to leading order where laws are close: log(1 − H²) = −d(d + 1)/(16 n), here without the 1
    assert theory.log_affinity_from_spectrum(np.ones(50), 1e6) == pytest.approx(-(50**2) / 16e6, rel=1e-3)
    n = np.array([30.0, 300.0])
    per_dimension = theory.log_affinity_from_spectrum([1.0], n / 20, 0.1)
    np.testing.assert_allclose(theory.log_affinity_from_spectrum(np.ones(20), n, 0.1), 20 * per_dimension)
