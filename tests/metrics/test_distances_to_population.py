"""Distances to the population against dense formulas in float64 NumPy, for both forms of a covariance."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import sqrtm

from jaxmem.metrics import (
    BidiagonalCovariance,
    SpectralCovariance,
    bures,
    hellinger_squared,
    kl_generated_population,
    kl_population_generated,
    log_affinity,
    operator_norm,
)
from jaxmem.populations import reduced_sample
from jaxmem.scores import fit_linear_gaussian

DIM = 7
FUNCTIONS = (bures, hellinger_squared, kl_generated_population, kl_population_generated, log_affinity)


def reference(matrix, eigenvalues, offset):
    sigma, inverse = np.diag(eigenvalues), np.linalg.inv(matrix)
    root = np.sqrt(sigma)
    log_ratio = np.linalg.slogdet(matrix)[1] - np.log(eigenvalues).sum()
    middle = (matrix + sigma) / 2
    affinity = (np.linalg.slogdet(matrix)[1] + np.log(eigenvalues).sum()) / 4
    affinity -= np.linalg.slogdet(middle)[1] / 2 + offset @ np.linalg.solve(middle, offset) / 8
    fidelity = np.trace(sqrtm(root @ matrix @ root)).real
    return {
        "kl_generated_population": (
            np.trace(matrix / eigenvalues) - DIM - log_ratio + (offset**2 / eigenvalues).sum()
        )
        / 2,
        "kl_population_generated": (np.trace(inverse @ sigma) - DIM + log_ratio + offset @ inverse @ offset)
        / 2,
        "log_affinity": affinity,
        "hellinger_squared": 1 - np.exp(affinity),
        "bures": (offset @ offset + np.trace(matrix) + eigenvalues.sum() - 2 * fidelity) / eigenvalues.sum(),
    }


@jax.jit
def distances(covariance, population, offset):
    found = {function.__name__: function(covariance, population, offset) for function in FUNCTIONS}
    return found | {"operator_norm": operator_norm(covariance, population)}


def spectral(n, ridge, capacity, eigenvalues):
    rows = np.random.default_rng(n).normal(size=(n, DIM)) * np.sqrt(eigenvalues)
    padded = np.full((capacity, DIM), 9.0)
    padded[:n] = rows
    covariance = fit_linear_gaussian(jnp.asarray(padded, jnp.float32), n, ridge=ridge).covariance
    rows = rows.astype(np.float32).astype(np.float64)
    return covariance, rows.T @ rows / n + ridge * np.eye(DIM)


def bidiagonal(n, ridge):
    covariance = reduced_sample(jax.random.key(n), n, DIM, strength=2.0, ridge=ridge).covariance
    off_diagonal = np.asarray(covariance.off_diagonal())
    matrix = np.diag(covariance.diagonal()) + np.diag(off_diagonal, 1) + np.diag(off_diagonal, -1)
    return covariance, matrix


@pytest.mark.parametrize("isotropic", [False, True])
@pytest.mark.parametrize("case", ["all samples", "ridge", "few samples", "bidiagonal", "bidiagonal, few"])
def test_dense(case, isotropic):
    eigenvalues = np.full(DIM, 1.3) if isotropic else np.linspace(3, 0.5, DIM)
    covariance, matrix = {
        "all samples": lambda: spectral(20, 0.0, 32, eigenvalues),
        "ridge": lambda: spectral(9, 0.2, 16, eigenvalues),
        "few samples": lambda: spectral(3, 0.2, 5, eigenvalues),
        "bidiagonal": lambda: bidiagonal(20, 0.0),
        "bidiagonal, few": lambda: bidiagonal(3, 0.2),
    }[case]()
    offset = np.random.default_rng(1).normal(size=DIM) / 2
    expected = reference(matrix, eigenvalues, offset)
    expected["operator_norm"] = np.linalg.norm(matrix - np.diag(eigenvalues), 2)
    with jax.enable_x64(True):
        found = distances(covariance, 1.3 if isotropic else eigenvalues, offset)
    for name, value in expected.items():
        assert found[name].dtype == np.float64
        assert_allclose(found[name], value, rtol=1e-9, atol=1e-10, err_msg=name)


def test_without_offset():
    covariance, _ = bidiagonal(20, 0.0)
    for function in FUNCTIONS:
        assert_allclose(function(covariance, 1.0), function(covariance, 1.0, jnp.zeros(DIM)), rtol=1e-12)


def test_a_vmap_around_a_callers_jit():
    matrices = np.stack([spectral(n, 0.1, 16, np.ones(DIM))[1] for n in (8, 16)]).astype(np.float32)
    eigenvalues, offset = np.linspace(3, 0.5, DIM).astype(np.float32), np.ones(DIM, np.float32)

    def from_matrix(matrix):
        return distances(SpectralCovariance.from_matrix(matrix), eigenvalues, offset)

    batch = jax.vmap(jax.jit(from_matrix))(matrices)
    for i, matrix in enumerate(matrices):
        for name, value in from_matrix(matrix).items():
            assert batch[name].dtype == np.float64
            assert_allclose(batch[name][i], value, rtol=1e-9)


@pytest.mark.parametrize("capacity", [4, 16])
def test_singular_covariance(capacity):
    """n < d without ridge: mutually singular, yet Bures and the norm are finite and right."""
    eigenvalues = np.linspace(3, 0.5, DIM)
    covariance, matrix = spectral(4, 0.0, capacity, eigenvalues)
    with jax.enable_x64(True):
        found = distances(covariance, eigenvalues, np.zeros(DIM))
    assert found["kl_generated_population"] == np.inf
    assert found["kl_population_generated"] == np.inf
    assert found["log_affinity"] == -np.inf
    assert found["hellinger_squared"] == 1
    root = np.sqrt(eigenvalues)
    values = np.linalg.eigvalsh(root[:, None] * matrix * root)[-4:]
    total = eigenvalues.sum()
    assert_allclose(found["bures"], (np.trace(matrix) + total - 2 * np.sqrt(values).sum()) / total, rtol=3e-7)
    assert_allclose(found["operator_norm"], np.linalg.norm(matrix - np.diag(eigenvalues), 2), rtol=1e-12)


@pytest.mark.parametrize("form", [SpectralCovariance, BidiagonalCovariance])
def test_same_law(form):
    """Every distance of a law from itself is 0."""
    eigenvalues = np.linspace(3, 0.5, DIM)
    with jax.enable_x64(True):
        if form is SpectralCovariance:
            covariance = form.from_matrix(np.diag(eigenvalues))
        else:
            covariance = form(jnp.asarray(eigenvalues), jnp.zeros(DIM - 1), jnp.zeros(()))
        found = distances(covariance, eigenvalues, np.zeros(DIM))
    for name, value in found.items():
        assert abs(value) < 1e-11, name


def test_high_dimension_stays_in_the_log_domain():
    covariance = reduced_sample(jax.random.key(0), 1500, 1000).covariance
    assert hellinger_squared(covariance, 1.0) == 1
    assert -np.inf < log_affinity(covariance, 1.0) < -40


def test_laws_on_one_support_are_compared_there():
    """A direction that neither law moves in says nothing; one that the learnt law alone moves in, all."""
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(12, 4))
    moments = rows.T @ rows / 12
    whole, part = (
        SpectralCovariance.from_matrix(moments),
        fit_linear_gaussian(np.pad(rows, ((0, 0), (0, 1))), mean=np.zeros(5)).covariance,
    )
    population = np.array([1.0, 2.0, 0.5, 1.0, 0.0])
    for metric in (kl_generated_population, kl_population_generated, log_affinity):
        np.testing.assert_allclose(metric(part, population), metric(whole, population[:4]), rtol=1e-12)
    outside = SpectralCovariance.from_matrix(np.eye(5))
    assert np.isposinf(float(kl_generated_population(outside, population)))
    assert np.isposinf(float(kl_population_generated(outside, population)))
    assert np.isneginf(float(log_affinity(outside, population)))
