"""The kernel gap Δ: is the generated law closer to the train set or to a fresh sample of the population?

Source: Halder, "A solvable generative model with a linear, one-step denoiser", arXiv 2411.17807. A sample X
of N points is smoothed to the density

    ρ_X(x) = (1/N) Σ_k N(x; x_k, ε_X² I),   ε_X = σ N^(−1/d),

and with ρ_G the Gaussian law that the model generates,

    Δ = ∫ (ρ_T − ρ_G)² − ∫ (ρ_O − ρ_G)² = [S_T − S_O] − 2 [C_T − C_O],
    S_X = (1/N²) Σ_{k≠l} N(x_k − x_l; 0, 2 ε_X² I),
    C_X = (1/N) Σ_k N(x_k; m_G, Σ_G + ε_X² I)

for the train set T and the reference O. Memorising: P(Δ > 0) near 0. Generalising: near 1.

The terms k = l of both self-overlaps are exactly (4πσ²)^(−d/2), because N ε_X^d = σ^d whatever N is. They
cancel here on paper: in floating point they would bury what is left, 10^-13 of them at d = n = 100. What is
left is kept as logarithms, so that it underflows at no d.
"""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Float64

from jaxmem import _checks
from jaxmem._typing import Covariance, Integer, Reference, Samples, Scalar, Vector
from jaxmem.metrics.pair_sums import (
    MOST_DIFFERENCED_DIMENSIONS,
    check_pair_sums,
    log_sum_exp_within,
    mean_of,
    points,
    row_number,
    valid_rows,
)
from jaxmem.numerics import linear_algebra
from jaxmem.numerics.branching import DIGITS_LOST, choose
from jaxmem.numerics.precision import with_float64


class KernelGap(eqx.Module):
    """Δ = value · exp(log_scale); its sign is that of `value`, which lies within [−3, 3]."""

    value: Float64[Array, ""]
    log_scale: Float64[Array, ""]

    def __repr__(self) -> str:
        """With the numbers, where they are known."""
        fields = (self.value, self.log_scale)
        if any(_checks.is_traced(field) or not isinstance(field, jax.Array | np.ndarray) for field in fields):
            return super().__repr__()
        value, log_scale = (np.array2string(np.asarray(field)) for field in fields)
        return f"KernelGap(value={value}, log_scale={log_scale})"


@with_float64
@_checks.real_arrays("train", "reference", "mean", "covariance")
def kernel_gap(
    train: Samples,
    reference: Reference,
    mean: Vector,
    covariance: Covariance,
    *,
    scale: Scalar | float,
    count: Integer | None = None,
    log_reference_overlap: Scalar | None = None,
    dtype: DTypeLike = jnp.float32,
    tile: int | None = None,
) -> KernelGap:
    """Δ of the law N(mean, covariance) between a train set and a reference sample.

    Args:
        train: (n, d), or (capacity, d) with rows from `count` on ignored.
        reference: (N, d), fresh samples of the population, N ≫ n.
        mean: m_G.
        covariance: Σ_G; may be singular.
        scale: σ > 0 of the bandwidths, in the units of the data; 1 in the source.
        count: n, traced or not; all rows of `train` by default.
        log_reference_overlap: `log_self_overlap` of the reference if it is known already: it depends neither
            on the train set nor on the law, and is nearly all of the cost.
        dtype: of the pair sums, float32 or float64, whatever the type of the data; float32 only where it is
            accurate enough.
        tile: rows per tile; by default what suits the size and the device.

    Returns:
        Δ as float64 (value, log_scale). NaN if Σ_G + ε² I is not positive definite to rounding, or where a
        traced count is beyond the rows.

    All data are centred in float64. Float32 pair sums then leave relative errors of about 1e-7 |x|²/ε² in
    S_T, S_O, C_T and C_O, |x| being a distance from the centre: 1e-5 with the source's data. Where more than
    2e-4 would be left, float64 sums take over, and differences where these would leave as much; in up to four
    dimensions differences are float64 anyway.

    Derivatives are those in the samples, the law and the scale, of any order, forwards and backwards.

    Cost: (N² + n²)/2 pairs of d multiplications and one exponential, and (N + n) d² multiplications; memory
    O((N + n) d + tile²).

    Raises:
        ValueError: shapes that differ in d, NaN, a covariance that is not symmetric positive semi-definite,
            scale ≤ 0, or a count outside 1..capacity.
    """
    check_pair_sums("train", train, count, dtype, tile)
    dim = train.shape[1]
    _checks.samples("reference", reference, dim=dim)
    _checks.resolved(("train", train), ("reference", reference))
    _check_law(mean, covariance, dim)
    _checks.real_number("scale", scale, above=0.0)
    n, reference_size = row_number(train, count), row_number(reference)
    train_bandwidth = kernel_bandwidth(scale, n, dim)
    reference_bandwidth = kernel_bandwidth(scale, reference_size, dim)
    if log_reference_overlap is None:
        log_reference_overlap = _log_self_overlap(reference, reference_bandwidth, reference_size, dtype, tile)
    return kernel_gap_from_logs(
        _log_self_overlap(train, train_bandwidth, n, dtype, tile),
        _log_gaussian_overlap(train, mean, covariance, train_bandwidth, n, dtype),
        log_reference_overlap,
        _log_gaussian_overlap(reference, mean, covariance, reference_bandwidth, reference_size, dtype),
    )


