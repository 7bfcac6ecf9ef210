"""Denoising diffusion implicit models (DDIM): fewer steps, and noise from none to that of `ancestral`.

Source: Song, Meng & Ermon 2020, arXiv 2010.02502, there for μ² + σ² = 1. For any x_t = μ x_0 + σ ξ with score
s at t, a step to the earlier t' takes the denoised x̂_0 and the noise ξ̂ apart and puts them together again,

    x̂_0 = (x + σ² s)/μ,   ξ̂ = −σ s,   x' = μ' x̂_0 + √(σ'² − η² v) ξ̂ + η √v z,   v = σ'² (1 − (ρ'/ρ)²),

ρ = σ/μ. v is the variance of x' given x and x_0. η = 1 is the ancestral sampler; η = 0 adds no noise and is
Euler's method for the probability flow in the coordinates x/μ and ρ, of order 1.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmem import _checks
from jaxmem._typing import Key, RealArray, Scalar
from jaxmem.noising import ornstein_uhlenbeck
from jaxmem.numerics.randomness import stream
from jaxmem.sampling.noise_path import Schedule, Stretch, stretches


@_checks.real_arrays("x", "times")
def denoising_implicit(
    score: Callable[[Any, Any], Any],
    key: Key,
    x: Float[RealArray, "d"],
    times: Float[RealArray, "times"],
    schedule: Schedule = ornstein_uhlenbeck,
    *,
    eta: Scalar | float = 0.0,
) -> Float[Array, "d"]:
    """One sample at the last of the decreasing `times`, from x at the first; vmap over (key, x) for more.

    Args:
        score: (t, x) → score, evaluated once a step at all times but the last.
        key: of the noise; not used where `eta` is 0.
        x: the point at the first time; from N(0, σ² I) there, where little signal is left.
        times: at least two, of which the last may be free of noise (σ = 0); a path without signal at its
            start (μ = 0) is entered a little after.
        schedule: time → (μ, σ), elementwise.
        eta: η, from 0 to 1.

    Raises:
        ValueError: η outside [0, 1], times or levels that no step can be made between.
    """
    _checks.real_number("eta", eta, least=0.0, most=1.0)
    x = jnp.asarray(x)
    dtype = x.dtype
    steps = stretches(schedule, times, dtype)
    noise = stream(key, "ancestral noise")  # that of `ancestral`, which η = 1 repeats
    noisy = _checks.is_traced(eta) or float(eta) > 0

    def step(x: Float[Array, "d"], at: Stretch) -> tuple[Float[Array, "d"], None]:
        sigma, added = at.level.sigma, eta**2 * at.freed
        # μ' x̂_0 + √(σ'² − η² v) ξ̂, by what multiplies x and s
        pull = sigma * (sigma * at.growth - at.next_level.sigma * jnp.sqrt(1 - added))
        x = at.growth * x + pull * score(at.time, x)
        if noisy:
            normal = jax.random.normal(jax.random.fold_in(noise, at.number), x.shape, x.dtype)
            x += at.next_level.sigma * jnp.sqrt(added) * normal
        return x.astype(dtype), None

    return jax.lax.scan(step, x, steps)[0]
