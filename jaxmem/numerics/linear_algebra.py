"""Matrix products and factorisations that are safe in any batch.

`product` in place of `jnp.matmul` and `@`, wherever float64 may be scoped (`numerics.precision`): these write
the type of their result into the program, and a vmap around a caller's jit, which rewrites the program after
the scope has closed, rounds that type to float32 and fails. It has full precision on every device.

Two batched LAPACK calls in one CPU program can wait for each other for ever: each blocks a thread of XLA's
pool while it waits for that same pool to work through its batch (seen with jaxlib 0.10: three batches of
1,500 Cholesky factors of 12 × 12, float64, on two cores). So under `jax.vmap` these run one matrix at a time
on a CPU and as one batched call elsewhere. Their derivatives are those of `jax.numpy.linalg`, which batch as
those do.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy import linalg as scipy_linalg
from jaxtyping import Array, Float

from jaxmem._typing import RealArray


def _one_at_a_time_on_cpu(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` of arrays, with a batching rule that maps on CPU and batches elsewhere."""
    safe = jax.custom_batching.custom_vmap(function)

    @safe.def_vmap
    def batching_rule(axis_size: int, in_batched: list[bool], *args: Any) -> tuple[Any, Any]:
        batched = tuple(i for i, is_batched in enumerate(in_batched) if is_batched)

        def sequential(*args: Any) -> Any:
            def one(rows: tuple[Any, ...]) -> Any:
                filled = list(args)
                for i, row in zip(batched, rows, strict=True):
                    filled[i] = row
                return safe(*filled)  # not `function`: an outer vmap must find this rule again

            return jax.lax.map(one, tuple(args[i] for i in batched))

        at_once = jax.vmap(function, in_axes=[0 if is_batched else None for is_batched in in_batched])
        # A jitted caller is batched after its own `enable_x64` scope has closed.
        with jax.enable_x64(any(jnp.result_type(value) == jnp.float64 for value in args)):
            out = jax.lax.platform_dependent(*args, cpu=sequential, default=at_once)
        return out, jax.tree.map(lambda _: True, out)

    differentiable = jax.custom_jvp(safe)  # custom_vmap has no reverse mode

    @differentiable.defjvp
    def derivative(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
        return jax.jvp(function, primals, tangents)

    return wraps(function)(differentiable)


def product(
    a: Float[RealArray, "... k"],
    b: Float[RealArray, "k ..."],
    precision: jax.lax.Precision = jax.lax.Precision.HIGHEST,
) -> Float[Array, "..."]:
    """Σ_k a_…k b_k…, of vectors or matrices."""
    dtype = jnp.result_type(a, b)
    dimensions = (((a.ndim - 1,), (0,)), ((), ()))
    return jax.lax.dot_general(jnp.asarray(a, dtype), jnp.asarray(b, dtype), dimensions, precision=precision)


@_one_at_a_time_on_cpu
def eigh(matrix: Float[Array, "d d"]) -> tuple[Float[Array, " d"], Float[Array, "d d"]]:
    """Eigenvalues, ascending, and eigenvectors in columns, of a symmetric matrix."""
    values, vectors = jnp.linalg.eigh(matrix)
    return values, vectors


@_one_at_a_time_on_cpu
def eigvalsh(matrix: Float[Array, "d d"]) -> Float[Array, " d"]:
    """Eigenvalues, ascending, of a symmetric matrix."""
    return jnp.linalg.eigvalsh(matrix)


@_one_at_a_time_on_cpu
def singular_value_decomposition(
    matrix: Float[Array, "d d"],
) -> tuple[Float[Array, "d d"], Float[Array, " d"], Float[Array, "d d"]]:
    """U, s and Vᵀ with U diag(s) Vᵀ equal to a square matrix, s descending."""
    left, values, right = jnp.linalg.svd(matrix)
    return left, values, right


@_one_at_a_time_on_cpu
def cholesky(matrix: Float[Array, "d d"]) -> Float[Array, "d d"]:
    """Lower triangular L with L Lᵀ equal to a positive definite matrix, NaN where it is not one."""
    return jnp.linalg.cholesky(matrix)


@_one_at_a_time_on_cpu
def solve_lower_triangular(factor: Float[Array, "d d"], right: Float[Array, "d k"]) -> Float[Array, "d k"]:
    """L⁻¹ B."""
    return scipy_linalg.solve_triangular(factor, right, lower=True)


@_one_at_a_time_on_cpu
def solve_positive(matrix: Float[Array, "d d"], right: Float[Array, "d k"]) -> Float[Array, "d k"]:
    """A⁻¹ B for a positive definite A."""
    return scipy_linalg.cho_solve(scipy_linalg.cho_factor(matrix), right)


@_one_at_a_time_on_cpu
def tridiagonal(matrix: Float[Array, "d d"]) -> tuple[Float[Array, " d"], Float[Array, " d_minus_1"]]:
    """Diagonal and off-diagonal of a tridiagonal matrix with the eigenvalues of a symmetric one."""
    _, diagonal, off_diagonal, _ = jax.lax.linalg.tridiagonal(matrix)
    return diagonal, off_diagonal
