"""The spectral form against dense NumPy: full, thin, and thin over a ridge."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import sqrtm

from jaxmem.covariances.spectral import SpectralCovariance

DIM = 6


def thin(seed, rank, rest):
    """k = rank + 1 pairs, the last of which stands for nothing."""
    rng = np.random.default_rng(seed)
    vectors = np.linalg.qr(rng.normal(size=(DIM, rank + 1)))[0]
    vectors[:, -1] = 0
    values = np.append(np.sort(rng.uniform(1, 3, rank))[::-1], rest)
    with jax.enable_x64(True):
        return SpectralCovariance(jnp.asarray(values), jnp.asarray(vectors), jnp.asarray(rest))


def full(seed):
    rows = np.random.default_rng(seed).normal(size=(2 * DIM, DIM))
    return SpectralCovariance.from_matrix(rows.T @ rows)


CASES = {
    "full": full(0),
    "thin": thin(1, 3, 0.0),
    "ridge": thin(2, 3, 0.3),
    "full rank": thin(3, DIM - 1, 0.5),
}


@pytest.mark.parametrize("name", CASES)
def test_dense(name):
    c = CASES[name]
    matrix = np.asarray(c.matrix(), np.float64)
    singular = name == "thin"
    rng = np.random.default_rng(7)
    shift, weights, x = rng.uniform(0.5, 2, DIM), rng.uniform(0.5, 2, DIM), rng.normal(size=DIM)
    assert c.matrix().dtype == np.float64
    assert_allclose(matrix, matrix.T, atol=1e-15)
    assert_allclose(c.trace(), np.trace(matrix), rtol=1e-13)
    assert_allclose(c.diagonal(), np.diag(matrix), rtol=1e-12)
    assert_allclose(c.apply(jnp.asarray(x, jnp.float32)), matrix @ x, rtol=1e-4, atol=1e-5)
    if not singular:
        assert_allclose(c.log_determinant(), np.linalg.slogdet(matrix)[1], rtol=1e-12)
        assert_allclose(
            c.inverse_trace(weights), (np.diag(np.linalg.inv(matrix)) * weights).sum(), rtol=1e-12
        )
        assert_allclose(c.inverse_quadratic(x), x @ np.linalg.solve(matrix, x), rtol=1e-12)
    for number in (shift, 0.7):
        diagonal = np.diag(np.broadcast_to(number, DIM))
        assert_allclose(c.log_determinant(number), np.linalg.slogdet(matrix + diagonal)[1], rtol=1e-12)
        assert_allclose(c.inverse_quadratic(x, number), x @ np.linalg.solve(matrix + diagonal, x), rtol=1e-12)
        root = np.sqrt(diagonal)
        assert_allclose(c.root_trace(number), np.trace(sqrtm(root @ matrix @ root)).real, rtol=1e-7)
        assert_allclose(c.distance_norm(number), np.linalg.norm(matrix - diagonal, 2), rtol=1e-12)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("other", CASES)
def test_trace_product(name, other):
    a, b = CASES[name], CASES[other]
    expected = np.trace(np.asarray(a.matrix()) @ np.asarray(b.matrix()))
    assert_allclose(a.trace_product(b), expected, rtol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_map_is_a_matrix_function(name):
    c = CASES[name]
    root = np.asarray(c.map(jnp.sqrt).matrix())
    assert_allclose(root @ root, c.matrix(), atol=1e-13)


def test_singular_log_determinant():
    assert CASES["thin"].log_determinant() == -jnp.inf


def test_in_basis():
    c = CASES["ridge"]
    basis = np.linalg.qr(np.random.default_rng(9).normal(size=(DIM, DIM)))[0]
    with jax.enable_x64(True):
        rotated = c.in_basis(jnp.asarray(basis)).matrix()
    assert_allclose(rotated, basis.T @ np.asarray(c.matrix()) @ basis, atol=1e-13)
    assert c.in_basis(None) is c
