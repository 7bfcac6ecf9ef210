"""q and Q against dense NumPy, and against their limits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import sqrtm
from scipy.special import hyp2f1

from jaxmem.metrics import (
    SpectralCovariance,
    convergence,
    latent_recovery,
    sampled_convergence,
    subspace_recovery,
)
from jaxmem.populations import Gaussian
from jaxmem.scores import fit_linear_gaussian


def random_covariance(seed, n, dim):
    rows = np.random.default_rng(seed).normal(size=(n, dim)) * np.linspace(2, 0.5, dim)
    return rows.T @ rows / n


def test_convergence_is_the_cosine_of_the_roots():
    a, b = random_covariance(0, 20, 6), random_covariance(1, 30, 6)
    expected = np.trace(sqrtm(a) @ sqrtm(b)).real / np.sqrt(np.trace(a) * np.trace(b))
    found = convergence(SpectralCovariance.from_matrix(a), SpectralCovariance.from_matrix(b))
    assert_allclose(found, expected, rtol=1e-12)


def test_convergence_of_a_model_with_itself():
    a = SpectralCovariance.from_matrix(random_covariance(0, 20, 6))
    assert_allclose(convergence(a, a), 1, rtol=1e-14)


@pytest.mark.parametrize("ridge", [0.0, 0.4])
def test_convergence_of_thin_and_full_fits(ridge):
    """The Gram matrix of few samples and a padded covariance give the same q."""
    rows = np.random.default_rng(2).normal(size=(2, 4, 10)).astype(np.float32)
    padded = np.concatenate([rows, np.full((2, 12, 10), 5, np.float32)], axis=1)
    thin = [fit_linear_gaussian(train, ridge=ridge).covariance for train in rows]
    full = [fit_linear_gaussian(train, 4, ridge=ridge).covariance for train in padded]
    roots = [sqrtm(np.asarray(c.matrix()) + 1e-30 * np.eye(10)).real for c in full]
    expected = (roots[0] * roots[1]).sum() / np.linalg.norm(roots[0]) / np.linalg.norm(roots[1])
    assert_allclose(convergence(*thin), expected, rtol=1e-6)
    assert_allclose(convergence(*full), convergence(*thin), rtol=1e-12)


@pytest.mark.parametrize(("load", "known"), [(0.5, 0.435057), (2.0, 0.870115)])
def test_convergence_of_isotropic_data(load, known):
    """q → F² (Marchenko–Pastur half-moment squared, by freeness), and its sampled form follows."""
    dim, replicates = 120, 8
    n = int(load * dim)
    series = hyp2f1(0.5, -0.5, 2, min(load, 1 / load)) * min(np.sqrt(load), 1)
    assert_allclose(series**2, known, rtol=2e-6)
    population = Gaussian.isotropic(dim)

    @jax.jit
    @jax.vmap
    def overlaps(key):
        a, b = (fit_linear_gaussian(train) for train in population.disjoint_samples(key, n))
        z = jax.random.normal(jax.random.fold_in(key, 1), (64, dim), jnp.float32)
        return convergence(a.covariance, b.covariance), sampled_convergence(a.generate(z), b.generate(z))

    exact, sampled = (
        np.asarray(x, np.float64) for x in overlaps(jax.random.split(jax.random.key(0), replicates))
    )
    assert abs(exact.mean() - known) < 4 * exact.std() / np.sqrt(replicates) + 0.5 / dim
    assert abs((sampled - exact).mean()) < 4 * (sampled - exact).std() / np.sqrt(replicates) + 1 / dim


def test_sampled_convergence_by_hand():
    a, b = jnp.array([[1.0, 0.0], [0.0, 2.0]]), jnp.array([[3.0, 0.0], [1.0, 1.0]])
    assert_allclose(sampled_convergence(a, b), (1 + 1 / np.sqrt(2)) / 2, rtol=1e-6)


def test_latent_recovery():
    basis = np.linalg.qr(np.random.default_rng(3).normal(size=(6, 6)))[0]
    covariance = SpectralCovariance.from_matrix(basis * np.array([6.0, 5, 4, 3, 2, 1]) @ basis.T)
    assert_allclose(latent_recovery(covariance, 3), np.diag(basis)[:3] ** 2, rtol=1e-10)
    assert_allclose(subspace_recovery(covariance, 2), (basis[:2, :2] ** 2).sum() / 2, rtol=1e-10)
    assert_allclose(latent_recovery(covariance.in_basis(jnp.asarray(basis)), 6), 1, rtol=1e-6)
    assert_allclose(subspace_recovery(covariance, 6), 1, rtol=1e-12)


def test_recovery_by_a_model_whose_eigenvalues_coincide():
    """The leading direction of the population in the plane of two equal eigenvalues: any basis will do."""
    vectors = np.linalg.qr(np.random.default_rng(3).normal(size=(4, 4)))[0]
    inside = (vectors[0, :2] ** 2).sum()
    for values in ([2.0, 2.0, 1.0, 0.5], [2.0, 2.0 * (1 - 1e-12), 1.0, 0.5]):
        covariance = SpectralCovariance(jnp.asarray(values), jnp.asarray(vectors), jnp.zeros(()))
        assert_allclose(subspace_recovery(covariance), inside, rtol=1e-6)
    apart = SpectralCovariance(jnp.asarray([2.0, 1.9, 1.0, 0.5]), jnp.asarray(vectors), jnp.zeros(()))
    assert_allclose(subspace_recovery(apart), vectors[0, 0] ** 2, rtol=1e-6)


@pytest.mark.parametrize("capacity", [2, 16])
def test_latent_recovery_beyond_the_span(capacity):
    rows = np.random.default_rng(4).normal(size=(capacity, 5)).astype(np.float32)
    recovered = np.asarray(latent_recovery(fit_linear_gaussian(rows, 2).covariance, 4))
    assert (recovered[:2] > 0).all()
    np.testing.assert_array_equal(recovered[2:], 0)


def test_spike_above_its_threshold():
    """θ = 1, γ = 2: Q → 1/3."""
    dim, replicates = 200, 24
    population = Gaussian.spiked(dim, [1.0])

    @jax.jit
    @jax.vmap
    def recover(key):
        return latent_recovery(fit_linear_gaussian(population.sample(key, 2 * dim)).covariance)[0]

    values = np.asarray(recover(jax.random.split(jax.random.key(5), replicates)), np.float64)
    assert abs(values.mean() - 1 / 3) < 4 * values.std() / np.sqrt(replicates) + 4 / dim


@pytest.mark.parametrize("directions", [0, 4])
def test_bad_input(directions):
    covariance = SpectralCovariance.from_matrix(np.eye(3))
    for recovery in (latent_recovery, subspace_recovery):
        with pytest.raises(ValueError, match="directions must be a whole number of at least 1 and at most 3"):
            recovery(covariance, directions)
