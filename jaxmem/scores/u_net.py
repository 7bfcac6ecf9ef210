"""U-Nets: an image halved and doubled again, what was seen on the way down joined in on the way up.

Convolutions are those of `numerics.convolution`, sizes are halved by pooling and doubled by repeating pixels:
with circular padding the network commutes with shifts by multiples of its coarsest pixel. Inputs and outputs
are flat rows.
"""

from collections.abc import Sequence
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmem import _checks
from jaxmem._typing import Key
from jaxmem.numerics import Padding
from jaxmem.scores.image_layers import Convolution, GroupNorm, group_count
from jaxmem.scores.image_rows import ImageShape, as_images, as_rows, image_shape_of
from jaxmem.scores.time_embedding import Sinusoids, TimeEmbedding
from jaxmem.scores.u_net_stages import DoubleBlock, DoubleConvolution, Doubling, Halving, ResidualBlock
from jaxmem.scores.weight_source import WeightSource, with_weights

Stage = ResidualBlock | DoubleBlock | Halving | Doubling
Chain = tuple[Stage, ...]


class UNet(eqx.Module):
    """A network of (t, y), or of y alone, from flat images to flat images; zero before it is trained.

    After the entry and after each chain of `encoder` the image is kept; `middle` follows; before each chain
    of `decoder` the last image kept is joined to the channels. Take it as a score, or predict the noise by it
    through `NoisePrediction`.

    Attributes:
        embedding: of time, None where time is no input.
        entry: from the image's channels to the network's.
        encoder: chains of stages.
        middle: a chain of stages.
        decoder: chains of stages, one more than the encoder has.
        norm: before the exit, or None.
        exit: the last convolution, zero at the start, so that training sets out from the zero function.
        image_shape: height, width, channels.
    """

    embedding: TimeEmbedding | Sinusoids | None
    entry: Convolution | DoubleConvolution
    encoder: tuple[Chain, ...]
    middle: Chain
    decoder: tuple[Chain, ...]
    norm: GroupNorm | None
    exit: Convolution
    image_shape: ImageShape = eqx.field(static=True)

    @classmethod
    def draw(
        cls,
        key: Key,
        image_shape: Sequence[int],
        width: int = 32,
        multipliers: Sequence[int] = (1, 2, 4),
        blocks: int = 2,
        *,
        attention: int = 0,
        heads: int = 4,
        padding: Padding = "zero",
        time_input: bool = True,
        shortest_time: float = 0.01,
        groups: int = 8,
    ) -> "UNet":
        """A U-Net of residual blocks at the start of training, float32.

        Args:
            key: of the weights, N(0, 1/inputs) but for the exit, which is zero.
            image_shape: (height, width) or (height, width, channels); height and width divisible by 2 for
                each level but the first.
            width: W, the channels of the finest level.
            multipliers: of W, the channels of each level, from fine to coarse.
            blocks: residual blocks at each level on the way down; one more on the way up.
            attention: at how many of the coarsest levels blocks end in attention; the middle has it too where
                any has.
            heads: of each attention.
            padding: of all convolutions, "zero" or "circular".
            time_input: whether it is called with (t, y), or with y alone.
            shortest_time: the time scale, above 0, that the embedding resolves; 1 where t is an index.
            groups: of channels in each norm, fewer where they would hold a single channel.
        """
        multipliers = tuple(multipliers)
        _checks.positive_integer("width", width)
        if not multipliers:
            raise ValueError("multipliers must hold at least one number, got none.")
        for multiplier in multipliers:
            _checks.positive_integer("multipliers", multiplier)
        _checks.positive_integer("blocks", blocks)
        _checks.positive_integer("attention", attention, least=0, most=len(multipliers))
        _checks.positive_integer("heads", heads)
        _checks.positive_integer("groups", groups)
        _checks.one_of("padding", padding, ("zero", "circular"))
        _checks.boolean("time_input", time_input)
        _checks.real_number("shortest_time", shortest_time, above=0.0)
        levels = len(multipliers)
        shape = image_shape_of(image_shape, divisor=2 ** (levels - 1))
        embedded = 4 * width if time_input else 0
        attends = [level >= levels - attention for level in range(levels)]

        def build(source: WeightSource) -> "UNet":
            def block(inputs: int, outputs: int, attends: bool) -> ResidualBlock:
                return ResidualBlock.draw(
                    source,
                    inputs,
                    outputs,
                    embedding=embedded,
                    heads=heads if attends else 0,
                    groups=groups,
                    padding=padding,
                )

            def resizing(channels: int) -> Convolution:
                return Convolution.draw(source, channels, channels, padding=padding)

            embedding = TimeEmbedding.draw(source, width, shortest_time) if time_input else None
            entry = Convolution.draw(source, shape[2], width, padding=padding)
            channels, kept = width, [width]
            encoder: list[Chain] = []
            for level, multiplier in enumerate(multipliers):
                for _ in range(blocks):
                    encoder.append((block(channels, width * multiplier, attends[level]),))
                    channels = width * multiplier
                    kept.append(channels)
                if level < levels - 1:
                    encoder.append((Halving(resizing(channels)),))
                    kept.append(channels)
            middle = (block(channels, channels, attention > 0), block(channels, channels, False))
            decoder: list[Chain] = []
            for level in reversed(range(levels)):
                for number in range(blocks + 1):
                    joined = channels + kept.pop()
                    channels = width * multipliers[level]
                    chain: Chain = (block(joined, channels, attends[level]),)
                    if level and number == blocks:
                        chain = (*chain, Doubling(resizing(channels)))
                    decoder.append(chain)
            norm = GroupNorm.start(channels, group_count(channels, groups))
            last = Convolution.draw(source, channels, shape[2], gain=0.0, padding=padding)
            return cls(embedding, entry, tuple(encoder), middle, tuple(decoder), norm, last, shape)

        return with_weights(key, build)

    @classmethod
    def preset(
        cls,
        key: Key,
        name: Literal["halder", "bonnaire"],
        *,
        image_shape: Sequence[int],
        width: int | None = None,
        padding: Padding = "zero",
        shortest_time: float = 1.0,
    ) -> "UNet":
        """The network of a source, with its number of parameters for grey images.

        "bonnaire" (arXiv 2505.17638): W = 8, 16, 32, 48 or 64 times (1, 2, 4), two blocks a level, 4 heads at
        the two coarsest levels and in the middle; 255,089, 1,010,657, 4,023,233, 9,037,729 or 16,054,145.
        "halder" (arXiv 2411.17807): 64-128-256-256 by pairs of convolutions without biases and three
        transformer blocks of 4 heads; W = 64, 12,919,041.

        Beside the sources: no dropout; sizes halved by pooling before the convolution, not by its stride; at
        W = 8 norms of pairs of channels, since of one channel alone they would take time out again; pixels
        repeated where Halder interpolates; biases and the last layer 0 at the start.

        Args:
            key: of the weights.
            name: "halder" or "bonnaire".
            image_shape: (height, width) or (height, width, channels), divisible by 8 and by 4.
            width: W; 64 and 32 by default.
            padding: of all convolutions; "zero" in the sources.
            shortest_time: the time scale that is resolved; 1 where t is the index of a noise level, as in the
                sources.
        """
        _checks.one_of("name", name, ("halder", "bonnaire"))
        if name == "bonnaire":
            return cls.draw(
                key,
                image_shape,
                32 if width is None else width,
                attention=2,
                padding=padding,
                shortest_time=shortest_time,
            )
        _checks.one_of("padding", padding, ("zero", "circular"))
        _checks.real_number("shortest_time", shortest_time, above=0.0)
        W = _checks.positive_integer("width", 64 if width is None else width)
        shape = image_shape_of(image_shape, divisor=8)

        def build(source: WeightSource) -> "UNet":
            def block(inputs: int, outputs: int, **settings: Any) -> DoubleBlock:
                return DoubleBlock.draw(source, inputs, outputs, padding, **settings)

            halve, double = Halving(None, maximum=True), Doubling(None)
            return cls(
                Sinusoids(shortest_time),
                DoubleConvolution.draw(source, shape[2], W, padding),
                ((halve, block(W, 2 * W)), (halve, block(2 * W, 4 * W, heads=4))),
                (halve, block(4 * W, 4 * W, heads=4), double),
                (
                    (block(8 * W, 2 * W, hidden=4 * W, heads=4), double),
                    (block(4 * W, W, hidden=2 * W), double),
                    (block(2 * W, W, hidden=W),),
                ),
                None,
                Convolution.draw(source, W, shape[2], size=1, gain=0.0),
                shape,
            )

        return with_weights(key, build)

    @property
    def time_input(self) -> bool:
        """Whether it is called with (t, y)."""
        return self.embedding is not None

    def __call__(self, *inputs: Float[Array, "..."]) -> Float[Array, "d"]:
        """The output for one image, y or (t, y)."""
        return self.on_batch(*(jnp.asarray(entry)[None] for entry in inputs))[0]

    def on_batch(self, *inputs: Float[Array, "b ..."]) -> Float[Array, "b d"]:
        """The outputs for b images, y or (t, y)."""
        *time, y = inputs
        if len(time) != self.time_input:
            wanted = "(t, y)" if self.time_input else "y alone"
            raise ValueError(f"UNet must be called with {wanted}, got {len(inputs)} arguments.")
        x = as_images(y, self.image_shape)
        embedding = None if self.embedding is None else self.embedding(time[0].astype(x.dtype))
        x = self.entry(x)
        kept = [x]
        for chain in self.encoder:
            x = _through(chain, x, embedding)
            kept.append(x)
        x = _through(self.middle, x, embedding)
        for chain in self.decoder:
            x = _through(chain, jnp.concatenate([x, kept.pop()], -1), embedding)
        if self.norm is not None:
            x = jax.nn.silu(self.norm(x))
        return as_rows(self.exit(x))


def _through(chain: Chain, x: Array, embedding: Array | None) -> Array:
    for stage in chain:
        x = stage(x, embedding)
    return x
