"""The feature-likelihood gap: are train samples more probable than held-out ones, given what was generated?

Source: Jiralerspong, Bose, Gemp, Qin, Bachrach & Gidel, NeurIPS 2023 (arXiv 2302.04440). A mixture of
isotropic Gaussians stands on the generated samples, p(x) = (1/m) Σ_j N(x; g_j, σ_j² I), its σ_j fitted by
maximum likelihood: where g_j is the copy of a sample that the fit sees, σ_j shrinks. The feature-likelihood
divergence FLD is −(100/d) times a mean log-likelihood, and

    Δ = FLD(train) − FLD(held out) = −(100/d) (mean_X log p − mean_H log p),

below 0 where memorising. In the source the σ_j are fitted to train samples alone, and Δ < 0 for a perfect
model too, by overfitting. Here both sets are fitted together, so that Δ is a difference of two means of
scores v = −(100/d) log p which do not know the labels, and exchanging these tests it exactly.

The fit is expectation maximisation: with responsibilities w_ij ∝ N(x_i; g_j, σ_j² I),
σ_j² = Σ_i w_ij |x_i − g_j|²/(d Σ_i w_ij), which never lowers the likelihood (Dempster, Laird & Rubin, J. R.
Stat. Soc. B 39, 1977). It has no bound at exact copies, so σ_j² is kept above a share of the mean variance.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Float64

from jaxmem import _checks
from jaxmem._typing import RealArray

FLD_UNIT = 100.0
"""Of the source: per dimension, times 100."""


@_checks.real_arrays("squares")
def likelihood_scores(
    squares: Float[RealArray, "pooled generated"],
    dim: int,
    *,
    variance: float,
    least: float = 1e-3,
    iterations: int = 50,
) -> Float64[np.ndarray, "pooled"]:
    """v_i = −(100/d) log p(x_i) of train and held-out samples, for the mixture fitted to both.

    Args:
        squares: |x_i − g_j|².
        dim: d.
        variance: mean over the coordinates of the variance of the samples.
        least: σ_j² is at least this share of `variance`: copies with less noise are all one.
        iterations: of expectation maximisation.

    Cost: pooled · generated exponentials an iteration; memory three times that in float32.

    Raises:
        ValueError: a variance or a share that is not positive.
    """
    dim = _checks.positive_integer("dim", dim)
    variance = _checks.real_number("variance", variance, above=0.0)
    least = _checks.real_number("least", least, above=0.0, below=1.0)
    iterations = _checks.positive_integer("iterations", iterations)
    scaled = jnp.asarray(np.asarray(squares) / variance, jnp.float32)
    found = _fitted(scaled, dim, least, iterations)
    logs = np.asarray(found, np.float64) - dim / 2 * np.log(2 * np.pi * variance)
    return -FLD_UNIT / dim * logs


@partial(jax.jit, static_argnums=(1, 3))
def _fitted(
    squares: Float32[Array, "pooled generated"], dim: int, least: float | Array, iterations: int
) -> Float32[Array, "pooled"]:
    """log p but for its constant, in units of the variance."""

    def terms(log_variance: Float32[Array, "generated"]) -> Float32[Array, "pooled generated"]:
        exponents = -squares * jnp.exp(-log_variance) / 2 - dim / 2 * log_variance
        return exponents - jnp.log(squares.shape[1])

    def step(_: int | Array, log_variance: Array) -> Array:
        weights = jax.nn.softmax(terms(log_variance), axis=1)
        total = weights.sum(0)
        found = (weights * squares).sum(0) / (dim * jnp.maximum(total, 1e-30))
        updated = jnp.log(jnp.maximum(found, least))
        return jnp.where(total > 1e-20, updated, log_variance)

    start = jnp.full(squares.shape[1], jnp.log(jnp.maximum(squares.min(1).mean() / dim, least)))
    return jax.nn.logsumexp(terms(jax.lax.fori_loop(0, iterations, step, start)), axis=1)
