"""The kernel gap Δ of a generated sample: that of `kernel_gap` where the generated law is not Gaussian.

Source of the question: arXiv 2411.17807. With ρ_G the empirical measure of M generated samples g_m in place
of a Gaussian law, the cross terms are

    C_X = ∫ ρ_X ρ_G = (1/M) Σ_m ρ_X(g_m),   ρ_X(x) = (1/N) Σ_k N(x; x_k, ε_X² I),   ε_X = σ N^(−1/d),

and Δ = [S_T − S_O] − 2 [C_T − C_O] as there; ∫ ρ_G² cancels. Over the draws of the g_m, its mean is the Δ of
the law that they come from.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Float64

from jaxmem import _checks
from jaxmem._typing import Integer, RealArray, Reference, Samples, Scalar
from jaxmem.metrics.kernel_gap import KernelGap, kernel_bandwidth, kernel_gap_from_logs, log_self_overlap
from jaxmem.metrics.pair_sums import row_number
from jaxmem.numerics.posterior import Tile, map_queries, noised_data
from jaxmem.numerics.precision import as_float64, with_float64


@with_float64
@_checks.real_arrays("train", "reference", "generated")
def sample_kernel_gap(
    train: Samples,
    reference: Reference,
    generated: Float[RealArray, "generated d"],
    *,
    scale: Scalar | float,
    count: Integer | None = None,
) -> KernelGap:
    """Δ of a generated sample between a train set and a reference sample.

    Args:
        train: (n, d), or (capacity, d) with rows from `count` on ignored.
        reference: (N, d), fresh samples of the population, N ≫ n.
        generated: g_m, one a row.
        scale: σ > 0 of the bandwidths, in the units of the data; 1 in the source.
        count: n, traced or not; all rows of `train` by default.

    Returns:
        Δ as float64 (value, log_scale); NaN where a traced g_m is not finite.

    Cost: (N² + n²)/2 + M (N + n) pairs of d multiplications and an exponential; memory in tiles of 2 MB.
    """
    _checks.samples("generated", generated)
    dim = generated.shape[1]
    _checks.samples("train", train, dim=dim, count=count)
    _checks.samples("reference", reference, dim=dim)
    _checks.resolved(("train", train), ("reference", reference))
    _checks.real_number("scale", scale, above=0.0)
    logs: list[Array] = []
    for samples, number in ((train, count), (reference, None)):
        bandwidth = kernel_bandwidth(scale, len(samples) if number is None else number, dim)
        logs += [
            log_self_overlap(samples, bandwidth, number),
            log_sample_overlap(samples, generated, bandwidth, number),
        ]
    return kernel_gap_from_logs(*logs)


@with_float64
@_checks.real_arrays("samples", "generated")
def log_sample_overlap(
    samples: Samples,
    generated: Float[RealArray, "generated d"],
    bandwidth: Scalar | float,
    count: Integer | None = None,
) -> Float64[Array, ""]:
    """log C_X = log of the mean over g_m of ρ_X(g_m), ε the bandwidth, by pair sums in float64."""
    _checks.samples("samples", samples)
    _checks.samples("generated", generated, dim=samples.shape[1])
    _checks.real_number("bandwidth", bandwidth, above=0.0)
    return _log_sample_overlap(samples, as_float64(generated), as_float64(bandwidth), count)


@jax.jit
def _log_sample_overlap(
    samples: Samples, generated: Float64[Array, "generated d"], bandwidth: Scalar, count: Integer | None
) -> Float64[Array, ""]:
    dim = samples.shape[1]
    data = noised_data(samples, 1.0, bandwidth, count)

    def log_density(point: Float64[Array, "d"]) -> Float64[Array, ""]:
        centred = point - data.centre

        def step(total: Array, tile: Tile) -> Array:
            return jnp.logaddexp(total, jax.nn.logsumexp(data.exponents(centred, tile)))

        return data.fold(step, jnp.array(-jnp.inf))

    logs = jax.nn.logsumexp(map_queries(log_density, data, generated)) - jnp.log(len(generated))
    return logs - jnp.log(row_number(samples, count)) - dim / 2 * jnp.log(2 * jnp.pi * bandwidth**2)
