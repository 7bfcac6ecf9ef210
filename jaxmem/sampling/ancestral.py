"""The discrete sampler of denoising diffusion models (arXiv 2006.11239), with any score and noise schedule.

The forward chain at times t_K > … > t_0 is x_k = r_k x_{k−1} + √β_k z with r_k = μ_k/μ_{k−1} and
β_k = σ_k² − r_k² σ_{k−1}², so that x_k = μ_k x_0 + σ_k ξ as the schedule has it at t_k; the source's β_k for
the Ornstein–Uhlenbeck process and for the chain by index. Backwards, with s the score at t_k,

    x_{k−1} = (x_k + β_k s(t_k, x_k))/r_k + √v_k z,    v_k = β_k σ²_{k−1}/σ²_k  or  β_k.

The first v_k is exact for data at a point, the second for standard normal data where μ² + σ² = 1; σ_0 = 0 is
allowed with the first, whose last step then adds no noise.
"""

from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Float32

from jaxmem import _checks
from jaxmem._typing import Key, RealArray
from jaxmem.noising import ornstein_uhlenbeck
from jaxmem.numerics.randomness import stream
from jaxmem.sampling.noise_path import Schedule, Stretch, stretches


def diffusion_times(
    steps: int = 1000, first: float = 1e-4, last: float = 0.02
) -> Float32[Array, "{steps}+1"]:
    """Decreasing times, the last 0, of the chain whose β_k grow linearly from `first` to `last`."""
    _checks.positive_integer("steps", steps)
    _checks.real_number("first", first, above=0.0, most=last)
    _checks.real_number("last", last, above=0.0, below=1.0)
    elapsed = -jnp.log1p(-jnp.linspace(first, last, steps, dtype=jnp.float32)) / 2
    return jnp.concatenate([jnp.zeros(1, jnp.float32), jnp.cumsum(elapsed)])[::-1]


@_checks.real_arrays("x", "times")
def ancestral(
    score: Callable[[Any, Any], Any],
    key: Key,
    x: Float[RealArray, "d"],
    times: Float[RealArray, "times"],
    schedule: Schedule = ornstein_uhlenbeck,
    *,
    variance: Literal["posterior", "forward"] = "posterior",
) -> Float[Array, "d"]:
    """One sample at the last of the decreasing `times`, from x at the first; vmap over (key, x) for more.

    `schedule` is an elementwise function time → (μ, σ): `partial(ornstein_uhlenbeck, noise_scale=λ)` for
    another noise scale.
    """
    _checks.one_of("variance", variance, ("posterior", "forward"))
    x = jnp.asarray(x)
    steps = stretches(schedule, times, x.dtype)
    noise = stream(key, "ancestral noise")

    def step(x: Float[Array, "d"], at: Stretch) -> tuple[Float[Array, "d"], None]:
        added = at.level.sigma**2 * at.freed
        mean = (x + added * score(at.time, x)) * at.growth
        left = at.next_level.sigma if variance == "posterior" else at.level.sigma
        normal = jax.random.normal(jax.random.fold_in(noise, at.number), x.shape, x.dtype)
        return (mean + left * jnp.sqrt(at.freed) * normal).astype(x.dtype), None

    return jax.lax.scan(step, x, steps)[0]
