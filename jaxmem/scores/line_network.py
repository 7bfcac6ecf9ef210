"""A two-layer ReLU network on the real line, at a batch of points, with its derivatives.

s(y) = (1/m) Σ_l w2_l relu(w1_l y + b_l) is piecewise linear, so its derivative in any direction takes no more
than sums over the neurons active at each point,

    ds = (1/m) (y Σ_active d(w1_l w2_l) + Σ_active d(b_l w2_l) + dy Σ_active w1_l w2_l),

and its gradient no more than their transpose, sums over the points that activate each neuron. Few points:
these are products with the b × m matrix of activities. Measured for m = 1,000, b = 50 on one core, a step
takes 11 µs, and 60 µs by automatic differentiation of the formula, whose sums over the batch do not
vectorise. Many points: neurons are sorted by their kink −b/w1 and the sums are cumulative, O((m + b) log m).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

SORTED_FROM = 512
"""Points from which sorting the kinks is faster in a batch of networks (from 1,024 for a single one)."""

HIGHEST = jax.lax.Precision.HIGHEST


@jax.custom_jvp
def line_network(
    y: Float[Array, "b"], inner: Float[Array, "m"], bias: Float[Array, "m"], outer: Float[Array, "m"]
) -> Float[Array, "b"]:
    """(1/m) Σ_l outer_l relu(inner_l y + bias_l); its derivatives are those almost everywhere."""
    if len(y) < SORTED_FROM:
        hidden = jax.nn.relu(y[:, None] * inner + bias)
        return jnp.matmul(hidden, outer, precision=HIGHEST) / len(outer)
    slope, offset = _sums_over_active(y, inner, bias, jnp.stack([inner * outer, bias * outer]))
    return (slope * y + offset) / len(outer)


@line_network.defjvp
def _derivative(primals: tuple[Array, ...], tangents: tuple[Array, ...]) -> tuple[Array, Array]:
    y, inner, bias, outer = primals
    d_y, d_inner, d_bias, d_outer = tangents
    d_slopes = inner * d_outer + outer * d_inner
    d_offsets = bias * d_outer + outer * d_bias
    d_slope, d_offset = _sums_over_active(y, inner, bias, jnp.stack([d_slopes, d_offsets]))
    (slope,) = _sums_over_active(y, inner, bias, (inner * outer)[None])
    return line_network(*primals), (y * d_slope + d_offset + slope * d_y) / len(outer)


def _sums_over_active(
    y: Float[Array, "b"], inner: Float[Array, "m"], bias: Float[Array, "m"], values: Float[Array, "c m"]
) -> Float[Array, "c b"]:
    """Σ of `values` over the neurons active at each point; linear in `values`, so transposable.

    A neuron with w1 = 0 counts as one of negative slope: active everywhere (kink +∞) or nowhere (−∞).
    """
    if len(y) < SORTED_FROM:
        active = (y[:, None] * inner + bias > 0).astype(y.dtype)
        return jnp.matmul(values, active.T, precision=HIGHEST)
    flat = jnp.where(bias > 0, jnp.inf, -jnp.inf)
    kinks = jnp.where(inner == 0, flat, -bias / jnp.where(inner == 0, 1, inner))
    order = jnp.argsort(kinks)
    crossed = jnp.searchsorted(kinks[order], y, method="scan_unrolled")
    rising = (inner > 0)[order]
    ordered = values[:, order]
    before = jnp.where(rising, 0, ordered).sum(1, keepdims=True)
    changes = jnp.where(rising, ordered, -ordered)
    return jnp.concatenate([before, before + jnp.cumsum(changes, 1)], 1)[:, crossed]
