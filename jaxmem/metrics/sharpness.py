"""λ_max of the Hessian of a training loss: the sharpness, without the Hessian.

Gradient descent with step η stays at a minimum only if λ_max ≤ 2/η (arXiv 2103.00065); for a mean-field
network of width m that steps by mη, if λ_max ≤ 2/(mη) (arXiv 2502.03435).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Float64, PyTree

from jaxmem import _checks
from jaxmem._typing import Key
from jaxmem.numerics import linear_algebra
from jaxmem.numerics.linear_algebra import product
from jaxmem.numerics.precision import with_float64
from jaxmem.numerics.randomness import stream

EXHAUSTED = 1e-12
"""A new direction shorter than this, relative to the Hessian, is the rounding of none.

The Hessian of a network with few active patterns has a low rank, and then the Krylov space ends early.
Normalised rounding lies in the space already spanned, and counting it again gave eigenvalues without bound.
"""


class Sharpness(NamedTuple):
    """λ_max, and how far at most an eigenvalue of the Hessian is from it."""

    value: Float64[Array, ""]
    residual: Float64[Array, ""]


@with_float64
def sharpness(
    loss: Callable[[PyTree], Float[Array, ""]], parameters: PyTree, key: Key, *, iterations: int = 40
) -> Sharpness:
    """The largest eigenvalue of ∇²`loss` at `parameters`, by Lanczos with full reorthogonalisation.

    Args:
        loss: of a pytree of arrays like `parameters`, which is given in float64. A ReLU network has the
            Hessian almost everywhere of the sum over the points that `loss` looks at; the mean over
            continuous noise has a further term from its moving kinks, of the order of the residuals.
        parameters: the trained arrays.
        key: of the start vector.
        iterations: Hessian–vector products, each about four evaluations of the loss.

    Returns:
        λ_max with the norm of its residual; enough iterations where the latter is small.
    """
    _checks.positive_integer("iterations", iterations)
    widened = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), parameters)
    flat, unravel = ravel_pytree(widened)
    size = flat.size
    steps = min(iterations, size)
    gradient = jax.grad(lambda vector: loss(unravel(vector)).astype(jnp.float64))

    def lanczos(carry: tuple[Array, ...], index: Array) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        basis, vector, scale = carry
        basis = basis.at[index].set(vector)
        image = jax.jvp(gradient, (flat,), (vector,))[1]
        diagonal, scale = product(image, vector), jnp.maximum(scale, jnp.linalg.norm(image))
        for _ in range(2):  # once leaves 1e-8 of the old directions, twice rounding only
            image = image - product(basis.T, product(basis, image))
        beside = jnp.linalg.norm(image)
        ends = beside <= EXHAUSTED * scale
        following = jnp.where(ends, 0, image / jnp.where(ends, 1, beside))
        return (basis, following, scale), (diagonal, jnp.where(ends, 0, beside), vector.any())

    start = jax.random.normal(stream(key, "sharpness"), (size,), jnp.float32).astype(jnp.float64)
    first: tuple[Array, ...] = (jnp.zeros((steps, size)), start / jnp.linalg.norm(start), jnp.zeros(()))
    _, (diagonal, beside, reached) = jax.lax.scan(lanczos, first, jnp.arange(steps))
    diagonal = jnp.where(reached, diagonal, diagonal[0])  # at most λ_max, where 0 may be more
    tridiagonal = jnp.diag(diagonal) + jnp.diag(beside[:-1], 1) + jnp.diag(beside[:-1], -1)
    tridiagonal = jnp.where(jnp.isfinite(tridiagonal).all(), tridiagonal, jnp.nan)
    values, vectors = linear_algebra.eigh(tridiagonal)
    return Sharpness(values[-1], jnp.abs(beside[-1] * vectors[-1, -1]))
