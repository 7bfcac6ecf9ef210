"""Sampling by a blind denoiser alone, which reads the noise level off what it removes.

With d_t = f(x_t) − x_t and σ_t² = ‖d_t‖²/dim,

    x_{t+1} = x_t + h d_t + γ_t ξ_t,    γ_t² = ((1 − β h)² − (1 − h)²) σ_t²,

from noise of a given σ until σ_t is small; β = 1 adds no noise. The level is that of the residual, not of the
noise: of Gaussian data of variances λ_k the exact denoiser has E‖d‖² = Σ_k σ⁴/(λ_k + σ²), less than dim σ².

Source: Kadkhodaie & Simoncelli, NeurIPS 2021, arXiv 2007.13640; Kadkhodaie, Guth, Simoncelli & Mallat, ICLR
2024, arXiv 2310.02557 (h = 0.01, β = 0.1, σ from 1 to 0.05).
"""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmem import _checks
from jaxmem._typing import Key, RealArray
from jaxmem.numerics.randomness import stream

MOST_STEPS = 3.0
"""Times the steps that σ_t takes to its end where it falls by 1 − β h in each: then it is left as it is."""


@_checks.real_arrays("x")
def stochastic_ascent(
    denoiser: Callable[[Any], Any],
    key: Key,
    x: Float[RealArray, "d"],
    *,
    start: float = 1.0,
    end: float = 0.05,
    step: float = 0.01,
    noise_share: float = 0.1,
) -> Float[Array, "d"]:
    """The point where the residual of the denoiser has fallen to `end`.

    Args:
        denoiser: y → E[x | y], not told the noise level.
        key: of the noise of every step: two models with the same key get the same.
        x: the first point, of noise `start` about the mean of the data.
        start: σ there (above `end`); it fixes only how many steps are taken at most.
        end: σ_t at which it stops (above 0).
        step: h, above 0 and at most 1.
        noise_share: β, above 0 and at most 1, which is 1 without noise.
    """
    _checks.real_number("end", end, above=0.0)
    _checks.real_number("start", start, above=end)
    _checks.real_number("step", step, above=0.0, most=1.0)
    _checks.real_number("noise_share", noise_share, above=0.0, most=1.0)
    x = jnp.asarray(x)
    most = math.ceil(MOST_STEPS * math.log(start / end) / (noise_share * step))
    injected = math.sqrt((1 - noise_share * step) ** 2 - (1 - step) ** 2)

    def unfinished(state: tuple[Any, Any, Any]) -> Any:
        number, _, residual = state
        return (number < most) & (jnp.sqrt((residual**2).mean()) > end)

    def ascend(state: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        number, x, residual = state
        normal = jax.random.normal(stream(key, "ascent", number), x.shape, x.dtype)
        level = jnp.sqrt((residual**2).mean())
        x = x + step * residual + injected * level * normal
        return number + 1, x, denoiser(x) - x

    return jax.lax.while_loop(unfinished, ascend, (jnp.int32(0), x, denoiser(x) - x))[1]
