"""One level of noise: x_t = μ x_0 + σ ξ with ξ ~ N(0, I).

The Ornstein–Uhlenbeck process dx = −x dt + √(2λ) dW has μ = e^-t and σ² = λ (1 − e^-2t); λ = 1 is the
standard one, other λ the noise scale of arXiv 2411.17807. Every function works on arrays in their own dtype
and keeps relative accuracy as t → 0, where 1 − e^-2t would lose all digits in float32 below t = 3e-8.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmem import _checks
from jaxmem._typing import RealArray

Number = Float[RealArray, "..."] | float


class NoiseLevel(NamedTuple):
    """The pair (μ, σ) of x_t = μ x_0 + σ ξ."""

    mu: Float[Array, "..."]
    sigma: Float[Array, "..."]


def ornstein_uhlenbeck(time: Number, noise_scale: Number = 1.0) -> NoiseLevel:
    """μ = e^-t, σ = √(λ (1 − e^-2t)) at t ≥ 0 for λ > 0."""
    if not _checks.is_traced(time):
        _checks.real_numbers("time", time, least=0.0)
    return NoiseLevel(jnp.exp(-time), jnp.sqrt(-noise_scale * jnp.expm1(-2 * time)))


def time_at_signal(mu: Number) -> Float[Array, "..."]:
    """The time with e^-t = μ, for 0 < μ ≤ 1."""
    return -jnp.log(mu)


def time_at_noise(sigma: Number, noise_scale: Number = 1.0) -> Float[Array, "..."]:
    """The time with λ (1 − e^-2t) = σ², for 0 ≤ σ² < λ."""
    return -jnp.log1p(-(sigma**2) / noise_scale) / 2


def time_at_ratio(ratio: Number, noise_scale: Number = 1.0) -> Float[Array, "..."]:
    """The time with σ/μ = `ratio` ≥ 0, whose square is λ (e^2t − 1): the noise per unit of signal."""
    return jnp.log1p(ratio**2 / noise_scale) / 2


@_checks.real_arrays("x", "normal")
def add_noise(
    x: Float[RealArray, "*batch d"], normal: Float[RealArray, "*batch d"], mu: Number, sigma: Number
) -> Float[Array, "*batch d"]:
    """μ x + σ ξ, with μ and σ scalars or of a shape that broadcasts against x."""
    return jnp.asarray(mu * x + sigma * normal)


@_checks.real_arrays("denoised", "y")
def score_from_denoiser(
    denoised: Float[RealArray, "*batch d"], y: Float[RealArray, "*batch d"], mu: Number, sigma: Number
) -> Float[Array, "*batch d"]:
    """∇ log p(y) = (μ E[x | y] − y) / σ² (Tweedie's formula), from the denoised E[x | y]."""
    return jnp.asarray((mu * denoised - y) / sigma**2)


@_checks.real_arrays("score", "y")
def denoiser_from_score(
    score: Float[RealArray, "*batch d"], y: Float[RealArray, "*batch d"], mu: Number, sigma: Number
) -> Float[Array, "*batch d"]:
    """E[x | y] = (y + σ² ∇ log p(y)) / μ, the inverse of `score_from_denoiser`."""
    return jnp.asarray((y + sigma**2 * score) / mu)
