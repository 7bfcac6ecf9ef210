"""The kernel gap Δ of one-dimensional marginals, averaged over coordinates: of images, pixel by pixel.

Source: the U-Net experiment of arXiv 2411.17807. Coordinate p of a sample X of N points, train, reference or
generated, is smoothed to the density

    ρ_X^p(x) = (1/N) Σ_k N(x; x_kp, ε_X²),   ε_X = σ/N,

and Δ is the mean over p of ∫ (ρ_T^p − ρ_G^p)² − ∫ (ρ_O^p − ρ_G^p)², with the sign of `kernel_gap`: below 0
where the generated sample G is nearer to the train set T than to the reference O; the source's
P = 1/2 + 1/2 mean sign is P(Δ > 0). An overlap of two kernels is N(x − y; 0, ε_X² + ε_Y²), so

    Δ = [S_T − S_O] − 2 [C_T − C_O],
    S_X = mean over p of (1/N²) Σ_{k≠l} N(x_kp − x_lp; 0, 2 ε_X²),
    C_X = mean over p, k and m of N(x_kp − g_mp; 0, ε_X² + ε_G²);

terms k = l are 1/(σ √4π) for every N, and cancel as ∫ (ρ_G^p)² does. Unlike in `sample_kernel_gap` the
generated points have a width: that of copies, σ/M, hides them in large train sets, where
Δ ≈ −2/n · M/(σ √2π) for M exact copies of n ≫ M points.

Marginals cannot see which coordinates belong together, and ε is far below the distance of neighbours: values
on a grid (grey levels, a constant margin) tie, and their ties are what is measured then.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Float64

from jaxmem import _checks
from jaxmem._typing import Integer, RealArray, Reference, Samples, Scalar
from jaxmem.metrics.kernel_gap import KernelGap, kernel_bandwidth, kernel_gap_from_logs
from jaxmem.metrics.pair_sums import row_number, valid_rows
from jaxmem.numerics.precision import as_float64, with_float64

LOG_ROUNDING = -37.0
"""Log of what may be left out of a sum, relative to it: half a unit in the last place of float64."""

_Carry = tuple[Any, Array, Array, Array]
"""k, the largest exponent at k − 1, the largest of all, and the sum of exponentials in units of its own."""


@with_float64
@_checks.real_arrays("train", "reference", "generated")
def marginal_kernel_gap(
    train: Samples,
    reference: Reference,
    generated: Float[RealArray, "generated d"],
    *,
    scale: Scalar | float,
    count: Integer | None = None,
) -> KernelGap:
    """Δ of the marginals of a generated sample between a train set and a reference sample.

    Args:
        train: (n, d), or (capacity, d) with rows from `count` on ignored.
        reference: (N, d), fresh samples of the population, N ≫ n.
        generated: (M, d).
        scale: σ > 0 of the bandwidths; all four in the same units, those of the data.
        count: n, traced or not; all rows of `train` by default.

    Returns:
        Δ, in inverse units of the data, as float64 (value, log_scale); NaN where a traced count is beyond the
        rows.

    Cost: d sorts and then d times the pairs closer than about 15 ε in each set (some 10 N for a smooth
    density, all N²/2 for ties only), and d M (N + n) pairs between sets, in float64; memory O(N d).

    Raises:
        ValueError: shapes that differ in d, values that are not finite, scale ≤ 0, or a count outside
            1..capacity.
    """
    _checks.samples("generated", generated)
    dim = generated.shape[1]
    _checks.samples("train", train, dim=dim, count=count)
    _checks.samples("reference", reference, dim=dim)
    _checks.resolved(("train", train), ("reference", reference))
    _checks.real_number("scale", scale, above=0.0)
    points, own = as_float64(generated), kernel_bandwidth(scale, len(generated), 1)
    logs: list[Array] = []
    for samples, number in ((train, count), (reference, None)):
        rows = row_number(samples, number)
        width = kernel_bandwidth(scale, rows, 1)
        logs += [
            _log_self_overlap(as_float64(samples), width, rows),
            _log_cross_overlap(as_float64(samples), points, width**2 + own**2, rows),
        ]
    return kernel_gap_from_logs(*logs)


def _in_turn(function: Callable[..., Array]) -> Callable[..., Array]:
    """One replicate after the other on a CPU, where each ends when it is done and stays in the cache."""
    scoped: Any = with_float64(function)
    return jax.custom_batching.sequential_vmap(scoped) if jax.default_backend() == "cpu" else scoped


@jax.jit
@_in_turn
def _log_self_overlap(samples: Float64[Array, "n d"], width: Scalar, count: Scalar) -> Float64[Array, ""]:
    """log S_X, over k = 1, 2, … by the k-th neighbours to the right of every sorted value.

    Their gaps grow with k, so that once the smallest of them adds nothing, no later one does.
    """
    capacity, dim = samples.shape
    valid = valid_rows(samples, count)[:, None]
    ordered = jnp.sort(jnp.where(valid, samples, jnp.inf), axis=0)
    extended = jnp.concatenate([ordered, jnp.full_like(ordered, jnp.inf)])
    index = jnp.arange(capacity, dtype=jnp.int32)[:, None]
    log_pairs = jnp.log(float(dim)) + 2 * jnp.log(count)

    def unfinished(carry: _Carry) -> Array:
        neighbour, reach, top, total = carry
        return (neighbour < capacity) & (reach + log_pairs > top + jnp.log(total) + LOG_ROUNDING)

    def add(carry: _Carry) -> _Carry:
        neighbour, _, top, total = carry
        beside = jax.lax.dynamic_slice(extended, (neighbour, jnp.int32(0)), (capacity, dim))
        gaps = jnp.where(index < count - neighbour, beside - ordered, jnp.inf)
        exponents = -((gaps / width) ** 2) / 4
        reach = exponents.max()
        # the first neighbours hold the largest exponent
        top = jnp.where(neighbour == 1, reach, top)
        shift = jnp.where(jnp.isneginf(top), 0, top)
        return neighbour + 1, reach, top, total + jnp.exp(exponents - shift).sum()

    start: _Carry = (jnp.int32(1), jnp.array(0.0), jnp.array(0.0), jnp.array(0.0))
    _, _, top, total = jax.lax.while_loop(unfinished, add, start)
    found = top + jnp.log(2 * total) - log_pairs - jnp.log(4 * jnp.pi * width**2) / 2
    return jnp.where(jnp.isnan(count), jnp.nan, jnp.where(total > 0, found, -jnp.inf))


@jax.jit
@_in_turn
def _log_cross_overlap(
    samples: Float64[Array, "n d"], generated: Float64[Array, "m d"], variance: Scalar, count: Scalar
) -> Float64[Array, ""]:
    """log C_X."""
    valid = valid_rows(samples, count)[:, None]

    def log_sum(point: Float64[Array, "d"]) -> Float64[Array, ""]:
        exponents = -((point - samples) ** 2) / (2 * variance)
        return jax.nn.logsumexp(jnp.where(valid, exponents, -jnp.inf))

    logs = jax.lax.map(log_sum, generated)
    log_terms = jnp.log(float(generated.size)) + jnp.log(count)
    return jax.nn.logsumexp(logs) - log_terms - jnp.log(2 * jnp.pi * variance) / 2
