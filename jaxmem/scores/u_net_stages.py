"""The stages of a U-Net: what changes the channels of an image, or its size, given a time embedding."""

import equinox as eqx
import jax
from jaxtyping import Array, Float

from jaxmem.numerics import Padding, average_pooling, maximum_pooling, nearest_upsampling
from jaxmem.scores.attention import Attention, TransformerBlock
from jaxmem.scores.image_layers import Convolution, GroupNorm, Linear, group_count
from jaxmem.scores.time_embedding import sinusoids
from jaxmem.scores.weight_source import WeightSource

Embedding = Float[Array, "b e"] | Float[Array, "b"] | None


class ResidualBlock(eqx.Module):
    """skip(x) + conv(silu(norm(conv(silu(norm x)) + W silu(e)))), then attention where there is any.

    skip is the identity, or a 1 × 1 convolution where the number of channels changes (Ho, Jain & Abbeel 2020,
    arXiv 2006.11239).
    """

    first_norm: GroupNorm
    first: Convolution
    time: Linear | None
    second_norm: GroupNorm
    second: Convolution
    skip: Convolution | None
    attention: Attention | None

    @classmethod
    def draw(
        cls,
        source: WeightSource,
        inputs: int,
        outputs: int,
        *,
        embedding: int,
        heads: int,
        groups: int,
        padding: Padding,
    ) -> "ResidualBlock":
        """No time for `embedding` 0, no attention for `heads` 0."""

        def convolve(inputs: int, size: int) -> Convolution:
            return Convolution.draw(source, inputs, outputs, size=size, padding=padding)

        def norm(channels: int) -> GroupNorm:
            return GroupNorm.start(channels, group_count(channels, groups))

        return cls(
            norm(inputs),
            convolve(inputs, 3),
            Linear.draw(source, embedding, outputs) if embedding else None,
            norm(outputs),
            convolve(outputs, 3),
            convolve(inputs, 1) if inputs != outputs else None,
            Attention.draw(source, norm(outputs), heads) if heads else None,
        )

    def __call__(self, x: Float[Array, "b h w c"], embedding: Embedding) -> Float[Array, "b h w k"]:
        """Of the same height and width."""
        hidden = self.first(jax.nn.silu(self.first_norm(x)))
        if self.time is not None and embedding is not None:
            hidden = hidden + self.time(jax.nn.silu(embedding))[:, None, None]
        hidden = self.second(jax.nn.silu(self.second_norm(hidden)))
        hidden = hidden + (x if self.skip is None else self.skip(x))
        return hidden if self.attention is None else self.attention(hidden)


class DoubleConvolution(eqx.Module):
    """norm(conv(gelu(norm(conv x)))), no biases; with x added to it and a last gelu where it is residual."""

    first: Convolution
    first_norm: GroupNorm
    second: Convolution
    second_norm: GroupNorm
    residual: bool = eqx.field(static=True)

    @classmethod
    def draw(
        cls,
        source: WeightSource,
        inputs: int,
        outputs: int,
        padding: Padding,
        *,
        hidden: int | None = None,
        residual: bool = False,
    ) -> "DoubleConvolution":
        """As many hidden channels as outputs unless `hidden` is given."""
        hidden = outputs if hidden is None else hidden
        return cls(
            Convolution.draw(source, inputs, hidden, bias=False, padding=padding),
            GroupNorm.start(hidden),
            Convolution.draw(source, hidden, outputs, bias=False, padding=padding),
            GroupNorm.start(outputs),
            residual,
        )

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w k"]:
        """Of the same height and width."""
        hidden = jax.nn.gelu(self.first_norm(self.first(x)))
        hidden = self.second_norm(self.second(hidden))
        return jax.nn.gelu(x + hidden) if self.residual else hidden


class DoubleBlock(eqx.Module):
    """Two double convolutions, the first of them residual, plus sinusoids of time, then a transformer block.

    Time enters without weights, through as many sinusoids as there are channels.
    """

    first: DoubleConvolution
    second: DoubleConvolution
    transformer: TransformerBlock | None

    @classmethod
    def draw(
        cls,
        source: WeightSource,
        inputs: int,
        outputs: int,
        padding: Padding,
        *,
        hidden: int | None = None,
        heads: int = 0,
    ) -> "DoubleBlock":
        """No transformer for `heads` 0."""
        return cls(
            DoubleConvolution.draw(source, inputs, inputs, padding, residual=True),
            DoubleConvolution.draw(source, inputs, outputs, padding, hidden=hidden),
            TransformerBlock.draw(source, outputs, heads) if heads else None,
        )

    def __call__(self, x: Float[Array, "b h w c"], time: Embedding) -> Float[Array, "b h w k"]:
        """Of the same height and width."""
        hidden = self.second(self.first(x))
        if time is not None:
            hidden = hidden + sinusoids(time, hidden.shape[-1], 1.0)[:, None, None]
        return hidden if self.transformer is None else self.transformer(hidden)


class Halving(eqx.Module):
    """Means, or maxima, of squares of 2 × 2 pixels, then a convolution where there is one."""

    convolution: Convolution | None
    maximum: bool = eqx.field(static=True, default=False)

    def __call__(self, x: Float[Array, "b h w c"], embedding: Embedding) -> Float[Array, "b i j c"]:
        """Half as high and wide."""
        x = maximum_pooling(x) if self.maximum else average_pooling(x)
        return x if self.convolution is None else self.convolution(x)


class Doubling(eqx.Module):
    """Every pixel twice in both directions, then a convolution where there is one."""

    convolution: Convolution | None

    def __call__(self, x: Float[Array, "b h w c"], embedding: Embedding) -> Float[Array, "b i j c"]:
        """Twice as high and wide."""
        x = nearest_upsampling(x)
        return x if self.convolution is None else self.convolution(x)
