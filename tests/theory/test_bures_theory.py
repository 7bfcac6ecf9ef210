import numpy as np
import pytest
from covariance_draws import assert_within, covariances

from jaxmem import theory


def distances(eigenvalues, n, count, seed, ridge=0.0):
    scale = np.sqrt(eigenvalues)
    for matrix in covariances(eigenvalues, n, count, seed):
        ridged = matrix + ridge * np.eye(scale.size)
        fidelity = np.sqrt(np.maximum(np.linalg.eigvalsh(scale[:, None] * ridged * scale), 0)).sum()
        yield (np.trace(ridged) + eigenvalues.sum() - 2 * fidelity) / eigenvalues.sum()


def test_isotropic_limits_and_relation_to_convergence():
    loads = np.geomspace(0.05, 20, 9)
    np.testing.assert_allclose(
        theory.bures_per_dimension(loads), 2 * (1 - np.sqrt(theory.convergence(loads))), rtol=1e-12
    )
    assert theory.bures_per_dimension(1e-8) == pytest.approx(2, rel=1e-3)
    assert theory.bures_per_dimension(1e5) == pytest.approx(0.25e-5, rel=1e-4)
    assert isinstance(theory.bures_per_dimension(1.0), float)
    # an infinite ridge adds nothing but itself
    assert theory.bures_per_dimension(2.0, 1e4) == pytest.approx((np.sqrt(1e4) - 1) ** 2, rel=1e-3)


@pytest.mark.parametrize("ridge", [0.0, 1e-6, 0.1, 3.0])
def test_isotropic_law_and_any_spectrum_agree(ridge):
    loads = np.array([1e-3, 0.05, 0.5, 1 - 1e-9, 1.0, 1 + 1e-9, 2.0, 20.0])
    general = theory.bures_from_spectrum(np.ones(3), 3 * loads, ridge)
    np.testing.assert_allclose(general, theory.bures_per_dimension(loads, ridge), rtol=1e-12)


def test_without_a_ridge_it_is_the_half_moment_of_the_squared_spectrum():
    eigenvalues = np.arange(1, 101.0) ** -1.0
    n = np.array([5.0, 50.0, 100.0, 101.0, 1000.0])
    trace = theory.root_equivalent(eigenvalues**2, n).sum(-1)
    expected = 2 - 2 * trace / eigenvalues.sum()
    np.testing.assert_allclose(theory.bures_from_spectrum(eigenvalues, n), expected, rtol=1e-11)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("load", [0.05, 1.0, 20.0])
@pytest.mark.parametrize("ridge", [0.0, 0.05])
def test_simulation_on_the_grid(exponent, load, ridge):
    d, n = 100, round(100 * load)
    eigenvalues = np.arange(1, d + 1.0) ** -exponent
    draws = list(distances(eigenvalues, n, 20, seed=round(10 * exponent + 1000 * load), ridge=ridge))
    assert_within(draws, theory.bures_from_spectrum(eigenvalues, n, ridge), allowance=0.5 / n)


def test_bad_input_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"load must be a finite number above 0, got nan\."):
        theory.bures_per_dimension(np.nan)
    with pytest.raises(ValueError, match=r"ridge must be a finite number at least 0, got -1\.0\."):
        theory.bures_from_spectrum([1.0], 10, -1.0)


@pytest.mark.parametrize("ridge", [0.0, 0.4])
def test_an_estimated_mean_in_simulation(ridge):
    """W2² with the mean's own part, of N(x̄, Σ̂ + ρ) and N(0, Σ)."""
    eigenvalues, n = np.linspace(0.5, 3.0, 40), 30
    generator, scale, draws = np.random.default_rng(5), np.sqrt(eigenvalues), []
    for _ in range(400):
        samples = generator.standard_normal((n, 40)) * scale
        mean = samples.mean(0)
        ridged = (samples - mean).T @ (samples - mean) / n + ridge * np.eye(40)
        fidelity = np.sqrt(np.maximum(np.linalg.eigvalsh(scale[:, None] * ridged * scale), 0)).sum()
        squares = np.trace(ridged) + eigenvalues.sum() - 2 * fidelity + mean @ mean
        draws.append(squares / eigenvalues.sum())
    expected = theory.bures_from_spectrum(eigenvalues, n, ridge, estimated_mean=True)
    assert_within(draws, expected, allowance=0.3 / n * expected)
    assert abs(np.mean(draws) - theory.bures_from_spectrum(eigenvalues, n, ridge)) > 0.01


def test_an_estimated_mean_needs_two_samples():
    with pytest.raises(ValueError, match=r"n must be a finite number above 1, got 1\.0\."):
        theory.bures_from_spectrum([1.0, 2.0], [1, 5], estimated_mean=True)
