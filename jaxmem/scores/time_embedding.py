"""How time enters a network: as sines and cosines of it, and what a small network makes of those."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmem.scores.image_layers import Linear
from jaxmem.scores.weight_source import WeightSource

DECADES = 1e4
"""Ratio of the largest frequency to the smallest (Vaswani et al. 2017)."""


def sinusoids(time: Float[Array, "b"], count: int, shortest_time: float) -> Float[Array, "b count"]:
    """(sin ω_j t, cos ω_j t), ω_j in geometric progression from 1/`shortest_time` to 1e-4 of it.

    Of an odd `count` one number is 0. With `shortest_time` 1 and t the index of a noise level, these are
    those of diffusion models.
    """
    half = count // 2
    frequency = DECADES ** (-jnp.arange(half, dtype=time.dtype) / max(half, 1)) / shortest_time
    phase = time[:, None] * frequency
    both = jnp.concatenate([jnp.sin(phase), jnp.cos(phase)], 1)
    return jnp.pad(both, ((0, 0), (0, count - 2 * half)))


class TimeEmbedding(eqx.Module):
    """W_2 silu(W_1 sinusoids + b_1) + b_2, from `width` sinusoids to 4 `width` numbers."""

    inner: Linear
    outer: Linear
    shortest_time: float = eqx.field(static=True)

    @classmethod
    def draw(cls, source: WeightSource, width: int, shortest_time: float) -> "TimeEmbedding":
        """With four times as many outputs as sinusoids."""
        inner = Linear.draw(source, width, 4 * width)
        return cls(inner, Linear.draw(source, 4 * width, 4 * width), shortest_time)

    def __call__(self, time: Float[Array, "b"]) -> Float[Array, "b e"]:
        """The embedding of each time."""
        waves = sinusoids(time, self.inner.weight.shape[0], self.shortest_time)
        return self.outer(jax.nn.silu(self.inner(waves)))


class Sinusoids(eqx.Module):
    """Time itself, to be turned into as many sinusoids as a block has channels."""

    shortest_time: float = eqx.field(static=True)

    def __call__(self, time: Float[Array, "b"]) -> Float[Array, "b"]:
        """In units of the shortest time."""
        return time / self.shortest_time
