"""A network of one's own on images with channels first, as `equinox.nn` has them, on flat rows.

    model = ChannelsFirst(eqx.nn.Sequential([eqx.nn.Conv2d(1, 8, 3, padding=1), …]), (28, 28))

trains and samples wherever a score or a denoiser does. `eqx.nn.Conv2d` is XLA's convolution, which on a CPU
is slow inside a training loop and slower over replicates; layers of `jaxmem.numerics.convolution`, channels
last, are not. benchmarks/u_net.py says by how much.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmem.scores.image_rows import ImageShape, as_images, image_shape_of


class ChannelsFirst(eqx.Module):
    """A map of single images (c, h, w), or of (t, image), as one of flat rows, or of (t, row).

    Attributes:
        network: any callable, say an equinox module, called as `network(image)` or `network(t, image)`.
        image_shape: (height, width) or (height, width, channels), channels last as everywhere in jaxmem.
    """

    network: Callable[..., Any]
    image_shape: ImageShape = eqx.field(static=True, converter=image_shape_of)

    def __call__(self, *inputs: Float[Array, "..."]) -> Float[Array, "q"]:
        """The output for y or (t, y), channels last again."""
        *time, y = inputs
        image = as_images(y[None], self.image_shape)[0]
        out = self.network(*time, jnp.moveaxis(image, -1, 0))
        return jnp.moveaxis(out, 0, -1).ravel()
