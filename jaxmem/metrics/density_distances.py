"""Distances between two laws known by their densities, from samples of both: for laws without closed forms.

With samples x of p and y of q, in the log domain throughout,

    KL(p‖q) ≈ mean log p(x) − log q(x),    KL(q‖p) ≈ mean log q(y) − log p(y),
    1 − H² = ∫ √(p q) ≈ ½ mean √(q/p)(x) + ½ mean √(p/q)(y).

The divergences are unbiased, with error sd(log p/q)/√N. The affinity is unbiased too, but its relative error
grows with the divergence: past 10 nats or so it tells the order of magnitude at best.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Float64

from jaxmem import _checks
from jaxmem._typing import RealArray
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
