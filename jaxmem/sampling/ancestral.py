"""The discrete sampler of denoising diffusion models (arXiv 2006.11239), with any score.

The forward chain at times t_K > … > t_0 is x_k = r_k x_{k−1} + √β_k z with r_k = e^{−(t_k − t_{k−1})} and
β_k = λ (1 − r_k²), so that x_k is noised as the Ornstein–Uhlenbeck process at t_k; the source's β_k at λ = 1.
Backwards, with s the score at t_k,

    x_{k−1} = (x_k + β_k s(t_k, x_k))/r_k + √v_k z,    v_k = β_k σ²(t_{k−1})/σ²(t_k)  or  β_k.

The first v_k is exact for data at a point, the second for standard normal data; t_0 = 0 is allowed with the
first, whose last step then adds no noise.
"""

from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Float32

from jaxmem import _checks
from jaxmem._typing import Key, RealArray, Scalar
from jaxmem.noising import ornstein_uhlenbeck
from jaxmem.numerics.randomness import stream
from jaxmem.sampling.reverse_process import check_times


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
    noise_scale: Scalar | float = 1.0,
    *,
    variance: Literal["posterior", "forward"] = "posterior",
) -> Float[Array, "d"]:
    """One sample at the last of the decreasing `times`, from x at the first; vmap over (key, x) for more."""
    _checks.one_of("variance", variance, ("posterior", "forward"))
    check_times(times, noise_scale)
    x = jnp.asarray(x)
    times = jnp.asarray(times, x.dtype)
    noise = stream(key, "ancestral noise")

    def step(x: Float[Array, "d"], entry: tuple[Array, Array, Array]) -> tuple[Float[Array, "d"], None]:
        number, time, earlier = entry
        kept, _ = ornstein_uhlenbeck(time - earlier)
        added = -noise_scale * jnp.expm1(-2 * (time - earlier))
        mean = (x + added * score(time, x)) / kept
        if variance == "posterior":
            before, now = (ornstein_uhlenbeck(t, noise_scale).sigma for t in (earlier, time))
            added = added * (before / now) ** 2
        normal = jax.random.normal(jax.random.fold_in(noise, number), x.shape, x.dtype)
        return (mean + jnp.sqrt(added) * normal).astype(x.dtype), None

    entries = (jnp.arange(times.size - 1), times[:-1], times[1:])
    return jax.lax.scan(step, x, entries)[0]
