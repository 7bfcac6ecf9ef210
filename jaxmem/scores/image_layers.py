"""The layers that image networks are made of, on batches (b, h, w, c), in full precision."""

from collections.abc import Callable
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmem.numerics import Padding, convolution
from jaxmem.numerics.linear_algebra import product
from jaxmem.numerics.precision import image_precision
from jaxmem.numerics.sums import spread_groups, spread_rows, sum_groups
from jaxmem.scores.weight_source import WeightSource

Activation = Literal["relu", "gelu", "silu", "identity"]

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "relu": jax.nn.relu,
    "gelu": jax.nn.gelu,
    "silu": jax.nn.silu,
    "identity": lambda x: x,
}

NORM_EPSILON = 1e-5
"""Added to variances, as everywhere in the field."""


class Convolution(eqx.Module):
    """A convolution, with or without a bias for each output channel."""

    weight: Float[Array, "size size c k"]
    bias: Float[Array, "k"] | None
    padding: Padding = eqx.field(static=True)

    @classmethod
    def draw(
        cls,
        source: WeightSource,
        inputs: int,
        outputs: int,
        *,
        size: int = 3,
        bias: bool = True,
        gain: float = 1.0,
        padding: Padding = "zero",
    ) -> "Convolution":
        """Weights N(0, gain/(size² inputs)), all zero for gain 0, and biases 0."""
        weight = source.normal(size, size, inputs, outputs, gain=gain)
        return cls(weight, jnp.zeros(outputs, jnp.float32) if bias else None, padding)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w k"]:
        """Of the same height and width."""
        if self.weight.shape[:2] == (1, 1):
            y = product(x, self.weight[0, 0], image_precision())
        else:
            y = convolution(x, self.weight, self.padding)
        return y if self.bias is None else y + _everywhere(self.bias, y)


class Linear(eqx.Module):
    """x W + b over the last axis."""

    weight: Float[Array, "c k"]
    bias: Float[Array, "k"]

    @classmethod
    def draw(cls, source: WeightSource, inputs: int, outputs: int) -> "Linear":
        """Weights N(0, 1/inputs), biases 0."""
        return cls(source.normal(inputs, outputs), jnp.zeros(outputs, jnp.float32))

    def __call__(self, x: Float[Array, "... c"]) -> Float[Array, "... k"]:
        """Of any leading shape."""
        y = product(x, self.weight, image_precision())
        return y + _everywhere(self.bias, y)


class GroupNorm(eqx.Module):
    """Each image's groups of channels, over all pixels, shifted to mean 0 and scaled to variance 1.

    A learnt gain and shift for every channel follow. No statistics are shared by images.
    """

    gain: Float[Array, "c"]
    shift: Float[Array, "c"]
    groups: int = eqx.field(static=True)

    @classmethod
    def start(cls, channels: int, groups: int = 1) -> "GroupNorm":
        """Gains 1 and shifts 0."""
        return cls(jnp.ones(channels, jnp.float32), jnp.zeros(channels, jnp.float32), groups)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """Of the same shape."""
        b, h, w, c = x.shape
        pixels = x.reshape(b, h * w, c)
        count = h * w * c // self.groups
        centred = pixels - spread_groups(sum_groups(pixels, self.groups) / count, h * w, c)
        variance = sum_groups(centred**2, self.groups) / count
        scaled = centred * spread_groups(jax.lax.rsqrt(variance + NORM_EPSILON), h * w, c)
        scaled = scaled.reshape(x.shape)
        return scaled * _everywhere(self.gain, x) + _everywhere(self.shift, x)


def _everywhere(vector: Float[Array, "c"], like: Float[Array, "... c"]) -> Float[Array, "... c"]:
    """A number for each channel at every pixel of every image."""
    return spread_rows(vector, like.size // vector.size).reshape(like.shape)


def group_count(channels: int, most: int) -> int:
    """The most groups of equal size up to `most`, of two or more channels each where there are two.

    A group of one channel would lose every number that is added to a channel as a whole: biases and time.
    """
    most = min(most, max(1, channels // 2))
    return max(groups for groups in range(1, most + 1) if channels % groups == 0)


class LayerNorm(eqx.Module):
    """Each pixel's channels shifted to mean 0 and scaled to variance 1, then a learnt gain and shift."""

    gain: Float[Array, "c"]
    shift: Float[Array, "c"]

    @classmethod
    def start(cls, channels: int) -> "LayerNorm":
        """Gains 1 and shifts 0."""
        return cls(jnp.ones(channels, jnp.float32), jnp.zeros(channels, jnp.float32))

    def __call__(self, x: Float[Array, "... c"]) -> Float[Array, "... c"]:
        """Of the same shape."""
        centred = x - x.mean(-1, keepdims=True)
        variance = (centred**2).mean(-1, keepdims=True)
        return centred * jax.lax.rsqrt(variance + NORM_EPSILON) * self.gain + self.shift
