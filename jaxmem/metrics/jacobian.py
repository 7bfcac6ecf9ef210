"""The Jacobian of a denoiser: its shrinkage factors, effective dimension and Stein's estimate of its error.

At y = x + σ ξ the best denoiser E[x | y] has a symmetric Jacobian, ∇f = Cov(x | y)/σ², whose eigenvalues λ_k
lie between 0 and 1 for a log-concave law; of a bias-free network f(y) = ∇f(y) y shrinks y along the
eigenvectors, an adaptive basis. E Σ λ_k is an effective dimension, and σ² E Σ λ_k the error of the best
denoiser. Any denoiser's error is estimated from y alone (Stein 1981) by

    ‖f(y) − y‖² − d σ² + 2 σ² Tr ∇f(y).

Source: Kadkhodaie, Guth, Simoncelli & Mallat, ICLR 2024, arXiv 2310.02557, section 3.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Float64

from jaxmem import _checks
from jaxmem._typing import Key, RealArray, Scalar
from jaxmem.numerics import linear_algebra
from jaxmem.numerics.linear_algebra import product
from jaxmem.numerics.precision import with_float64
from jaxmem.numerics.randomness import stream

Denoiser = Callable[[Any], Any]
"""y (d,) → f(y) (d,)."""


class JacobianSpectrum(NamedTuple):
    """Of the symmetric part of ∇f at a point, leading first.

    Attributes:
        values: λ_k, shape (k,).
        vectors: u_k as columns, shape (d, k).
    """

    values: Float64[Array, "k"]
    vectors: Float64[Array, "d k"]


@with_float64
@_checks.real_arrays("y")
def jacobian(denoiser: Denoiser, y: Float[RealArray, "d"]) -> Float64[Array, "d d"]:
    """∇f(y), whole: d derivatives."""
    y = jnp.asarray(y)
    _, along = jax.linearize(denoiser, y)
    return jax.vmap(along)(jnp.eye(y.size, dtype=y.dtype)).astype(jnp.float64).T


@with_float64
def jacobian_spectrum(matrix: Float[RealArray, "d d"]) -> JacobianSpectrum:
    """All eigenpairs of the symmetric part of a Jacobian; cost d³."""
    _checks.shape("matrix", matrix, matrix.shape[0], matrix.shape[0])
    matrix = jnp.asarray(matrix, jnp.float64)
    values, vectors = linear_algebra.eigh((matrix + matrix.T) / 2)
    return JacobianSpectrum(values[::-1], vectors[:, ::-1])


@with_float64
@_checks.real_arrays("y")
def leading_jacobian_spectrum(
    denoiser: Denoiser, y: Float[RealArray, "d"], key: Key, count: int, *, steps: int | None = None
) -> JacobianSpectrum:
    """The leading eigenpairs without the matrix, by Lanczos' method with full orthogonalisation.

    Args:
        denoiser: f, twice differentiated along a vector in each step, forwards and backwards.
        y: where.
        key: of the first vector.
        count: eigenpairs, at most `steps`.
        steps: of the method; by default 4 · count + 20, at most d. The leading ones converge first.
    """
    y = jnp.asarray(y)
    count = _checks.positive_integer("count", count, most=y.size)
    steps = min(4 * count + 20, y.size) if steps is None else steps
    steps = _checks.positive_integer("steps", steps, least=count, most=y.size)
    _, along = jax.linearize(denoiser, y)
    back = jax.linear_transpose(along, y)

    def symmetric(v: Float64[Array, "d"]) -> Float64[Array, "d"]:
        w = v.astype(y.dtype)
        return (along(w) + back(w)[0]).astype(jnp.float64) / 2

    first = jax.random.normal(stream(key, "lanczos"), y.shape, jnp.float64)

    def step(k: Any, basis: Float64[Array, "steps d"]) -> Float64[Array, "steps d"]:
        new = symmetric(basis[k - 1])
        for _ in range(2):  # once leaves what rounding has
            new = new - product(product(basis, new), basis)
        return basis.at[k].set(new / jnp.linalg.norm(new))

    basis = jnp.zeros((steps, y.size), jnp.float64).at[0].set(first / jnp.linalg.norm(first))
    basis = jax.lax.fori_loop(1, steps, step, basis)
    projected = product(jax.vmap(symmetric)(basis), basis.T)
    values, vectors = linear_algebra.eigh((projected + projected.T) / 2)
    return JacobianSpectrum(values[::-1][:count], product(basis.T, vectors[:, ::-1][:, :count]))


@with_float64
@_checks.real_arrays("y")
def jacobian_trace(denoiser: Denoiser, y: Float[RealArray, "d"], key: Key, probes: int) -> Scalar:
    """Tr ∇f(y) from random signs (Hutchinson): unbiased, of variance Σ_{i≠j} (J_ij² + J_ij J_ji)/probes."""
    y = jnp.asarray(y)
    probes = _checks.positive_integer("probes", probes)
    _, along = jax.linearize(denoiser, y)
    signs = jax.random.rademacher(stream(key, "signs"), (probes, y.size), y.dtype)
    return (signs * jax.vmap(along)(signs)).astype(jnp.float64).sum(1).mean()


@with_float64
def stein_risk(
    output: Float[RealArray, "*batch d"],
    y: Float[RealArray, "*batch d"],
    sigma: Scalar | float,
    trace: Float[RealArray, "*batch"],
) -> Float64[Array, "*batch"]:
    """Stein's unbiased estimate of ‖f(y) − x‖²/d from y = x + σ ξ alone.

    Args:
        output: f(y).
        y: noised points.
        sigma: σ.
        trace: Tr ∇f(y).
    """
    output, y = (jnp.asarray(rows, jnp.float64) for rows in (output, y))
    variance = jnp.asarray(sigma, jnp.float64) ** 2
    return ((output - y) ** 2).mean(-1) - variance + 2 * variance * trace / y.shape[-1]
