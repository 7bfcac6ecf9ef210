"""Attention of every pixel of an image to all of them, and the two blocks made of it.

    x_i + W_o Σ_j softmax_j(q_i · k_j / √(c/heads)) v_j + b_o,    (q, k, v) = W_in norm(x) + b_in,

each head with c/heads of the channels (Vaswani et al. 2017, arXiv 1706.03762). b_in has a part, that of k,
which no output depends on, as in every library.
"""

from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Float

from jaxmem.numerics.precision import image_precision
from jaxmem.scores.image_layers import GroupNorm, LayerNorm, Linear
from jaxmem.scores.weight_source import WeightSource


class Attention(eqx.Module):
    """x + attention(norm(x)); 4c² + 4c numbers beside the norm."""

    norm: GroupNorm | LayerNorm
    into: Linear
    out: Linear
    heads: int = eqx.field(static=True)

    @classmethod
    def draw(cls, source: WeightSource, norm: GroupNorm | LayerNorm, heads: int) -> "Attention":
        """For as many channels as the norm has, a multiple of `heads`."""
        channels = norm.gain.size
        if channels % heads:
            raise ValueError(f"heads must divide the channels of a level, {channels}, got {heads}.")
        into = Linear.draw(source, channels, 3 * channels)
        return cls(norm, into, Linear.draw(source, channels, channels), heads)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """4 b p (c² + p c) multiplications for p pixels."""
        b, h, w, c = x.shape
        mixed = self.into(self.norm(x)).reshape(b, h * w, 3, self.heads, c // self.heads)
        query, key, value = mixed[:, :, 0], mixed[:, :, 1], mixed[:, :, 2]
        # (b, heads, pixel, pixel): products over the channels of a head, then over the pixels attended to
        similarity = _dot(query, key, ((3,), (3,)), ((0, 2), (0, 2))) / (c // self.heads) ** 0.5
        share = jax.nn.softmax(similarity, -1)
        heads = _dot(share, value, ((3,), (1,)), ((0, 1), (0, 2)))
        return x + self.out(heads.swapaxes(1, 2).reshape(b, h, w, c))


def _dot(a: Array, b: Array, summed: Any, batch: Any) -> Array:
    return jax.lax.dot_general(a, b, (summed, batch), precision=image_precision())


class TransformerBlock(eqx.Module):
    """Attention after a layer norm, then x + W_2 gelu(W_1 norm(x) + b_1) + b_2; 6c² + 10c numbers."""

    attention: Attention
    norm: LayerNorm
    inner: Linear
    outer: Linear

    @classmethod
    def draw(cls, source: WeightSource, channels: int, heads: int) -> "TransformerBlock":
        """With a hidden layer as wide as the input."""
        return cls(
            Attention.draw(source, LayerNorm.start(channels), heads),
            LayerNorm.start(channels),
            Linear.draw(source, channels, channels),
            Linear.draw(source, channels, channels),
        )

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """Of the same shape."""
        x = self.attention(x)
        return x + self.outer(jax.nn.gelu(self.inner(self.norm(x))))