@with_float64
@partial(jax.jit, static_argnums=2)
def kernel_bandwidth(scale: Scalar | float, count: Scalar | Integer, dim: int) -> Float64[Array, ""]:
    """ε = σ N^(−1/d)."""
    return jnp.asarray(scale, jnp.float64) * jnp.asarray(count, jnp.float64) ** (-1 / dim)


@with_float64
@_checks.real_arrays("samples")
def log_self_overlap(
    samples: Samples,
    bandwidth: Scalar | float,
    count: Integer | None = None,
    *,
    dtype: DTypeLike = jnp.float32,
    tile: int | None = None,
) -> Float64[Array, ""]:
    """log S_X = log (1/N²) Σ_{k≠l} N(x_k − x_l; 0, 2 ε² I), ε the bandwidth; −∞ for one sample.

    The other arguments are those of `kernel_gap`.
    """
    check_pair_sums("samples", samples, count, dtype, tile)
    _checks.real_number("bandwidth", bandwidth, above=0.0)
    return _log_self_overlap(samples, bandwidth, row_number(samples, count), dtype, tile)


@with_float64
@_checks.real_arrays("samples", "mean", "covariance")
def log_gaussian_overlap(
    samples: Samples,
    mean: Vector,
    covariance: Covariance,
    bandwidth: Scalar | float,
    count: Integer | None = None,
    *,
    dtype: DTypeLike = jnp.float32,
) -> Float64[Array, ""]:
    """log C_X = log (1/N) Σ_k N(x_k; mean, covariance + ε² I), ε the bandwidth.

    The other arguments are those of `kernel_gap`.
    """
    check_pair_sums("samples", samples, count, dtype, None)
    _check_law(mean, covariance, samples.shape[1])
    _checks.real_number("bandwidth", bandwidth, above=0.0)
    return _log_gaussian_overlap(samples, mean, covariance, bandwidth, row_number(samples, count), dtype)


@with_float64
@jax.jit
def kernel_gap_from_logs(
    log_train_overlap: Scalar,
    log_train_cross: Scalar,
    log_reference_overlap: Scalar,
    log_reference_cross: Scalar,
) -> KernelGap:
    """Δ from log S_T, log C_T, log S_O and log C_O; the scale is the largest of the four."""
    logs = (log_train_overlap, log_train_cross, log_reference_overlap, log_reference_cross)
    terms = jnp.stack([jnp.asarray(log, jnp.float64) for log in logs])
    log_scale = terms.max()
    weights = jnp.asarray([1, -2, -1, 2], jnp.float64)
    return KernelGap((weights * jnp.exp(terms - log_scale)).sum(), log_scale)


@partial(jax.jit, static_argnums=(3, 4))
def _log_self_overlap(
    samples: Samples, bandwidth: Scalar | float, count: Scalar, dtype: DTypeLike, tile: int | None
) -> Float64[Array, ""]:
    variance = 2 * jnp.asarray(bandwidth, jnp.float64) ** 2
    x = points(samples, count, centre=mean_of(samples, count), unit=jnp.sqrt(variance))
    log_pairs = jnp.log(2) - 2 * jnp.log(count) + log_sum_exp_within(x, dtype=dtype, tile=tile)
    return log_pairs - samples.shape[1] / 2 * jnp.log(2 * jnp.pi * variance)


@partial(jax.jit, static_argnums=(5,))
def _log_gaussian_overlap(
    samples: Samples,
    mean: Vector,
    covariance: Covariance,
    bandwidth: Scalar | float,
    count: Scalar,
    dtype: DTypeLike,
) -> Float64[Array, ""]:
    dim = samples.shape[1]
    identity = jnp.eye(dim, dtype=jnp.float64)
    # float64: near n = d the covariance of the one-step denoiser has condition numbers of 1e6 and more
    smoothed = jnp.asarray(covariance, jnp.float64) + jnp.asarray(bandwidth, jnp.float64) ** 2 * identity
    factor = linear_algebra.cholesky(smoothed)
    whitening = linear_algebra.solve_lower_triangular(factor, identity).T
    valid = valid_rows(samples, count)
    centred = jnp.asarray(samples, jnp.float64) - jnp.asarray(mean, jnp.float64)

    def squares(level: Array | int, centred: Array, whitening: Array, *, dtype: DTypeLike) -> Array:
        whitened = linear_algebra.product(centred.astype(dtype), whitening.astype(dtype))
        return (whitened**2).sum(1).astype(jnp.float64)

    double = partial(squares, dtype=jnp.float64)
    if dim <= MOST_DIFFERENCED_DIMENSIONS or jnp.dtype(dtype) == jnp.float64:
        found = double(0, centred, whitening)
    else:
        sizes = jnp.where(valid, (centred**2).sum(1), 0).max() * (whitening**2).sum(0).max()
        need = float(jnp.finfo(jnp.float32).eps) * jax.lax.stop_gradient(sizes) > DIGITS_LOST
        single = partial(squares, dtype=jnp.float32)
        found = choose(need.astype(jnp.int32), (single, double), centred, whitening)
    exponents = jnp.where(valid, -found / 2, -jnp.inf)
    log_normalisation = dim / 2 * jnp.log(2 * jnp.pi) + jnp.log(jnp.diagonal(factor)).sum()
    return jax.nn.logsumexp(exponents) - jnp.log(count) - log_normalisation


def _check_law(mean: Vector, covariance: Covariance, dim: int) -> None:
    _checks.shape("mean", mean, dim)
    _checks.finite("mean", mean)
    _checks.covariance("covariance", covariance, dim=dim)
