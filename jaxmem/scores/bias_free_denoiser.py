"""The bias-free U-Net that denoises without being told the noise level.

Without biases, with ReLU and with means over pixels, every layer is homogeneous, and so is the network:

    f(a y) = a f(y) for a ≥ 0,    f(y) = ∇f(y) y

(Mohan, Kadkhodaie, Simoncelli & Fernandez-Granda 2020, arXiv 1906.05478; the network of Kadkhodaie, Guth,
Simoncelli & Mallat 2024, arXiv 2310.02557). The noise level is read off y.

No normalisation. The source divides each channel by a standard deviation of the whole batch, with learnt
gains that its parameter counts leave out. Once trained that is one number for each channel, which the weights
can hold as well; while it trains it ties the images of a batch together. A norm of each image for itself
would take away its scale. Weights of variance 2/inputs keep the scale of what passes through instead.
"""

import itertools
from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmem import _checks
from jaxmem._typing import Key
from jaxmem.numerics import Padding, average_pooling
from jaxmem.numerics.linear_algebra import product
from jaxmem.numerics.precision import image_precision
from jaxmem.scores.image_layers import ACTIVATIONS, Activation, Convolution
from jaxmem.scores.image_rows import ImageShape, as_images, as_rows, image_shape_of
from jaxmem.scores.weight_source import WeightSource, with_weights

ACTIVATIONS_WITHOUT_SCALE = ("relu", "identity")


def activation_gain(activation: Activation) -> float:
    """Times 1/inputs, the variance of weights that keep the mean square of what passes through."""
    return 2.0 if activation == "relu" else 1.0


class BiasFreeDenoiser(eqx.Module):
    """y → E[x | y], learnt: b halvings with two 3 × 3 convolutions at each size, channels doubling.

    On the way up 2c channels of a pixel become c channels of 2 × 2 pixels by one matrix product (a transposed
    convolution of stride and size 2), joined to what was seen at that size on the way down. With 64 channels
    and grey images: 365,696 parameters for b = 1, 1,823,872 for b = 2, 7,656,576 for b = 3.
    """

    down: tuple[tuple[Convolution, Convolution], ...]
    doubling: tuple[Float[Array, "_ _"], ...]
    up: tuple[tuple[Convolution, Convolution], ...]
    activation: Activation = eqx.field(static=True)
    image_shape: ImageShape = eqx.field(static=True)

    @classmethod
    def draw(
        cls,
        key: Key,
        image_shape: Sequence[int],
        blocks: int = 2,
        channels: int = 64,
        *,
        activation: Activation = "relu",
        padding: Padding = "zero",
    ) -> "BiasFreeDenoiser":
        """A denoiser at the start of training, float32.

        Args:
            key: of the weights, N(0, 2/inputs), or 1/inputs for linear ones.
            image_shape: (height, width) or (height, width, channels); height and width divisible by 2^blocks.
            blocks: b, how often sizes are halved.
            channels: c, of the finest level; 2^b c of the coarsest.
            activation: "relu", or "identity" for a linear model.
            padding: of all convolutions, "zero" or "circular".
        """
        _checks.positive_integer("blocks", blocks, least=0)
        _checks.positive_integer("channels", channels)
        _checks.one_of("activation", activation, ACTIVATIONS_WITHOUT_SCALE)
        _checks.one_of("padding", padding, ("zero", "circular"))
        shape = image_shape_of(image_shape, divisor=2**blocks)
        gain = activation_gain(activation)

        def build(source: WeightSource) -> "BiasFreeDenoiser":
            def pair(*widths: int, last: bool = False) -> tuple[Convolution, Convolution]:
                gains = (gain, 1.0 if last else gain)
                first, second = (
                    Convolution.draw(source, inputs, outputs, bias=False, gain=gain, padding=padding)
                    for inputs, outputs, gain in zip(widths[:-1], widths[1:], gains, strict=True)
                )
                return first, second

            widths = [channels * 2**level for level in range(blocks + 1)]
            down = [pair(shape[2], channels, channels if blocks else shape[2], last=not blocks)]
            down += [pair(fine, coarse, coarse) for fine, coarse in itertools.pairwise(widths)]
            doubling, up = [], []
            for level in reversed(range(blocks)):
                fine = widths[level]
                doubling.append(source.normal(2 * fine, 4 * fine))
                up.append(pair(2 * fine, fine, fine if level else shape[2], last=not level))
            return cls(tuple(down), tuple(doubling), tuple(up), activation, shape)

        return with_weights(key, build)

    def __call__(self, y: Float[Array, "d"]) -> Float[Array, "d"]:
        """The denoised image."""
        return self.on_batch(jnp.asarray(y)[None])[0]

    def on_batch(self, y: Float[Array, "b d"]) -> Float[Array, "b d"]:
        """The denoised images, each for itself."""
        act = ACTIVATIONS[self.activation]
        x = as_images(y, self.image_shape)
        kept = []
        for level, (first, second) in enumerate(self.down):
            if level:
                kept.append(x)
                x = average_pooling(x)
            x = second(act(first(x)))
            if self.up:
                x = act(x)
        for level, (weights, (first, second)) in enumerate(zip(self.doubling, self.up, strict=True), start=1):
            x = jnp.concatenate([_doubled(x, weights), kept.pop()], -1)
            x = second(act(first(x)))
            if level < len(self.up):
                x = act(x)
        return as_rows(x)


def _doubled(x: Float[Array, "b h w c2"], weights: Float[Array, "c2 c4"]) -> Float[Array, "b i j c"]:
    """Each pixel as 2 × 2 pixels of its own."""
    b, h, w, _ = x.shape
    pieces = product(x, weights, image_precision()).reshape(b, h, w, 2, 2, -1)
    return pieces.swapaxes(2, 3).reshape(b, 2 * h, 2 * w, -1)
