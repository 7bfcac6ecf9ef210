import numpy as np
import pytest
from covariance_draws import assert_within, covariances

from jaxmem import theory


def leading(matrix, count):
    values, vectors = np.linalg.eigh(matrix)
    return values[::-1][:count], np.diag(vectors[:, ::-1][:, :count]) ** 2


def test_known_value_and_limits():
    assert theory.latent_recovery(1, 2) == pytest.approx(1 / 3, rel=1e-15)
    assert isinstance(theory.latent_recovery(1.0, 2.0), float)
    strength = np.array([0.5, 1.0, 3.0])
    threshold = theory.recovery_threshold(strength)
    np.testing.assert_array_equal(theory.latent_recovery(strength, threshold), 0)
    np.testing.assert_array_equal(theory.latent_recovery(strength, threshold * (1 - 1e-12)), 0)
    # continuous at the threshold, of slope γ dQ/dγ = θ/(1 + θ) above it
    slope = theory.latent_recovery(strength, threshold * (1 + 1e-6)) / 1e-6
    np.testing.assert_allclose(slope, 1 / (1 + strength), rtol=1e-5)
    far = 1 - theory.latent_recovery(strength, 1e6)
    np.testing.assert_allclose(far, (1 + strength) / (1e6 * strength**2), rtol=1e-4)
    assert theory.latent_recovery(0.0, 1e9) == 0
    assert theory.recovery_threshold(0.0) == np.inf
    assert theory.latent_recovery(np.array([[0.5], [2.0]]), np.array([0.1, 1.0, 10.0])).shape == (2, 3)


@pytest.mark.parametrize(("strength", "load"), [(0.5, 12.0), (1.0, 4.0), (3.0, 0.5), (5.0, 20.0)])
def test_overlap_and_outlier_in_simulation(strength, load):
    d = 400
    population = np.ones(d)
    population[0] += strength
    draws = [leading(m, 1) for m in covariances(population, round(load * d), 8, seed=round(10 * strength))]
    values, overlaps = (np.array(part)[:, 0] for part in zip(*draws, strict=True))
    assert_within(overlaps, theory.latent_recovery(strength, load), allowance=5 / d)
    expected = theory.spiked_eigenvalue(strength, load)
    assert_within(values, expected, allowance=5 * expected / d)


def test_several_spikes_do_not_disturb_each_other():
    d, load, strengths = 400, 2.0, np.array([5.0, 2.5, 1.2])
    population = np.ones(d)
    population[:3] += strengths
    draws = [leading(matrix, 3)[1] for matrix in covariances(population, round(load * d), 10, seed=4)]
    assert_within(draws, theory.latent_recovery(strengths, load), allowance=10 / d)


def test_negative_spike_is_recovered_at_the_lower_end():
    d, load, strength = 200, 6.0, -0.8
    population = np.ones(d)
    population[0] += strength
    values, overlaps = [], []
    for matrix in covariances(population, round(load * d), 12, seed=5):
        eigenvalues, vectors = np.linalg.eigh(matrix)
        values.append(eigenvalues[0])
        overlaps.append(vectors[0, 0] ** 2)
    assert_within(overlaps, theory.latent_recovery(strength, load), allowance=5 / d)
    assert_within(values, theory.spiked_eigenvalue(strength, load), allowance=1 / d)


def test_below_threshold_the_spike_sits_at_the_edge():
    edges = theory.marchenko_pastur_edges(2.0)
    np.testing.assert_allclose(theory.spiked_eigenvalue([0.3, -0.3], 2.0), [edges.upper, edges.lower])
    # and leaves it continuously
    theta = 2.0**-0.5
    assert theory.spiked_eigenvalue(theta * (1 + 1e-9), 2.0) == pytest.approx(edges.upper, rel=1e-12)
    assert theory.spiked_eigenvalue(1.0, 1.5) == pytest.approx(2 * (1 + 1 / 1.5))  # γθ² = 1.5: seen


def test_recovery_size_is_the_large_n_limit():
    eigenvalues = np.arange(1, 51.0) ** -1.5
    n = 5000
    sizes = theory.recovery_size(eigenvalues, 3)
    draws = [n * (1 - leading(matrix, 3)[1]) for matrix in covariances(eigenvalues, n, 250, seed=6)]
    assert_within(draws, sizes, allowance=5 * sizes**2 / n)
    # a spike in a bulk: its own formula to first order
    spiked = np.append(np.ones(100), 3.0)
    assert theory.recovery_size(spiked)[0] == pytest.approx(100 * 3 / 4)
    assert theory.recovery_size([2.0, 2.0, 1.0], 2).tolist() == [2.0, 2.0]


def test_recovery_size_of_power_laws():
    d = 10**5
    k = np.arange(1, d + 1.0)
    for exponent in (0.5, 0.75):
        sizes = theory.recovery_size(k**-exponent, 2)
        leading_order = d ** (1 - exponent) / (1 - exponent) * np.array([1, 2**exponent])
        np.testing.assert_allclose(sizes, leading_order, rtol=0.15)
    sizes = theory.recovery_size(k[: 10**4] ** -1.5, 60)
    assert sizes[-1] == pytest.approx(np.pi**2 * 60**2 / (3 * 1.5**2), rel=0.05)


def test_bad_input_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"strength must be a finite number at least -1, got -1\.5\."):
        theory.latent_recovery(-1.5, 2.0)
    with pytest.raises(
        ValueError, match="directions must be a whole number of at least 1 and at most 2, got 3"
    ):
        theory.recovery_size([1.0, 2.0], 3)
