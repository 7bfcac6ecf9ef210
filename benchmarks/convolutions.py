"""Convolutions inside a training loop against matrix products of the same arithmetic, and against XLA's own.

    python benchmarks/convolutions.py

Four 3 × 3 convolutions of 64 images of 8 × 8 with ReLUs between, descended on in one compiled loop, 8
replicates at once by `vmap`, gradients inside. GFLOP/s over the products that both passes need:

- product: forward, and both gradients, of a plain matrix product of the same sizes in the same loop;
- ours: `jaxmem.numerics.convolution`, zero and circular padding;
- XLA: `lax.conv_general_dilated` on channels last;
- equinox: `eqx.nn.Conv2d` with channels first, which `jaxmem.scores.ChannelsFirst` lets in.

Expect ours at half the product's rate or more from 32 channels up, with either padding, and 10 times XLA's.

All timings are minima over interleaved rounds in this process, compilation apart.
"""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
from timing import least_seconds

from jaxmem.numerics import convolution

REPLICATES, BATCH, SIDE, LAYERS, STEPS, ROUNDS = 8, 64, 8, 4, 4, 9
HIGHEST = jax.lax.Precision.HIGHEST


def native(x, weight):
    return jax.lax.conv_general_dilated(
        x, weight, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"), precision=HIGHEST
    )


def channels_first(x, weight):
    channels = weight.shape[-1]
    layer = eqx.nn.Conv2d(channels, channels, 3, padding=1, use_bias=False, key=jax.random.key(0))
    layer = eqx.tree_at(lambda layer: layer.weight, layer, weight.transpose(3, 2, 0, 1))
    return jax.vmap(layer)(x)


@partial(jax.jit, static_argnums=0)
def descend(convolve, x, weights):
    def one(weights):
        def loss(weights):
            hidden = x
            for layer in range(LAYERS):
                hidden = jax.nn.relu(convolve(hidden, weights[layer]))
            return (hidden**2).mean()

        step = lambda _, weights: weights - 0.01 * jax.grad(loss)(weights)  # noqa: E731
        return jax.lax.fori_loop(0, STEPS, step, weights)

    return jax.vmap(one)(weights)


@jax.jit
def multiply(patches, weights):
    """y = X W, then X ← y Wᵀ and W ← W − ε Xᵀ y: three products and nothing else of their size."""

    def one(weight):
        def step(_, carry):
            x, weight = carry
            y = jnp.matmul(x, weight, precision=HIGHEST)
            slope = jnp.matmul(x.T, y, precision=HIGHEST)
            return jnp.matmul(y, weight.T, precision=HIGHEST), weight - 1e-6 * slope

        return jax.lax.fori_loop(0, STEPS * LAYERS, step, (patches, weight))[1]

    return jax.vmap(one)(weights)


def main() -> None:
    print("GFLOP/s inside a training loop, and share of the product's")
    for channels in (8, 32, 64):
        pixels = BATCH * SIDE**2
        keys = jax.random.split(jax.random.key(channels), 2)
        x = jax.random.normal(keys[0], (BATCH, SIDE, SIDE, channels))
        weights = jax.random.normal(keys[1], (REPLICATES, LAYERS, 3, 3, channels, channels))
        weights = weights / (9 * channels) ** 0.5
        patches = jax.random.normal(keys[0], (pixels, 9 * channels))
        tasks = {
            "product": partial(multiply, patches, weights[:, 0].reshape(REPLICATES, -1, channels)),
            "ours": partial(descend, convolution, x, weights),
            "ours, circular": partial(descend, partial(convolution, padding="circular"), x, weights),
            "XLA": partial(descend, native, x, weights),
            "equinox": partial(descend, channels_first, x.transpose(0, 3, 1, 2), weights),
        }
        times = least_seconds(tasks, ROUNDS)
        one = 2 * pixels * 9 * channels**2 * STEPS * REPLICATES
        products = {"product": 3 * LAYERS}  # the first layer's images have no gradient
        rates = {name: one * products.get(name, 3 * LAYERS - 1) / t / 1e9 for name, t in times.items()}
        print(f"{channels:>3} channels")
        for name, rate in rates.items():
            print(f"  {name:15}{rate:8.1f}   {rate / rates['product']:.2f}")


if __name__ == "__main__":
    main()
