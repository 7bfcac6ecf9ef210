"""Distances between two Gaussian laws on R^d, exact also where covariances are singular.

By the Feldman–Hájek dichotomy two Gaussians either share their affine support, and then every distance below
is finite, or they are mutually singular: squared Hellinger 1, both Kullback–Leibler divergences ∞. Bures W2²
is finite always.

One simultaneous diagonalisation gives all of them. With M = (Σ₁ + Σ₂)/2 and W such that Wᵀ M W = I on the
range of M, let c be the eigenvalues of C = Wᵀ (Σ₁ − Σ₂) W / 2. Then Σ₁ and Σ₂ become I ± C, with −1 ≤ c ≤ 1,
and supports agree if |c| < 1. Differences are taken before anything else, so that nearly equal laws keep
their digits, and the divergences are sums of non-negative terms.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float64

from jaxmem import _checks
from jaxmem._typing import Covariance, Integer, Vector
from jaxmem.numerics import linear_algebra
from jaxmem.numerics.linear_algebra import product
from jaxmem.numerics.precision import with_float64

RANK_TOLERANCE = 16.0
"""Eigenvalues under this times √d ε count as zero, for a matrix scaled to unit diagonal.

Rounding leaves null eigenvalues of up to 4 times √d ε in the laws of the one-step denoiser (d = 3 to 256,
n ≤ d, isotropic, spiked, power-law and rotated populations).
"""

SUPPORT_TOLERANCE = 1e-8
"""Means that leave a common singular support by less than this, relative to their size, count as inside."""


class GaussianDistances(NamedTuple):
    """Everything `gaussian_distances` returns, float64 scalars.

    Attributes:
        hellinger_squared: H² = 1 − ∫ √(p₁ p₂), in [0, 1].
        log_affinity: log ∫ √(p₁ p₂) = log(1 − H²), which keeps its digits where H² rounds to 1.
        kl_12: KL(p₁‖p₂) in nats.
        kl_21: KL(p₂‖p₁) in nats.
        bures_squared: squared Wasserstein-2 distance, in squared units of the data.
    """

    hellinger_squared: Float64[Array, ""]
    log_affinity: Float64[Array, ""]
    kl_12: Float64[Array, ""]
    kl_21: Float64[Array, ""]
    bures_squared: Float64[Array, ""]


@with_float64
@_checks.real_arrays("mean_1", "covariance_1", "mean_2", "covariance_2")
def gaussian_distances(
    mean_1: Vector,
    covariance_1: Covariance,
    mean_2: Vector,
    covariance_2: Covariance,
    *,
    ranks: tuple[Integer, Integer] | None = None,
) -> GaussianDistances:
    """All distances between N(mean_1, covariance_1) and N(mean_2, covariance_2).

    With δ = Wᵀ (mean_1 − mean_2) in the eigenbasis of C (module docstring), r = (1 + c)/(1 − c):

        log(1 − H²) = ¼ Σ log(1 − c²) − ⅛ Σ δ²
        KL(1‖2)     = ½ Σ (r − 1 − log r) + ½ Σ δ²/(1 − c)
        W2²         = |mean_1 − mean_2|² + min_U ‖F₁ − F₂ U‖²,   F_i F_iᵀ = Σ_i, U orthogonal

    `ranks` are those of the two covariances where they are known, traced or not; otherwise rounding decides,
    that of float32 for a float32 covariance. A fit to n samples has rank min(n − 1, d), which rounding cannot
    tell in 2 to 8 % of replicates with n = d + 1 = 257, where condition numbers pass 1e13. With `ranks`
    the divergences are then finite, and right to 1e-3 up to 1e15.

    Relative errors are about 1e-16 times the condition number of the covariances scaled to unit diagonal.
    U is the polar factor of F₂ᵀ F₁, so that no traces cancel where the laws are close.

    Cost: two symmetric eigendecompositions, one singular value decomposition and six products of d×d
    matrices.

    Raises:
        ValueError: a covariance that is not symmetric positive semi-definite, NaN, or shapes that differ.
    """
    for number, mean, covariance in ((1, mean_1, covariance_1), (2, mean_2, covariance_2)):
        _checks.covariance(f"covariance_{number}", covariance, dim=mean_1.shape[0])
        _checks.shape(f"mean_{number}", mean, mean_1.shape[0])
        _checks.finite(f"mean_{number}", mean)
    return _distances(mean_1, covariance_1, mean_2, covariance_2, ranks)


@jax.jit
def _distances(
    mean_1: Vector,
    covariance_1: Covariance,
    mean_2: Vector,
    covariance_2: Covariance,
    ranks: tuple[Integer, Integer] | None,
) -> GaussianDistances:
    rank_1, rank_2 = ranks or (None, None)
    rounding_1, rounding_2 = (_rounding(matrix) for matrix in (covariance_1, covariance_2))
    sigma_1, sigma_2 = (jnp.asarray(matrix, jnp.float64) for matrix in (covariance_1, covariance_2))
    mean_1, mean_2 = (jnp.asarray(mean, jnp.float64) for mean in (mean_1, mean_2))

    diagonal = jnp.diag(sigma_1 + sigma_2) / 2
    scale = jnp.sqrt(jnp.where(diagonal > 0, diagonal, 1))
    middle, axes = linear_algebra.eigh((sigma_1 + sigma_2) / 2 / jnp.outer(scale, scale))
    inside = middle > max(rounding_1, rounding_2)
    if ranks is not None:
        inside |= jnp.arange(middle.size)[::-1] < jnp.maximum(*ranks)
        middle = jnp.maximum(middle, jnp.finfo(middle.dtype).eps)
    inverse_root = jnp.where(inside, 1 / jnp.sqrt(jnp.where(inside, middle, 1)), 0)
    whitener = axes * inverse_root / scale[:, None]
    contrast, rotation = linear_algebra.eigh(product(product(whitener.T, sigma_1 - sigma_2), whitener) / 2)

    least = jnp.min(middle, initial=jnp.inf, where=inside)
    size = inside.sum()
    share_1 = _share(contrast, size, rank_1, rounding_1 / least)
    share_2 = _share(-contrast[::-1], size, rank_2, rounding_2 / least)[::-1]
    equivalent = (share_1 > 0).all() & (share_2 > 0).all()
    difference = mean_1 - mean_2
    equivalent &= _inside_support(difference, mean_1, mean_2, scale, axes, inside)

    shift = product(rotation.T, product(whitener.T, difference)) ** 2
    safe_1, safe_2 = (jnp.where(equivalent, share, 1) for share in (share_1, share_2))
    log_affinity = _log_product(safe_1, safe_2).sum() / 4 - shift.sum() / 8
    log_affinity = jnp.where(equivalent, log_affinity, -jnp.inf)
    factor = product(scale[:, None] * axes * jnp.sqrt(jnp.where(inside, middle, 0)), rotation)
    roots = jnp.sqrt(share_1)[:, None] * product(factor.T, factor) * jnp.sqrt(share_2)
    left, _, right = linear_algebra.singular_value_decomposition(roots)
    nearest = jax.lax.stop_gradient(product(right.T, left.T))  # a minimum: it has no slope
    apart = factor * jnp.sqrt(share_1) - product(factor * jnp.sqrt(share_2), nearest)
    bures = (difference**2).sum() + (apart**2).sum()
    return GaussianDistances(
        hellinger_squared=-jnp.expm1(log_affinity),
        log_affinity=log_affinity,
        kl_12=jnp.where(equivalent, _divergence(safe_1, safe_2, shift), jnp.inf),
        kl_21=jnp.where(equivalent, _divergence(safe_2, safe_1, shift), jnp.inf),
        bures_squared=bures,
    )


@with_float64
@_checks.real_arrays("covariance_1", "covariance_2")
def operator_norm_distance(covariance_1: Covariance, covariance_2: Covariance) -> Float64[Array, ""]:
    """Largest |eigenvalue| of Σ₁ − Σ₂; one symmetric eigendecomposition without vectors."""
    _checks.covariance("covariance_1", covariance_1)
    _checks.covariance("covariance_2", covariance_2, dim=covariance_1.shape[0])
    difference = jnp.asarray(covariance_1, jnp.float64) - jnp.asarray(covariance_2, jnp.float64)
    return jnp.abs(linear_algebra.eigvalsh(difference)).max()


def _rounding(covariance: Covariance) -> float:
    """Eigenvalues that rounding alone explains, of a matrix of this dtype scaled to unit diagonal."""
    return RANK_TOLERANCE * covariance.shape[0] ** 0.5 * float(jnp.finfo(covariance.dtype).eps)


def _share(
    contrast: Float64[Array, "d"], size: Integer, rank: Integer | None, rounding: Float64[Array, ""]
) -> Float64[Array, "d"]:
    """1 + c for ascending c, the eigenvalues of a whitened covariance; exactly 0 where that is null."""
    share = 1 + contrast
    if rank is None:
        return jnp.where(share > rounding, share, 0)
    null = jnp.arange(share.size) < size - rank
    return jnp.where(null, 0, jnp.maximum(share, jnp.finfo(share.dtype).eps))


def _log_product(share_1: Float64[Array, "d"], share_2: Float64[Array, "d"]) -> Float64[Array, "d"]:
    """log(1 + c)(1 − c) = log(1 − c²): each form where it loses no digits, near |c| = 1 and near 0."""
    contrast = (share_1 - share_2) / 2
    near_zero = jnp.abs(contrast) < 0.5
    small = jnp.where(near_zero, contrast, 0)
    return jnp.where(near_zero, jnp.log1p(-(small**2)), jnp.log(share_1 * share_2))


def _divergence(
    share_1: Float64[Array, "d"], share_2: Float64[Array, "d"], shift: Float64[Array, "d"]
) -> Float64[Array, ""]:
    """KL(1‖2) from 1 ± c and δ²."""
    excess = (share_1 - share_2) / share_2
    return (excess - jnp.log1p(excess) + shift / share_2).sum() / 2


def _inside_support(
    difference: Float64[Array, "d"],
    mean_1: Float64[Array, "d"],
    mean_2: Float64[Array, "d"],
    scale: Float64[Array, "d"],
    axes: Float64[Array, "d d"],
    inside: Bool[Array, "d"],
) -> Bool[Array, ""]:
    """Whether the means differ only along the joint range of the covariances."""
    size = jnp.maximum(jnp.abs(mean_1 / scale), jnp.abs(mean_2 / scale)).max()
    beside = jnp.where(inside, 0, product(axes.T, difference / scale))
    return jnp.abs(beside).max() <= SUPPORT_TOLERANCE * size
