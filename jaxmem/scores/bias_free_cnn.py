"""Plain bias-free convolutional networks, from one linear filter to a deep denoiser.

    f(y) = w_L * act(w_{L-1} * … act(w_1 * y)),

homogeneous as `BiasFreeDenoiser` is, at one size and one width (arXiv 1906.05478: L = 20, 64 channels).
Linear with circular padding it is one circular filter of the size of its receptive field, 1 + L (size − 1),
and its best is the finite impulse response Wiener filter of the data.
"""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmem import _checks
from jaxmem._typing import Key
from jaxmem.numerics import Padding
from jaxmem.scores.bias_free_denoiser import ACTIVATIONS_WITHOUT_SCALE, activation_gain
from jaxmem.scores.image_layers import ACTIVATIONS, Activation, Convolution
from jaxmem.scores.image_rows import ImageShape, as_images, as_rows, image_shape_of
from jaxmem.scores.weight_source import WeightSource, with_weights


class BiasFreeCNN(eqx.Module):
    """y → E[x | y], learnt by L convolutions in a row."""

    layers: tuple[Convolution, ...]
    activation: Activation = eqx.field(static=True)
    image_shape: ImageShape = eqx.field(static=True)

    @classmethod
    def draw(
        cls,
        key: Key,
        image_shape: Sequence[int],
        depth: int = 20,
        channels: int = 64,
        *,
        size: int = 3,
        activation: Activation = "relu",
        padding: Padding = "zero",
    ) -> "BiasFreeCNN":
        """A network at the start of training, float32.

        Args:
            key: of the weights, N(0, 2/inputs), or 1/inputs for linear ones and the last.
            image_shape: (height, width) or (height, width, channels).
            depth: L, the number of convolutions; 1 for a linear filter.
            channels: of all hidden layers.
            size: of the kernels, odd.
            activation: "relu", or "identity" for a linear model.
            padding: "zero" or "circular".
        """
        for name, value in {"depth": depth, "channels": channels, "size": size}.items():
            _checks.positive_integer(name, value)
        if size % 2 == 0:
            raise ValueError(f"size must be odd, got {size}.")
        _checks.one_of("activation", activation, ACTIVATIONS_WITHOUT_SCALE)
        _checks.one_of("padding", padding, ("zero", "circular"))
        shape = image_shape_of(image_shape)
        widths = [shape[2], *[channels] * (depth - 1), shape[2]]
        gains = [*[activation_gain(activation)] * (depth - 1), 1.0]

        def build(source: WeightSource) -> "BiasFreeCNN":
            layers = (
                Convolution.draw(source, inputs, outputs, size=size, bias=False, gain=gain, padding=padding)
                for inputs, outputs, gain in zip(widths[:-1], widths[1:], gains, strict=True)
            )
            return cls(tuple(layers), activation, shape)

        return with_weights(key, build)

    def __call__(self, y: Float[Array, "d"]) -> Float[Array, "d"]:
        """The denoised image."""
        return self.on_batch(jnp.asarray(y)[None])[0]

    def on_batch(self, y: Float[Array, "b d"]) -> Float[Array, "b d"]:
        """The denoised images."""
        act = ACTIVATIONS[self.activation]
        x = as_images(y, self.image_shape)
        for layer in self.layers[:-1]:
            x = act(layer(x))
        return as_rows(self.layers[-1](x))
