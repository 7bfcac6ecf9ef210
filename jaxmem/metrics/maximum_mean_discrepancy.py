"""Squared maximum mean discrepancy with a Gaussian kernel (Gretton et al., J. Mach. Learn. Res. 13, 2012)."""

import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Float64

from jaxmem import _checks
from jaxmem._typing import Integer, Reference, Samples, Scalar
from jaxmem.metrics.discrepancy import discrepancy
from jaxmem.numerics.linear_algebra import product
from jaxmem.numerics.precision import with_float64


@with_float64
@_checks.real_arrays("x", "y")
def maximum_mean_discrepancy_squared(
    x: Samples,
    y: Reference,
    count: Integer | None = None,
    *,
    bandwidth: Scalar | float,
    unbiased: bool = True,
    dtype: DTypeLike = jnp.float32,
    tile: int | None = None,
) -> Float64[Array, ""]:
    """MMD² = E k(x, x') + E k(y, y') − 2 E k(x, y) with k(x, y) = exp(−|x − y|²/(2h²)), h the bandwidth.

    Args:
        x: (n, d), or (capacity, d) with rows from `count` on ignored.
        y: (N, d).
        count: n, traced or not; all rows of `x` by default.
        bandwidth: h > 0 in the units of the data; `median_bandwidth` is the usual choice.
        unbiased: within a sample, the mean over pairs k ≠ l: right on average for every n, and it may be
            negative; of one sample it counts 0. Otherwise over all pairs: never negative, and too large by
            about (1 − E k)/n + (1 − E k)/N.
        dtype: of the pair sums, float32 or float64, after centring in float64.
        tile: rows per tile; by default what suits the size and the device.

    Returns:
        MMD², float64; float32 pair sums leave errors of about 1e-8, beside values up to 2. Where points
        are so many bandwidths apart that 1e-4 would be left, float64 sums take over, then differences. It has
        derivatives of any order, forwards and backwards.

    Cost: (n²/2 + N²/2 + n N) pairs of d multiplications and an exponential; memory O((n + N) d + tile²).

    Raises:
        ValueError: NaN, samples of different d, bandwidth ≤ 0, or a count outside 1..capacity.
    """
    _checks.real_number("bandwidth", bandwidth, above=0.0)
    return discrepancy(jnp.exp, 1.0, x, y, count, unit=bandwidth, unbiased=unbiased, dtype=dtype, tile=tile)


@with_float64
@_checks.real_arrays("samples")
def median_bandwidth(samples: Samples, most: int = 1000) -> Float64[Array, ""]:
    """Median of |x_k − x_l| over the pairs k < l of the first `most` rows: the median heuristic for h."""
    _checks.samples("samples", samples, least=2)
    _checks.positive_integer("most", most, least=2)
    rows = jnp.asarray(samples[:most], jnp.float64)
    rows = rows - rows.mean(0)
    products = product(rows, rows.T)
    norms = jnp.diagonal(products)
    squares = (norms[:, None] + norms - 2 * products)[np.triu_indices(rows.shape[0], 1)]
    return jnp.sqrt(jnp.maximum(jnp.median(squares), 0))
