"""Batches of factorisations: equal to a loop, and not waiting for each other on a CPU."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmem.numerics import linear_algebra
from jaxmem.numerics.precision import with_float64

MATRICES = np.random.default_rng(0).normal(size=(6, 4, 9))
POSITIVE = MATRICES @ MATRICES.swapaxes(1, 2)
LOWER = np.tril(POSITIVE)


@pytest.mark.parametrize(
    ("function", "reference", "arguments"),
    [
        (linear_algebra.eigvalsh, np.linalg.eigvalsh, (POSITIVE,)),
        (linear_algebra.product, np.matmul, (MATRICES, MATRICES.swapaxes(1, 2))),
        (linear_algebra.cholesky, np.linalg.cholesky, (POSITIVE,)),
        (linear_algebra.solve_lower_triangular, np.linalg.solve, (LOWER, MATRICES)),
        (linear_algebra.solve_positive, np.linalg.solve, (POSITIVE, MATRICES)),
    ],
)
def test_in_any_nesting_equals_numpy(function, reference, arguments):
    expected = np.stack([reference(*values) for values in zip(*arguments, strict=True)])
    nested = [values.reshape(2, 3, *values.shape[1:]) for values in arguments]
    once = with_float64(jax.vmap(jax.jit(function)))(*arguments)
    np.testing.assert_allclose(once, expected, rtol=1e-10)
    twice = with_float64(jax.jit(jax.vmap(jax.vmap(function))))(*nested)
    np.testing.assert_allclose(twice, expected.reshape(2, 3, *expected.shape[1:]), rtol=1e-10)


@with_float64
def test_eigenpairs_and_tridiagonal_form():
    values, vectors = jax.vmap(linear_algebra.eigh)(POSITIVE)
    np.testing.assert_allclose(vectors * values[:, None] @ vectors.mT, POSITIVE, atol=1e-12)
    for matrix, diagonal, beside in zip(
        POSITIVE, *jax.vmap(linear_algebra.tridiagonal)(POSITIVE), strict=True
    ):
        reduced = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
        np.testing.assert_allclose(np.linalg.eigvalsh(reduced), np.linalg.eigvalsh(matrix), rtol=1e-12)
    square = MATRICES[:, :, :4]
    left, values, right = jax.vmap(linear_algebra.singular_value_decomposition)(square)
    np.testing.assert_allclose(left * values[:, None] @ right, square, atol=1e-12)


def test_products_of_float64_in_a_vmap_around_a_callers_jit():
    """The scope of float64 has closed by then; `jnp.matmul` gives float32 there."""

    @with_float64
    def squared(x):
        wide = jnp.asarray(x, jnp.float64)
        return linear_algebra.product(wide, linear_algebra.product(wide.T, wide[:, 0])) + wide[:, 0]

    x = MATRICES.astype(np.float32)
    found = jax.vmap(jax.jit(squared))(jnp.asarray(x))
    assert found.dtype == jnp.float64
    wide = x.astype(np.float64)
    expected = wide @ (wide.mT @ wide[:, :, :1]) + wide[:, :, :1]
    np.testing.assert_allclose(found, expected[..., 0], rtol=1e-13)


def test_one_shared_argument_and_a_jit_inside_float64():
    batched = jax.vmap(with_float64(jax.jit(linear_algebra.solve_positive)), in_axes=(None, 0))
    with jax.enable_x64(True):
        right = jnp.asarray(MATRICES)
    np.testing.assert_allclose(
        batched(POSITIVE[0], right), np.linalg.solve(POSITIVE[:1], MATRICES), rtol=1e-10
    )


def test_gradient():
    with jax.enable_x64(True):
        gradient = jax.vmap(jax.grad(lambda a: linear_algebra.eigvalsh(a)[-1]))(jnp.asarray(POSITIVE))
        leading = np.linalg.eigh(POSITIVE)[1][:, :, -1]
        np.testing.assert_allclose(gradient, leading[:, :, None] * leading[:, None], rtol=1e-8, atol=1e-12)


def test_independent_batches_finish_together():
    """Batched by jnp.linalg, this program hangs for ever on two cores with jaxlib 0.10."""
    program = """
import jax, jax.numpy as jnp
from jaxmem.numerics.linear_algebra import cholesky
jax.config.update("jax_enable_x64", True)
x = jax.random.normal(jax.random.key(0), (3, 1500, 12, 12))
x = x @ x.mT + jnp.eye(12)
run = jax.jit(lambda x: [jax.vmap(cholesky)(batch).sum() for batch in x])
for _ in range(40):
    jax.block_until_ready(run(x))
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
