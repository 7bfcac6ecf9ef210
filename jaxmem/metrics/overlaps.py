"""Order parameters of a pair of fits: convergence q and latent recovery Q (arXiv 2605.21402, 2505.24769)."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmem import _checks
from jaxmem._typing import RealArray, Scalar
from jaxmem.covariances.spectral import SpectralCovariance
from jaxmem.numerics.precision import with_float64

TIED = 1e-9
"""Eigenvalues of a fit that differ by a smaller share of themselves are one."""


@with_float64
def convergence(covariance_a: SpectralCovariance, covariance_b: SpectralCovariance) -> Scalar:
    """q = Tr(A^{1/2} B^{1/2}) / √(Tr A · Tr B): the cosine between the maps A^{1/2} and B^{1/2}.

    A and B are the covariances that two models fitted on disjoint data sets generate; q is the cosine of
    their outputs for the same z as d → ∞. It needs the two eigendecompositions of the fits and one product
    of their eigenvectors, and keeps 2e-6 of float32 fits.
    """
    overlap = covariance_a.map(jnp.sqrt).trace_product(covariance_b.map(jnp.sqrt))
    return overlap / jnp.sqrt(covariance_a.trace() * covariance_b.trace())


@with_float64
@_checks.real_arrays("generated_a", "generated_b")
def sampled_convergence(
    generated_a: Float[RealArray, "generated d"], generated_b: Float[RealArray, "generated d"]
) -> Scalar:
    """Mean over z of the cosine between the outputs of models A and B for the same z, one z a row."""
    _checks.shape("generated_b", generated_b, *generated_a.shape)
    generated_a, generated_b = (jnp.asarray(x, jnp.float64) for x in (generated_a, generated_b))
    products = (generated_a * generated_b).sum(-1)
    norms = jnp.linalg.norm(generated_a, axis=-1) * jnp.linalg.norm(generated_b, axis=-1)
    return (products / norms).mean()


@with_float64
def latent_recovery(covariance: SpectralCovariance, directions: int = 1) -> Float[Array, "{directions}"]:
    """Q_i = (u_i·v_i)² of the leading eigenvectors u_i of the fit and v_i of the population, i ≤ directions.

    In the eigenbasis of the population, leading direction first: `covariance.in_basis(V)` brings a fit there.
    0 for directions that n samples do not span. Where population eigenvalues coincide, v_i is not defined:
    use `subspace_recovery`.
    """
    _checks.positive_integer("directions", directions, most=covariance.dim)
    known = min(directions, covariance.values.size)
    return (
        jnp.zeros(directions, covariance.vectors.dtype)
        .at[:known]
        .set(jnp.diagonal(covariance.vectors)[:known] ** 2)
    )


@with_float64
def subspace_recovery(covariance: SpectralCovariance, directions: int = 1) -> Scalar:
    """(1/k) Σ_{j ≤ k} Σ_i (u_i·v_j)² in [0, 1]: overlap of the spans of k = `directions` eigenvectors.

    i runs to k, and over those whose eigenvalue is that of u_k to 1e-9: a model that is symmetric, such as
    one that commutes with translations, has eigenvalues that coincide, and its u_k is any vector of their
    space.
    """
    _checks.positive_integer("directions", directions, most=covariance.dim)
    known = min(directions, covariance.values.size)
    tied = covariance.values >= (1 - TIED) * covariance.values[known - 1]
    return ((covariance.vectors[:directions] ** 2) * tied).sum() / directions
