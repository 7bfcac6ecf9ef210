"""The short cut: what n Gaussian samples say about their covariance, drawn without the samples.

For x ~ N(0, Σ) with Σ = v (I + θ e_1 e_1ᵀ), reflections of the samples and of the axes after the first turn
the n×d data into √v B, so that Σ̂ = v BᵀB/n, with B upper bidiagonal and independent entries
(Golub–Kahan bidiagonalisation of a normal matrix; Dumitriu & Edelman, J. Math. Phys. 43, 2002; the spike by
Bloemendal & Virág, Probab. Theory Relat. Fields 156, 2013):

    B_ii ~ χ_{n−i+1}, B_11 times √(1 + θ),    B_{i,i+1} ~ χ_{d−i} for i ≤ n,    0 where degrees run out,

on both sides of n = d. Such reflections leave Σ as it is, so any function of Σ̂ and Σ that does not depend on
the basis has exactly the same law: all distances between N(x̄, Σ̂ + ρ I) and N(0, Σ), the spectrum of Σ̂, and
the overlap of its leading eigenvector with the spike. Not so what compares two fits (q) or looks at the
samples (m), nor several spikes. n, θ, v, ρ may be traced: one compilation serves every load at one d.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float64

from jaxmem import _checks
from jaxmem._typing import Integer, Key, Scalar
from jaxmem.covariances.bidiagonal import BidiagonalCovariance
from jaxmem.numerics.precision import with_float64
from jaxmem.numerics.randomness import stream
from jaxmem.populations.chi_square import chi_square


class ReducedSample(NamedTuple):
    """Mean and covariance fitted to a sample, in a basis that keeps the spike along e_1."""

    mean: Float64[Array, "d"]
    covariance: BidiagonalCovariance


@with_float64
def reduced_sample(
    key: Key,
    n: Integer,
    dim: int,
    *,
    strength: Scalar | float = 0.0,
    variance: Scalar | float = 1.0,
    ridge: Scalar | float = 0.0,
    known_mean: bool = True,
) -> ReducedSample:
    """Draw Σ̂ + ρ I (and x̄) of n samples of N(0, v (I + θ e_1 e_1ᵀ)).

    Args:
        key: of the draw; all n and all numbers below share it as common random numbers.
        n: at least 1 (2 for an estimated mean), traced or not.
        dim: d.
        strength: θ > −1.
        variance: v ≥ 0.
        ridge: ρ ≥ 0.
        known_mean: whether Σ̂ is about the true mean; else about x̄, with 1/n all the same, and x̄ ~ N(0, Σ/n)
            is drawn too.

    Returns:
        The mean (0 where known) and the covariance, float64 of float32 draws: a relative error of 1e-7
        in an entry of B is one in every eigenvalue, so small ones keep their digits (Demmel & Kahan, SIAM
        J. Sci. Stat. Comput. 11, 1990).
    """
    _checks.positive_integer("dim", dim)
    if not _checks.is_traced(n):
        _checks.positive_integer("n", int(n), least=1 if known_mean else 2)
    _checks.real_number("strength", strength, least=-1.0)
    _checks.real_number("variance", variance, least=0.0)
    _checks.real_number("ridge", ridge, least=0.0)
    rows = jnp.arange(dim)
    degrees = jnp.asarray(n, jnp.int32) - (0 if known_mean else 1)
    beyond = jnp.where(rows[:-1] < degrees, dim - 1 - rows[:-1], 0)
    squares = chi_square(stream(key, "wishart"), jnp.concatenate([degrees - rows, beyond])).astype(
        jnp.float64
    )
    eigenvalues = variance * jnp.ones(dim).at[0].add(strength)
    if known_mean:
        mean = jnp.zeros(dim)
    else:
        normal = jax.random.normal(stream(key, "mean"), (dim,), jnp.float32).astype(jnp.float64)
        mean = jnp.sqrt(eigenvalues / n) * normal
    covariance = BidiagonalCovariance(
        squares[:dim] * eigenvalues / n, squares[dim:] * variance / n, jnp.asarray(ridge, jnp.float64)
    )
    return ReducedSample(mean, covariance)
