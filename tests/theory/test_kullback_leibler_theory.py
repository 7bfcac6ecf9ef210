import numpy as np
import pytest
from covariance_draws import assert_within, covariances

from jaxmem import theory


def divergences(covariance, population, offset=0.0):
    """Both directions, between N(offset, covariance) and N(0, diag(population))."""
    d = population.size
    log_ratio = np.linalg.slogdet(covariance)[1] - np.log(population).sum()
    inverse = np.linalg.inv(covariance)
    offset = np.broadcast_to(offset, (d,))
    forward = (np.diag(covariance) / population).sum() - d - log_ratio + (offset**2 / population).sum()
    backward = (np.diag(inverse) * population).sum() - d + log_ratio + offset @ inverse @ offset
    return forward / 2, backward / 2


def test_known_values():
    kl = theory.expected_kl(400, 200)
    assert kl.generated_population == pytest.approx(30.8585, abs=5e-5)
    assert kl.population_generated == pytest.approx(70.1466, abs=5e-5)
    assert isinstance(kl.generated_population, float)


@pytest.mark.parametrize(("n", "d"), [(14, 6), (60, 20), (200, 50)])
def test_exact_means_in_simulation(n, d):
    population = 1 / np.arange(1, d + 1.0)
    draws = [divergences(matrix, population) for matrix in covariances(population, n, 1200, seed=n)]
    assert_within(draws, theory.expected_kl(n, d))


def test_exact_means_with_an_estimated_mean():
    n, d = 25, 8
    generator = np.random.default_rng(3)
    draws = []
    for _ in range(3000):
        x = generator.standard_normal((n, d))
        draws.append(divergences(np.cov(x.T, bias=True), np.ones(d), x.mean(0)))
    assert_within(draws, theory.expected_kl(n, d, estimated_mean=True))


def test_infinities_and_large_samples():
    kl = theory.expected_kl([[5], [10], [11], [12], [10**6]], 10)
    assert np.isinf(kl.generated_population[:, 0]).tolist() == [True, False, False, False, False]
    assert np.isinf(kl.population_generated[:, 0]).tolist() == [True, True, True, False, False]
    np.testing.assert_allclose(
        [kl.generated_population[4, 0], kl.population_generated[4, 0]], 110 / 4e6, rtol=1e-4
    )
    shifted = theory.expected_kl([10, 11, 12, 13], 10, estimated_mean=True)
    assert np.isinf(shifted.generated_population).tolist() == [True, False, False, False]
    assert np.isinf(shifted.population_generated).tolist() == [True, True, True, False]


@pytest.mark.parametrize("ridge", [0.02, 0.3])
@pytest.mark.parametrize("n", [30, 100, 600])
def test_limits_with_a_ridge_in_simulation(n, ridge):
    population = np.arange(1, 101.0) ** -0.5
    draws = [
        divergences(matrix + ridge * np.eye(100), population)
        for matrix in covariances(population, n, 40, seed=n)
    ]
    expected = theory.expected_kl_from_spectrum(population, n, ridge)
    assert_within(draws, expected, allowance=1.0)  # O(1) beside sums over d = 100


def test_limits_without_a_ridge_are_those_of_the_exact_means():
    n, d = np.array([100, 200, 400, 1000, 5000]), 200
    exact, limit = theory.expected_kl(n, d), theory.expected_kl_from_spectrum(np.linspace(1, 9, d), n)
    assert np.isinf(limit.generated_population).tolist() == [True, False, False, False, False]
    assert np.isinf(limit.population_generated).tolist() == [True, True, False, False, False]
    np.testing.assert_allclose(limit.generated_population[1:], exact.generated_population[1:], rtol=0.02)
    np.testing.assert_allclose(limit.population_generated[2:], exact.population_generated[2:], rtol=0.02)
    # both go over into those of a vanishing ridge where they are finite
    small = theory.expected_kl_from_spectrum(np.linspace(1, 9, d), n[2:], 1e-9)
    np.testing.assert_allclose(np.asarray(small), np.asarray(limit)[:, 2:], rtol=1e-6)


def test_bad_input_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"eigenvalues must all be above 0, got 1 of value 0\."):
        theory.expected_kl_from_spectrum([1.0, 0.0], 10)
    with pytest.raises(ValueError, match=r"n must be a finite number above 0, got -3\.0\."):
        theory.expected_kl(-3, 2)
