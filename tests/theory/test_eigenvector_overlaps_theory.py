import numpy as np
import pytest
from covariance_draws import assert_within, covariances

from jaxmem import theory


def squared_overlaps(eigenvalues, n, count, seed, directions):
    """(u_i·v_j)² for i, j < directions."""
    for matrix in covariances(eigenvalues, n, count, seed):
        _, vectors = np.linalg.eigh(matrix)
        yield vectors[:directions, ::-1][:, :directions] ** 2


@pytest.mark.parametrize("strength", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("load", [0.1, 0.5, 1.0, 2.0, 8.0])
def test_spike_through_the_threshold_at_finite_size(strength, load):
    d, n = 100, round(100 * load)
    population = np.ones(d)
    population[0] += strength
    draws = [overlap[0, 0] for overlap in squared_overlaps(population, n, 60, round(100 * load), 1)]
    assert_within(draws, theory.latent_recovery_from_spectrum(population, n)[0], allowance=3.5 / d)


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("n", [5, 20, 100, 500])
def test_power_law_directions(exponent, n):
    d = 100
    population = np.arange(1, d + 1.0) ** -exponent
    draws = [np.diag(overlap) for overlap in squared_overlaps(population, n, 60, n, 4)]
    expected = theory.latent_recovery_from_spectrum(population, n, 4)
    assert_within(draws, expected, allowance=0.06)  # eigenvalues that cross over


def test_far_above_the_threshold_it_is_the_formula_of_a_spike():
    d = 2000
    population = np.ones(d)
    population[:2] += [6.0, 3.0]
    loads = np.array([1.0, 4.0, 16.0])
    overlaps = theory.latent_recovery_from_spectrum(population, loads * d, 2)
    expected = theory.latent_recovery([[6.0, 3.0]], loads[:, None])
    np.testing.assert_allclose(overlaps, expected, atol=3 / d)


def test_at_the_threshold_it_vanishes_as_the_cube_root():
    dims = np.array([100, 800, 6400])
    overlaps = []
    for d in dims:
        population = np.ones(d)
        population[0] += 1.0
        overlaps.append(theory.latent_recovery_from_spectrum(population, d)[0])
    exponent = np.polyfit(np.log(dims), np.log(overlaps), 1)[0]
    assert exponent == pytest.approx(-1 / 3, abs=0.03)


def test_large_samples_give_perturbation_theory():
    population = np.arange(1, 31.0) ** -1.0
    n = 1e7
    missing = 1 - theory.latent_recovery_from_spectrum(population, n, 3)
    # the own eigenvalue's share of the spectrum has a width, which adds O(1/n) and no more
    np.testing.assert_allclose(n * missing, theory.recovery_size(population, 3), rtol=0.01, atol=1.5)


def test_subspaces_and_degenerate_directions():
    d, n = 60, 90
    population = np.ones(d)
    population[:2] += 3.0
    draws = [overlap.sum() / 2 for overlap in squared_overlaps(population, n, 200, 3, 2)]
    expected = theory.subspace_recovery_from_spectrum(population, n, 2)
    assert_within(draws, expected, allowance=1 / d)
    np.testing.assert_allclose(theory.latent_recovery_from_spectrum(population, n, 2), expected, rtol=1e-9)
    distinct = np.arange(1, d + 1.0) ** -1.0
    draws = [overlap.sum() / 3 for overlap in squared_overlaps(distinct, n, 100, 4, 3)]
    assert_within(draws, theory.subspace_recovery_from_spectrum(distinct, n, 3), allowance=0.01)


def test_units_do_not_matter():
    population = np.array([4.0, 2.0, 1.9, 1.0, 0.0])
    overlaps = theory.latent_recovery_from_spectrum(population, [2.5, 30.0], 3)
    for scale in (1e-12, 1e9):
        scaled = theory.latent_recovery_from_spectrum(scale * population, [2.5, 30.0], 3)
        np.testing.assert_allclose(scaled, overlaps, rtol=1e-9)


def test_all_eigenvectors_share_the_directions_out():
    # Σ_i (u_i·v)² over all u_i is 1, over the n of a smaller sample λ/(λ + κ), of mean n/d
    population = np.array([4.0, 2.0, 1.0, 0.5, 0.25])
    assert theory.subspace_recovery_from_spectrum(population, 50, 5) == pytest.approx(1, rel=1e-12)
    assert theory.subspace_recovery_from_spectrum(population, 2.0, 5) == pytest.approx(2 / 5, rel=1e-12)
    overlaps = theory.latent_recovery_from_spectrum(population, [2.0, 5.0, 50.0], 5)
    assert overlaps.shape == (3, 5)
    assert (overlaps[0, 2:] == 0).all()
    assert ((overlaps >= -1e-12) & (overlaps <= 1)).all()
    np.testing.assert_allclose(theory.latent_recovery_from_spectrum(np.ones(5), [3, 7]), [[0.6], [1.0]])


def test_isotropic_population_has_the_same_weight_everywhere():
    # the count by the argument of the determinant against the quadrature of the resolvent
    for count in (1, 10, 49):
        weight = theory.subspace_recovery_from_spectrum(np.ones(50), [5, 50, 150], count)
        np.testing.assert_allclose(weight, np.minimum(count, [5, 50, 150]) / 50, rtol=1e-9)


def test_bad_input_is_refused_in_one_sentence():
    with pytest.raises(
        ValueError, match="directions must be a whole number of at least 1 and at most 3, got 0"
    ):
        theory.latent_recovery_from_spectrum([3.0, 2.0, 1.0], 10, 0)
    with pytest.raises(ValueError, match=r"n must be a finite number above 0, got 0\.0\."):
        theory.subspace_recovery_from_spectrum([3.0, 2.0, 1.0], 0, 1)
