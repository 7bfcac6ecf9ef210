import numpy as np
import pytest
from covariance_draws import assert_within, covariances, mean_and_error

from jaxmem import theory

SPECTRA = {
    "white": np.ones(30),
    "power law": np.arange(1, 31.0) ** -1.0,
    "two levels": np.repeat([4.0, 0.25, 0.0], [12, 12, 4]),
}


def denoisers(eigenvalues, n, noises, count, seed):
    """Σ̂ (Σ̂ + σ²)^-1 of `count` data sets at every σ, shape (count, noise, d, d), by NumPy alone."""
    values, vectors = np.linalg.eigh(np.array(list(covariances(eigenvalues, n, count, seed))))
    gains = np.maximum(values, 0)[:, None] / (np.maximum(values, 0)[:, None] + np.square(noises)[:, None])
    return (vectors[:, None] * gains[..., None, :]) @ vectors.swapaxes(-1, -2)[:, None]


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("n", [3, 12, 60])
def test_simulation(name, n):
    """Pairs on disjoint sets: bias² and variance over y ~ N(0, Σ + σ²), and each one's error against x."""
    eigenvalues, noises = SPECTRA[name], np.array([0.2, 0.5, 2.0])
    found = denoisers(eigenvalues, n, noises, 600, seed=n)
    seen = eigenvalues + noises[:, None, None] ** 2  # the law of y, along the last axis
    best = np.einsum(
        "ki,ij->kij", eigenvalues / (eigenvalues + noises[:, None] ** 2), np.eye(eigenvalues.size)
    )
    first, second = found[::2] - best, found[1::2] - best
    expected = theory.denoiser_agreement(eigenvalues, n, noises)
    bias_squared = (first * second * seen).sum((-1, -2))
    variance = ((first - second) ** 2 * seen).sum((-1, -2)) / 2
    error = ((found - np.eye(eigenvalues.size)) ** 2 * eigenvalues).sum((-1, -2)) + (
        found**2 * noises[:, None, None] ** 2
    ).sum((-1, -2))
    assert_within(bias_squared, expected.bias_squared, allowance=0.01 * expected.bias_squared)
    assert_within(variance, expected.variance, allowance=0.01 * expected.variance)
    assert_within(error, expected.error, allowance=0.003 * expected.error)


def test_the_next_order_is_seen():
    """At n = d = 30 the leading order alone is wrong by 7 %, this by 1 %."""
    (d, n, t), eigenvalues = (30, 30, 0.04), np.ones(30)
    found = denoisers(eigenvalues, n, np.array([0.2]), 1200, seed=1)[:, 0]
    draws = ((found[::2] - found[1::2]) ** 2).sum((-1, -2)) * (1 + t) / 2
    mean, error = mean_and_error(draws)
    ridge = theory.effective_ridge(eigenvalues, n, t)
    kept = 1 / (1 + ridge)
    leading = ridge**2 / (n - d * kept**2) * (d / (1 + ridge) ** 2) ** 2 * (1 + t)
    assert abs(leading / mean - 1) > 0.06
    expected = theory.denoiser_agreement(eigenvalues, n, 0.2).variance
    assert abs(expected / mean - 1) < 0.015 + 4 * error / mean


def test_many_samples_are_perturbation_theory():
    """Var D̂_ij = σ⁴ λ_i λ_j (1 + δ_ij)/(n (λ_i + σ²)² (λ_j + σ²)²), and the mean by one order more."""
    eigenvalues, t, n = np.array([3.0, 1.0, 0.5, 0.0]), 0.3, 10**7
    found = theory.denoiser_agreement(eigenvalues, n, np.sqrt(t))
    gain = eigenvalues / (eigenvalues + t)
    share = eigenvalues / (eigenvalues + t) ** 2
    pairs = t**2 * np.outer(share, share) * (1 + np.eye(4)) / n
    assert found.variance == pytest.approx((pairs * (eigenvalues + t)).sum(), rel=1e-5)
    shift = -(t * share) * (gain.sum() + gain) / n
    assert found.bias_squared == pytest.approx((shift**2 * (eigenvalues + t)).sum(), rel=1e-5)
    assert found.error == pytest.approx(theory.wiener_error(eigenvalues, np.sqrt(t)), rel=1e-5)


def test_little_noise_and_few_samples_are_a_random_projector():
    """D̂ projects on n of d directions: E D̂ = n/d, exactly, at Σ = 1."""
    found = theory.denoiser_agreement(np.ones(20), 8, 1e-6)
    assert found.bias_squared == pytest.approx(20 * (1 - 8 / 20) ** 2, rel=1e-5)
    assert found.variance == pytest.approx(8 - 8**2 / 20, rel=1e-5)
    assert found.error == pytest.approx(12, rel=1e-5)
    # enough samples leave nothing wrong, to relative σ²
    few = theory.denoiser_agreement(np.ones(20), 400, [1e-3, 1e-5])
    np.testing.assert_allclose(few.variance[1] / few.variance[0], 1e-8, rtol=1e-4)
    np.testing.assert_allclose(few.bias_squared[1] / few.bias_squared[0], 1e-8, rtol=1e-4)


def test_much_noise_shows_the_covariance_itself():
    """D̂ → Σ̂/σ²: variance → ((Tr Σ)² + Tr Σ²)/(n σ²), bias² → O(σ⁻⁶)."""
    eigenvalues = np.array([2.0, 1.0, 0.5])
    found = theory.denoiser_agreement(eigenvalues, 4, 1e3)
    assert found.variance == pytest.approx((3.5**2 + 5.25) / 4e6, rel=1e-4)
    assert found.bias_squared < 1e-9 * found.variance
    assert found.error == pytest.approx(3.5, rel=1e-4)


def test_units_shapes_and_null_directions():
    eigenvalues = np.array([3.0, 1.0, 0.2])
    found = theory.denoiser_agreement(eigenvalues, [[5], [50]], [0.3, 1.0, 2.0])
    scaled = theory.denoiser_agreement(1e6 * eigenvalues, [[5], [50]], 1e3 * np.array([0.3, 1.0, 2.0]))
    padded = theory.denoiser_agreement([*eigenvalues, 0, 0], [[5], [50]], [0.3, 1.0, 2.0])
    for name in found._fields:
        assert getattr(found, name).shape == (2, 3)
        np.testing.assert_allclose(getattr(scaled, name), 1e6 * getattr(found, name), rtol=1e-10)
        np.testing.assert_allclose(getattr(padded, name), getattr(found, name), rtol=1e-12)
        single = getattr(theory.denoiser_agreement([3, 1, 0.2], 50, 1), name)
        assert isinstance(single, float)
        assert single == pytest.approx(getattr(found, name)[1, 1], rel=1e-12)
    np.testing.assert_allclose(
        found.error - found.bias_squared - found.variance,
        np.broadcast_to(theory.wiener_error(eigenvalues, [0.3, 1.0, 2.0]), (2, 3)),
        rtol=1e-12,
    )


def test_bad_input_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"noise must be a finite number above 0, got 0\.0\."):
        theory.denoiser_agreement([1.0], 5, 0.0)
    with pytest.raises(ValueError, match="eigenvalues must hold at least one above 0"):
        theory.denoiser_agreement([0.0], 5, 1.0)
