"""Heun's method for the probability flow in the coordinates where it is least curved.

Source: Karras, Aittala, Aila & Laine 2022, arXiv 2206.00364, algorithm 1. With x_t = μ x_0 + σ ξ and score s
the flow that carries the laws of x_t into each other is, in the coordinates x̂ = x/μ and ρ = σ/μ, for any
schedule,

    dx̂/dρ = −ρ ∇ log p̂(x̂) = −σ s(t, x) = ξ̂,

the noise that a model predicts, because x̂ = x_0 + ρ ξ grows by noise of variance dρ² and
∇_x̂ log p̂ = μ s. A step averages ξ̂ at t and where Euler's method would end, order 2.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmem import _checks
from jaxmem._typing import RealArray
from jaxmem.noising import ornstein_uhlenbeck
from jaxmem.sampling.noise_path import Schedule, Stretch, stretches


@_checks.real_arrays("x", "times")
def heun(
    score: Callable[[Any, Any], Any],
    x: Float[RealArray, "d"],
    times: Float[RealArray, "times"],
    schedule: Schedule = ornstein_uhlenbeck,
) -> Float[Array, "d"]:
    """The point at the last of the decreasing `times` of the flow through x at the first; no noise.

    Two scores a step; one, Euler's, in a step to σ = 0, where there is no score.

    Args:
        score: (t, x) → score.
        x: the point at the first time; from N(0, σ² I) there, where little signal is left.
        times: at least two, of which the last may be free of noise (σ = 0); a path without signal at its
            start (μ = 0) is entered a little after.
        schedule: time → (μ, σ), elementwise.

    Raises:
        ValueError: times or levels that no step can be made between.
    """
    x = jnp.asarray(x)
    dtype = x.dtype

    def step(x: Float[Array, "d"], at: Stretch) -> tuple[Float[Array, "d"], None]:
        noise = -at.level.sigma * score(at.time, x)
        change = at.next_level.sigma - at.growth * at.level.sigma  # μ' (ρ' − ρ)
        guess = (at.growth * x + change * noise).astype(dtype)

        def corrected() -> Float[Array, "d"]:
            next_noise = -at.next_level.sigma * score(at.next_time, guess)
            return (guess + change * (next_noise - noise) / 2).astype(dtype)

        return jax.lax.cond(at.next_level.sigma > 0, corrected, lambda: guess), None

    return jax.lax.scan(step, x, stretches(schedule, times, dtype))[0]
