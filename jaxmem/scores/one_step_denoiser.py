"""The one-step linear denoiser (arXiv 2411.17807, its script LDM.py) and the Gaussian law it generates.

Each training sample x_k is noised once, at time T with noise scale λ, by `draws` independent normals:

    y_kj = e^-T x_k + √(λ (1 − e^-2T)) ξ_kj,    k = 1..n,  j = 1..draws.

Least squares x ≈ b + B y over the n·draws pairs, of minimum norm where these are at most d, intercept by
centring. To generate, y ~ N(e^-T x̄, s² I) with s² = e^-2T v̄ + λ (1 − e^-2T) is mapped to b + B y, so that
the generated law is N(b + e^-T B x̄, s² B Bᵀ). v̄ is the mean over coordinates of the sample variances, with
1/(n − 1) as in the script (0 for n = 1).

Infinitely many draws have the closed form B = e^-T S (e^-2T S + λ (1 − e^-2T) I)^-1, S = Σ (x − x̄)(x − x̄)ᵀ/n.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Float32, Float64

from jaxmem import _checks
from jaxmem._typing import Integer, Key, RealArray, Samples, Scalar
from jaxmem.noising import ornstein_uhlenbeck
from jaxmem.numerics import linear_algebra
from jaxmem.numerics.linear_algebra import product
from jaxmem.numerics.padding import padded_size
from jaxmem.numerics.precision import with_float64
from jaxmem.numerics.randomness import stream

SOURCE_TIME = 2.0
SOURCE_NOISE_SCALE = math.exp(-2 * SOURCE_TIME)


class OneStepDenoiser(eqx.Module):
    """x = b + B y, with the law N(input_mean, input_variance I) of the y that it is fed to generate."""

    slope: Float64[Array, "d d"]
    intercept: Float64[Array, "d"]
    input_mean: Float64[Array, "d"]
    input_variance: Float64[Array, ""]


class _Centred(NamedTuple):
    """What the fit needs of the train set; padded rows are zero."""

    rows: Float64[Array, "n d"]
    mean: Float64[Array, "d"]
    valid: Float64[Array, "n"]
    number: Float64[Array, ""]


def denoiser_capacity(n: int, dim: int, draws: float = 1) -> int:
    """The padded size for n samples: it tells `fit_one_step_denoiser` on which side of n·draws = d it is.

    At n·draws ≤ d the fit solves with the Gram matrix of the pairs, above with that of the coordinates.
    """
    return padded_size(n, boundaries=() if math.isinf(draws) else (dim // int(draws),))


@with_float64
@_checks.real_arrays("train")
def fit_one_step_denoiser(
    key: Key,
    train: Samples,
    time: Scalar | float = SOURCE_TIME,
    noise_scale: Scalar | float = SOURCE_NOISE_SCALE,
    *,
    draws: float = 1,
    count: Integer | None = None,
    noise: Float[RealArray, "draws n d"] | None = None,
) -> OneStepDenoiser:
    """Fit B and b to the first `count` rows of `train`, in float64.

    Args:
        key: of the noise; draw j is the same for every number of draws, and its first rows for every n.
        train: (n, d), or (capacity, d) with rows from `count` on ignored.
        time: T > 0, default 2.
        noise_scale: λ > 0, default e^-2T at T = 2.
        draws: noise draws per sample, a whole number or `math.inf`.
        count: how many rows of `train` are samples, traced or not; all by default. Capacities come from
            `denoiser_capacity`: no other padding may reach across count · draws = d.
        noise: the normals ξ themselves, in place of drawing them.

    Returns:
        The denoiser; all NaN if a traced `count` breaks the rule above.

    Normal equations by Cholesky: the relative error is about 1e-17 cond(Y)², 1e-10 in the median at d = 400
    and n = d, the worst case; 1e-15 away from it. Cost: (1 + draws) n d² + (7/3) d³ multiplications
    above n · draws = d, about 2 (n · draws)² d below; memory of one noise draw above.
    """
    _check_fit(train, time, noise_scale, draws, count, noise)
    rows = train.shape[0] if count is None else count
    return _fit(key, jnp.asarray(train), time, noise_scale, rows, noise, draws=draws)


@partial(jax.jit, static_argnames="draws")
def _fit(
    key: Key,
    train: Samples,
    time: Scalar | float,
    noise_scale: Scalar | float,
    count: Integer,
    noise: Float[RealArray, "draws n d"] | None,
    *,
    draws: float,
) -> OneStepDenoiser:
    capacity, dim = train.shape
    centred = _centre(train, count)
    mu, sigma = ornstein_uhlenbeck(jnp.asarray(time, jnp.float64), noise_scale)

    def noised(draw: Integer) -> Float64[Array, "n d"]:
        """Row k: y_k − e^-T x̄, 0 where padded."""
        if noise is None:
            normal = jax.random.normal(stream(key, "noise", draw), (capacity, dim), jnp.float32)
        else:
            normal = noise[draw]
        return mu * centred.rows + sigma * centred.valid[:, None] * normal.astype(jnp.float64)

    if draws == math.inf:
        slope, offset = _slope_of_all_noise(centred, mu, sigma), jnp.zeros(dim)
    elif capacity * draws <= dim:
        slope, offset = _slope_by_pairs(centred, jax.vmap(noised)(jnp.arange(int(draws))))
    else:
        slope, offset = _slope_by_coordinates(centred, noised, int(draws))
    input_mean = mu * centred.mean
    variance = (centred.rows**2).sum() / (dim * jnp.maximum(centred.number - 1, 1))
    intercept = centred.mean - product(slope, input_mean + offset)
    return OneStepDenoiser(slope, intercept, input_mean, mu**2 * variance + sigma**2)


@with_float64
def generated_law(denoiser: OneStepDenoiser) -> tuple[Float64[Array, "d"], Float64[Array, "d d"]]:
    """Mean b + e^-T B x̄ and covariance s² B Bᵀ of what the denoiser generates; d³ multiplications.

    The columns of B lie in the span of x_k − x̄: for any number of draws the rank is min(n − 1, d).
    """
    mean = denoiser.intercept + product(denoiser.slope, denoiser.input_mean)
    return mean, denoiser.input_variance * product(denoiser.slope, denoiser.slope.T)


@with_float64
@_checks.real_arrays("y")
def denoise(denoiser: OneStepDenoiser, y: Float[RealArray, "*batch d"]) -> Float64[Array, "*batch d"]:
    """b + B y."""
    return denoiser.intercept + product(jnp.asarray(y, jnp.float64), denoiser.slope.T)


@with_float64
def generate(denoiser: OneStepDenoiser, key: Key, n: int) -> Float32[Array, "{n} d"]:
    """n samples of the generated law, with the prefix property."""
    normal = generating_normals(denoiser, key, n)
    y = denoiser.input_mean + jnp.sqrt(denoiser.input_variance) * normal
    return denoise(denoiser, y).astype(jnp.float32)


def generating_normals(denoiser: OneStepDenoiser, key: Key, n: int) -> Float32[Array, "{n} d"]:
    """The standard normal numbers that `generate` makes its samples from."""
    return jax.random.normal(stream(key, "generated"), (n, denoiser.intercept.size), jnp.float32)


@with_float64
def generating_factor(denoiser: OneStepDenoiser) -> Float64[Array, "d d"]:
    """F = s B, by which a sample is mean + F ξ; singular values have twice the digits of those of F Fᵀ."""
    return jnp.sqrt(denoiser.input_variance) * denoiser.slope


def _centre(train: Samples, count: Integer) -> _Centred:
    valid = (jnp.arange(train.shape[0]) < count).astype(jnp.float64)
    rows = jnp.where(valid[:, None] > 0, jnp.asarray(train, jnp.float64), 0)
    number = jnp.asarray(count, jnp.float64)
    mean = rows.sum(0) / number
    return _Centred(valid[:, None] * (rows - mean), mean, valid, number)


def _slope_by_pairs(
    centred: _Centred, noised: Float64[Array, "draws n d"]
) -> tuple[Float64[Array, "d d"], Float64[Array, "d"]]:
    """Minimum-norm B and the mean of `noised`, from the Gram matrix K of all pairs, n · draws ≤ d.

    B = X_cᵀ K⁺ Y_c with K = Y_c Y_cᵀ, whose null vector is that of all ones. Since X_cᵀ 1 = 0, adding the
    projector on it changes nothing but makes K invertible, as does a diagonal on the padded rows.
    """
    draws, _, dim = noised.shape
    valid = jnp.tile(centred.valid, draws)
    pairs = noised.reshape(-1, dim)
    number = draws * centred.number
    offset = pairs.sum(0) / number
    pairs = valid[:, None] * (pairs - offset)
    gram = product(pairs, pairs.T)
    scale = jnp.trace(gram) / number
    scale = jnp.where(scale > 0, scale, 1.0)
    gram = gram + scale * (jnp.outer(valid, valid) / number + jnp.diag(1 - valid))
    solved = linear_algebra.solve_positive(gram, pairs)
    return product(jnp.tile(centred.rows, (draws, 1)).T, solved), offset


def _slope_by_coordinates(
    centred: _Centred, noised: Callable[[Integer], Float64[Array, "n d"]], draws: int
) -> tuple[Float64[Array, "d d"], Float64[Array, "d"]]:
    """B = X_cᵀ Y_c (Y_cᵀ Y_c)^-1 and the mean of `noised`, n · draws > d; NaN where a count is too small."""
    dim = centred.mean.size

    def add(sums: tuple[Array, Array], draw: Array) -> tuple[tuple[Array, Array], None]:
        gram, total = sums
        rows = noised(draw)
        return (gram + product(rows.T, rows), total + rows), None

    start = (jnp.zeros((dim, dim)), jnp.zeros_like(centred.rows))
    (gram, total), _ = jax.lax.scan(add, start, jnp.arange(draws))
    number = draws * centred.number
    offset = total.sum(0) / number
    gram = gram - number * jnp.outer(offset, offset)
    slope = linear_algebra.solve_positive(gram, product(total.T, centred.rows)).T
    return jnp.where(number > dim, slope, jnp.nan), offset


def _slope_of_all_noise(centred: _Centred, mu: Scalar, sigma: Scalar) -> Float64[Array, "d d"]:
    """B = μ S (μ² S + σ² I)^-1, symmetric because both factors commute."""
    moment = product(centred.rows.T, centred.rows) / centred.number
    return linear_algebra.solve_positive(mu**2 * moment + sigma**2 * jnp.eye(centred.mean.size), mu * moment)


def _check_fit(
    train: Samples,
    time: Scalar | float,
    noise_scale: Scalar | float,
    draws: float,
    count: Integer | None,
    noise: Float[RealArray, "draws n d"] | None,
) -> None:
    _checks.samples("train", train, count=count)
    _checks.real_number("time", time, above=0.0)
    _checks.real_number("noise_scale", noise_scale, above=0.0)
    if not (draws >= 1 and (draws == math.inf or draws == int(draws))):
        raise ValueError(f"draws must be a whole number of at least 1 or inf, got {draws!r}.")
    capacity, dim = train.shape
    if noise is not None and noise.shape != (draws, capacity, dim):
        raise ValueError(f"noise must have shape {(draws, capacity, dim)}, got {noise.shape}.")
    if count is None or _checks.is_traced(count):
        return
    if int(count) * draws <= dim < capacity * draws < math.inf:
        raise ValueError(
            f"count must be above d/draws = {dim / draws:g} where train has {capacity} rows, got {count}: "
            "take the capacity from denoiser_capacity."
        )
