"""The linear Gaussian model against NumPy, and its exact moments at finite n."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.special import digamma

from jaxmem.metrics import bures, kl_generated_population, kl_population_generated
from jaxmem.numerics.precision import with_float64
from jaxmem.populations import Gaussian
from jaxmem.scores import fit_linear_gaussian, linear_gaussian_capacity

fit = with_float64(jax.jit(fit_linear_gaussian, static_argnames=("dtype",)))


def draw(seed, n, dim):
    return (np.random.default_rng(seed).normal(size=(n, dim)) + 0.5).astype(np.float32)


def moments(rows, mean, ridge):
    rows = rows.astype(np.float64)
    centre = rows.mean(0) if mean is None else np.broadcast_to(mean, rows.shape[1])
    return centre, (rows - centre).T @ (rows - centre) / len(rows) + ridge * np.eye(rows.shape[1])


fit_at_zero = jax.jit(lambda rows, n, ridge: fit_linear_gaussian(rows, n, ridge=ridge))
fit_with_mean = jax.jit(lambda rows, n, ridge: fit_linear_gaussian(rows, n, mean=None, ridge=ridge))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 999),
    st.integers(2, 8),
    st.sampled_from([0.0, None]),
    st.sampled_from([0.0, 0.2]),
    st.sampled_from([12, 3]),
)
def test_moments_whatever_the_padding(seed, n, mean, ridge, dim):
    """By the Gram matrix (8 rows, d = 12) and by the covariance, with n on either side of d."""
    rows = draw(seed, n, dim)
    centre, expected = moments(rows, mean, ridge)
    for capacity in (8, 16):
        padded = np.full((capacity, dim), np.nan, np.float32)
        padded[:n] = rows
        with jax.enable_x64(True):
            model = (fit_with_mean if mean is None else fit_at_zero)(padded, n, ridge)
        assert_allclose(model.mean, centre, rtol=1e-12, atol=1e-14)
        assert_allclose(model.covariance.matrix(), expected, atol=1e-12)
        values, vectors = np.asarray(model.covariance.values), np.asarray(model.covariance.vectors)
        rank = min(n - (mean is None), dim)
        assert (np.diff(values) <= 0).all()
        np.testing.assert_array_equal(values[rank:], ridge)
        np.testing.assert_array_equal(vectors[:, rank:], 0)
        assert_allclose(vectors[:, :rank].T @ vectors[:, :rank], np.eye(rank), atol=1e-9)


def test_generate_maps_by_the_symmetric_root():
    rows = draw(1, 9, 4)
    model = fit(rows, mean=None, ridge=0.1)
    _, expected = moments(rows, None, 0.1)
    with jax.enable_x64(True):
        root = np.asarray(model.generate(jnp.eye(4)) - model.mean)
    assert_allclose(root, root.T, atol=1e-14)
    assert_allclose(root @ root, expected, rtol=1e-12)
    z = draw(2, 5, 4)
    generated = model.generate(z)
    assert generated.dtype == np.float32
    assert_allclose(generated, np.asarray(model.mean) + z @ root, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("n", [3, 9])
def test_score_is_the_gradient_of_the_noised_density(n):
    rows = draw(3, n, 4)
    model = fit(rows, mean=None)
    mu, sigma, x = 0.6, 0.7, np.array([0.3, -1.0, 2.0, 0.1])
    centre, matrix = moments(rows, None, 0.0)
    expected = -np.linalg.solve(mu**2 * matrix + sigma**2 * np.eye(4), x - mu * centre)
    with jax.enable_x64(True):
        assert_allclose(model.score(jnp.asarray(x), mu, sigma), expected, rtol=1e-11)


def test_exact_moments_at_finite_n():
    """E KL both ways of 60 samples in 30 dimensions, from Wishart moments; no allowance for 1/d."""
    n, dim, replicates = 60, 30, 600
    population = Gaussian.power_law(dim, 1.0)

    @jax.jit
    @jax.vmap
    def divergences(key):
        covariance = fit_linear_gaussian(population.sample(key, n)).covariance
        return (
            kl_generated_population(covariance, population.eigenvalues),
            kl_population_generated(covariance, population.eigenvalues),
        )

    log_determinant = digamma((n - np.arange(dim)) / 2).sum() + dim * np.log(2 / n)
    expected = -log_determinant / 2, (n * dim / (n - dim - 1) - dim + log_determinant) / 2
    found = divergences(jax.random.split(jax.random.key(0), replicates))
    for values, mean in zip(np.asarray(found, np.float64), expected, strict=True):
        assert abs(values.mean() - mean) < 4 * values.std() / np.sqrt(replicates)


@pytest.mark.parametrize(("n", "tolerance"), [(40, 2e-6), (200, 2e-5)])
def test_float32_fit(n, tolerance):
    rows = draw(4, n, 60)
    single, double = fit(rows, dtype=jnp.float32), fit(rows)
    assert single.covariance.values.dtype == np.float32
    assert double.covariance.values.dtype == np.float64
    assert_allclose(bures(single.covariance, 1.0), bures(double.covariance, 1.0), rtol=tolerance)


def test_vmap_equals_loop():
    rows = np.stack([draw(seed, 8, 5) for seed in range(3)])
    counts = jnp.array([3, 5, 8])
    batch = jax.vmap(lambda x, n: fit_linear_gaussian(x, n, mean=None, ridge=0.1).covariance.matrix())(
        rows, counts
    )
    for index in range(3):
        single = fit_linear_gaussian(rows[index], int(counts[index]), mean=None, ridge=0.1)
        assert_allclose(batch[index], single.covariance.matrix(), rtol=1e-12, atol=1e-14)


def test_numbers_may_be_traced():
    rows = draw(5, 6, 3)
    traced = jax.jit(lambda mean, ridge: fit_linear_gaussian(rows, mean=mean, ridge=ridge).covariance)
    assert_allclose(with_float64(traced)(0.25, 0.5).matrix(), moments(rows, 0.25, 0.5)[1], rtol=1e-12)


@pytest.mark.parametrize("dim", [3, 64, 100])
def test_capacity_keeps_the_sides_of_n_equal_d_apart(dim):
    for n in (1, 2, dim - 1, dim, dim + 1, 3 * dim):
        capacity = linear_gaussian_capacity(n, dim)
        assert n <= capacity
        assert (n <= dim) == (capacity <= dim)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"train": np.full((3, 2), np.nan)}, "train must be finite, got nan"),
        ({"train": np.zeros((0, 2))}, "train must have shape"),
        ({"count": 5}, "count must be a whole number from 1 to 4, the rows given, got 5"),
        ({"count": 0}, "count must be a whole number from 1 to 4, the rows given, got 0"),
        ({"ridge": -0.1}, "ridge must be a finite number at least 0, got -0.1"),
        ({"mean": None, "count": 1}, "count must be a whole number from 2 to 4, the rows given, got 1"),
    ],
)
def test_bad_input(change, sentence):
    arguments = {"train": np.ones((4, 2), np.float32)} | change
    with pytest.raises(ValueError, match=sentence):
        fit_linear_gaussian(**arguments)


@pytest.mark.parametrize("known_mean", [True, False])
def test_rank_is_the_number_of_different_rows(known_mean):
    """Nine of them in ten dimensions, each several times: no density, whatever rounding makes of it."""
    for seed in range(20):
        rows = np.tile(draw(seed, 9, 10), (2, 1))[:15]
        fitted = fit(rows, mean=np.zeros(10, np.float32)) if known_mean else fit(rows, mean=None)
        rank = 9 if known_mean else 8
        assert int((fitted.covariance.values > 0).sum()) == rank
        assert np.isinf(float(kl_generated_population(fitted.covariance, 1.0)))


@pytest.mark.parametrize(("dim", "exponent"), [(200, 8.0), (80, 6.0)])
def test_divergences_are_affine_invariant_on_steep_spectra(dim, exponent):
    """Eigenvalues up to 18 digits apart: the divergences are those of the whitened samples."""
    spectrum = np.arange(1.0, dim + 1) ** -exponent
    rows = (np.random.default_rng(dim).normal(size=(2 * dim, dim)) * np.sqrt(spectrum)).astype(np.float32)
    white = rows / np.sqrt(spectrum)
    eigenvalues = np.linalg.eigvalsh(white.T @ white / len(white))
    covariance = fit(rows, mean=np.zeros(dim, np.float32)).covariance
    forward = (eigenvalues.sum() - dim - np.log(eigenvalues).sum()) / 2
    backward = ((1 / eigenvalues).sum() - dim + np.log(eigenvalues).sum()) / 2
    assert_allclose(kl_generated_population(covariance, spectrum), forward, rtol=1e-8)
    assert_allclose(kl_population_generated(covariance, spectrum), backward, rtol=1e-8)
