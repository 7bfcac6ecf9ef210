"""The O(d) functions of BᵀB + ρ I, against dense NumPy and exact fractions."""

import math
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from jaxmem.covariances.bidiagonal import QUADRATURE_RANGE, BidiagonalCovariance, square_root_poles


def form(diagonal, superdiagonal, ridge=0.0):
    with jax.enable_x64(True):
        return BidiagonalCovariance(
            jnp.asarray(diagonal, jnp.float64) ** 2,
            jnp.asarray(superdiagonal, jnp.float64) ** 2,
            jnp.asarray(ridge, jnp.float64),
        )


def dense(diagonal, superdiagonal, ridge=0.0):
    b = np.diag(diagonal) + np.diag(superdiagonal, 1)
    return b.T @ b + ridge * np.eye(len(diagonal))


def draw(seed, dim, n):
    """Entries of B for n samples in R^dim, up to 1/√n."""
    rng = np.random.default_rng(seed)
    diagonal = np.sqrt(rng.chisquare(np.maximum(n - np.arange(dim), 1)) / n) * (np.arange(dim) < n)
    superdiagonal = np.sqrt(rng.chisquare(dim - 1 - np.arange(dim - 1)) / n) * (np.arange(dim - 1) < n)
    return diagonal, superdiagonal


@jax.jit
def everything(c, shift, weights, x):
    return {
        "diagonal": c.diagonal(),
        "off_diagonal": c.off_diagonal(),
        "eigenvalues": c.eigenvalues(),
        "log_determinant": c.log_determinant(),
        "shifted": c.log_determinant(shift),
        "inverse_trace": c.inverse_trace(weights),
        "inverse_quadratic": c.inverse_quadratic(x, shift),
        "root_trace": c.root_trace(weights),
        "distance_norm": c.distance_norm(weights),
        "leading_overlap": c.leading_overlap(),
    }


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 2, 7]), st.floats(1.0, 4.0), st.sampled_from([0.0, 0.2]))
def test_dense(seed, dim, load, ridge):
    entries = draw(seed, dim, math.ceil(load * dim))
    rng = np.random.default_rng(seed + 1)
    shift, weights, x = rng.uniform(0.1, 2, dim), rng.uniform(0.5, 2, dim), rng.normal(size=dim)
    matrix, shifted, roots = dense(*entries, ridge), dense(*entries, ridge) + np.diag(shift), np.sqrt(weights)
    with jax.enable_x64(True):
        found = everything(form(*entries, ridge), shift, weights, x)
    values, vectors = np.linalg.eigh(matrix)
    rounding = 1e-13 * values[-1] / values[0]  # of the reference
    expected = {
        "diagonal": np.diag(matrix),
        "off_diagonal": np.abs(np.diag(matrix, 1)),
        "log_determinant": np.linalg.slogdet(matrix)[1],
        "shifted": np.linalg.slogdet(shifted)[1],
        "inverse_trace": np.diag(np.linalg.inv(matrix)) @ weights,
        "inverse_quadratic": x @ np.linalg.solve(shifted, x),
        "root_trace": np.sqrt(np.maximum(np.linalg.eigvalsh(roots[:, None] * matrix * roots), 0)).sum(),
        "distance_norm": np.linalg.norm(matrix - np.diag(weights), 2),
    }
    for name, value in expected.items():
        assert_allclose(found[name], value, rtol=1e-9 + rounding, atol=1e-11 + rounding, err_msg=name)
    assert_allclose(found["eigenvalues"], values[::-1], atol=1e-14 * values[-1] * dim)
    if dim == 1 or values[-1] - values[-2] > 1e-3 * values[-1]:
        assert_allclose(found["leading_overlap"], vectors[0, -1] ** 2, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n", [5, 20, 40, 41, 400])
def test_root_trace_of_samples(n):
    """48 poles give Tr C^{1/2} to 1e-12 also at n = d and below, where C is singular."""
    dim = 40
    entries = draw(n, dim, n)
    b = np.diag(entries[0]) + np.diag(entries[1], 1)
    assert_allclose(form(*entries).root_trace(), np.linalg.svd(b, compute_uv=False).sum(), rtol=3e-12)


def test_graded_matrix_keeps_its_digits():
    """An eigenvalue 1e-24 times the largest: no digits left in C itself, all of them in B."""
    diagonal, superdiagonal = [1.0, 2.0**-20, 2.0**-40, 2.0**-8], [1.0, 0.5, 2.0**-10]
    q, e = ([Fraction(x) ** 2 for x in entries] for entries in (diagonal, superdiagonal))
    # Tr C^-1 = ‖B^-1‖²; (B^-1)_ij = ± Π_{i ≤ k < j} b_k,k+1 / Π_{i ≤ k ≤ j} b_kk
    trace = Fraction(0)
    for i in range(4):
        for j in range(i, 4):
            trace += math.prod(e[i:j], start=Fraction(1)) / math.prod(q[i : j + 1], start=Fraction(1))
    c = form(diagonal, superdiagonal)
    assert_allclose(c.inverse_trace(1.0), float(trace), rtol=1e-14)
    assert_allclose(c.log_determinant(), math.log(math.prod(q)), rtol=1e-14)
    assert float(trace) > 1e24


def test_zero_rows():
    """A singular form: −∞ for its determinant, not NaN."""
    c = form([1.0, 0.0, 0.0], [0.5, 0.0])
    assert c.log_determinant() == -jnp.inf
    assert_allclose(c.log_determinant(1.0), np.linalg.slogdet(dense([1, 0, 0], [0.5, 0], 1.0))[1], rtol=1e-14)
    assert_allclose(c.root_trace(), math.sqrt(1.25), rtol=1e-11)


@pytest.mark.parametrize(
    ("nodes", "least", "tolerance"), [(16, 1e-6, 1e-6), (48, 1e-8, 1e-13), (48, 1e-14, 1e-10)]
)
def test_square_root_poles(nodes, least, tolerance):
    poles, coefficients = square_root_poles(nodes, least)
    x = np.geomspace(least, 1, 500)
    assert_allclose((coefficients * x[:, None] / (x[:, None] + poles)).sum(1), np.sqrt(x), rtol=tolerance)


def test_square_root_below_its_range():
    poles, coefficients = square_root_poles(48, QUADRATURE_RANGE)
    x = np.geomspace(1e-30, QUADRATURE_RANGE, 300)
    assert np.abs((coefficients * x[:, None] / (x[:, None] + poles)).sum(1) - np.sqrt(x)).max() < 4e-9


def test_vmap_equals_loop():
    with jax.enable_x64(True):
        forms = [form(*draw(seed, 6, 9), 0.1) for seed in range(4)]
        batch = jax.tree.map(lambda *leaves: jnp.stack(leaves), *forms)
    for function in (
        lambda c: c.root_trace(2.0),
        lambda c: c.log_determinant(1.0),
        lambda c: c.distance_norm(1.0),
        lambda c: c.leading_overlap(),
    ):
        assert_allclose(jax.vmap(function)(batch), [function(c) for c in forms], rtol=1e-12)
