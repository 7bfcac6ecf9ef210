"""Distances between two laws known by their densities, from samples of both: for laws without closed forms.

With samples x of p and y of q, in the log domain throughout,

    KL(p‖q) ≈ mean log p(x) − log q(x),    KL(q‖p) ≈ mean log q(y) − log p(y),
    1 − H² = ∫ √(p q) ≈ ½ mean √(q/p)(x) + ½ mean √(p/q)(y).

The divergences are unbiased, with error sd(log p/q)/√N. The affinity is unbiased too, but its relative error
grows with the divergence: past 10 nats or so it tells the order of magnitude at best. Where one of the laws
is Gaussian `log_affinity_to_gaussian` keeps its accuracy.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Float64

from jaxmem import _checks
from jaxmem._typing import Covariance, RealArray, Vector
from jaxmem.numerics import linear_algebra
from jaxmem.numerics.linear_algebra import product
from jaxmem.numerics.precision import with_float64


class DensityDistances(NamedTuple):
    """H², log(1 − H²), KL(p‖q) and KL(q‖p) in nats; float64 scalars."""

    hellinger_squared: Float64[Array, ""]
    log_affinity: Float64[Array, ""]
    kl_pq: Float64[Array, ""]
    kl_qp: Float64[Array, ""]


@with_float64
@_checks.real_arrays("log_p_at_p", "log_q_at_p", "log_p_at_q", "log_q_at_q")
def density_distances(
    log_p_at_p: Float[RealArray, "n"],
    log_q_at_p: Float[RealArray, "n"],
    log_p_at_q: Float[RealArray, "m"],
    log_q_at_q: Float[RealArray, "m"],
) -> DensityDistances:
    """Monte Carlo distances from log densities at n samples of p and at m samples of q.

    A log density of −∞ says that the sample lies off the other law's support: its divergence is ∞. Two laws
    that never meet have H² = 1 and log(1 − H²) = −∞.

    Raises:
        ValueError: shapes that do not pair up.
    """
    for name, value, partner in (
        ("log_q_at_p", log_q_at_p, log_p_at_p),
        ("log_p_at_q", log_p_at_q, log_q_at_q),
    ):
        _checks.shape(name, value, partner.shape[0])
    to_q = jnp.asarray(log_q_at_p, jnp.float64) - jnp.asarray(log_p_at_p, jnp.float64)
    to_p = jnp.asarray(log_p_at_q, jnp.float64) - jnp.asarray(log_q_at_q, jnp.float64)
    halves = [jax.nn.logsumexp(ratio / 2) - jnp.log(ratio.size) for ratio in (to_q, to_p)]
    # Monte Carlo error may carry the mean of two estimates of a number under 1 past it
    log_affinity = jnp.minimum(jnp.logaddexp(*halves) - jnp.log(2.0), 0.0)
    return DensityDistances(-jnp.expm1(log_affinity), log_affinity, -to_q.mean(), -to_p.mean())


@with_float64
def log_affinity_to_gaussian(
    log_density: Callable[[Any], Any],
    mean: Vector,
    covariance: Covariance,
    gaussian_mean: Vector,
    factor: Float[RealArray, "d d"],
    normals: Float[RealArray, "N d"],
) -> Float64[Array, ""]:
    """log ∫ √(p q) for q = N(m, F Fᵀ) and p near the Gaussian p_G of its moments, by importance sampling.

    ∫ √(p q) = A_G E √(p/p_G)(x) with x from the Gaussian ∝ √(p_G q) and A_G = ∫ √(p_G q) in closed form:
    exact where p is Gaussian, however far apart the laws are. All is done in z = F^-1 (x − m), where q is
    standard and p_G has precision M = Fᵀ Σ^-1 F, so that a small singular value of F costs no digits.

    Args:
        log_density: of p, at points (N, d).
        mean: of p.
        covariance: Σ of p, positive definite.
        gaussian_mean: m.
        factor: F, regular.
        normals: standard normal numbers that x is made from.
    """
    mean, m, factor = (jnp.asarray(each, jnp.float64) for each in (mean, gaussian_mean, factor))
    normals = jnp.asarray(normals, jnp.float64)
    dim = mean.size
    lower = linear_algebra.cholesky(jnp.asarray(covariance, jnp.float64))
    whiten = linear_algebra.solve_lower_triangular
    scaled, apart = whiten(lower, factor), whiten(lower, (mean - m)[:, None])[:, 0]
    both = linear_algebra.cholesky(scaled.T @ scaled + jnp.eye(dim))  # of M + I, twice the precision of x
    pull = whiten(both, product(scaled.T, apart)[:, None])[:, 0]
    log_factor = jnp.log(linear_algebra.singular_value_decomposition(factor)[1]).sum()
    log_root = jnp.log(jnp.diagonal(lower)).sum()
    log_gaussian = (
        (log_factor - log_root) / 2
        - jnp.log(jnp.diagonal(both) / jnp.sqrt(2.0)).sum()
        - ((apart**2).sum() - (pull**2).sum()) / 4
    )
    inverse = whiten(both, jnp.eye(dim))
    z = product(pull + jnp.sqrt(2.0) * normals, inverse)
    x = m + product(z, factor.T)
    residual = whiten(lower, (x - mean).T)
    log_p_gaussian = -(residual**2).sum(0) / 2 - log_root - dim * jnp.log(2 * jnp.pi) / 2
    ratio = (log_density(x) - log_p_gaussian) / 2
    return jnp.minimum(log_gaussian + jax.nn.logsumexp(ratio) - jnp.log(ratio.size), 0.0)
