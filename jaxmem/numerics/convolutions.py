"""Convolutions of images, channels last, that are fast alone, in a batch of replicates, and inside loops.

    y[b, i, j, :] = Σ_{s, t} x[b, i + s − p, j + t − p, :] · w[s, t, :, :],    p = ⌊size/2⌋,

with zeros outside the image, or the image repeated: a correlation, as every network library has it. On a CPU
it is one matrix product of the h × w patches of size² c numbers with the weights, or, of images smaller than
a kernel, of all pixels with a matrix from each to each. XLA's own convolution is as
fast there only outside loops and with one set of weights: inside a training loop over replicates it reaches
3 GFLOP/s where the product reaches 50 to 200 (benchmarks/convolutions.py). Elsewhere it is XLA's convolution.

It is bilinear, and so are both of its adjoints: that in x is a convolution with the kernel turned by 180° and
its channels exchanged, that in w the product of patches and gradients. These are what reverse mode runs; the
derivative of patches and product, which adds up size² overlapping pieces, makes a step of training 1.3 to 2
times as long.
"""

import math
from collections.abc import Callable
from functools import partial, wraps
from typing import Any, Literal

import equinox.internal as eqxi
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.interpreters import ad
from jaxtyping import Array, Float

from jaxmem import _checks
from jaxmem._typing import RealArray
from jaxmem.numerics.precision import image_precision

Padding = Literal["zero", "circular"]

LAYOUT = ("NHWC", "HWIO", "NHWC")


def convolution(
    x: Float[RealArray, "b h w c"], weight: Float[RealArray, "s t c k"], padding: Padding = "zero"
) -> Float[Array, "b h w k"]:
    """The convolution of b images with k kernels of odd size, of the same height and width as x.

    2 b h w s t c k flops in full precision. Differentiable to any order, forwards and backwards, alone, under
    `jax.vmap` and inside loops.

    Args:
        x: images, channels last.
        weight: kernels, (3, 3, c, k) or of other odd sizes.
        padding: "zero" beyond the edges, or "circular", the image continued periodically.
    """
    x, weight = _checks.real_array("x", x), _checks.real_array("weight", weight)
    _checks.shape("x", x, None, None, None, None)
    _checks.shape("weight", weight, None, None, x.shape[3], None)
    _checks.one_of("padding", padding, ("zero", "circular"))
    if not all(size % 2 for size in weight.shape[:2]):
        height, width = weight.shape[:2]
        raise ValueError(f"weight must be of odd height and width, got {height} × {width}.")
    dtype = jnp.result_type(x, weight)
    return _convolve(jnp.asarray(x, dtype), jnp.asarray(weight, dtype), padding)


def average_pooling(x: Float[RealArray, "b h w c"], size: int = 2) -> Float[Array, "b i j c"]:
    """Means over squares of `size` × `size` pixels, side by side."""
    return _squares(x, size).mean((2, 4))


def maximum_pooling(x: Float[RealArray, "b h w c"], size: int = 2) -> Float[Array, "b i j c"]:
    """The largest value of every channel in squares of `size` × `size` pixels, side by side."""
    return _squares(x, size).max((2, 4))


def nearest_upsampling(x: Float[RealArray, "b h w c"], size: int = 2) -> Float[Array, "b i j c"]:
    """Every pixel repeated `size` times in both directions."""
    x = _images("x", x)
    b, h, w, c = x.shape
    _checks.positive_integer("size", size)
    repeated = jnp.broadcast_to(x[:, :, None, :, None], (b, h, size, w, size, c))
    return repeated.reshape(b, h * size, w * size, c)


def _images(name: str, x: Any) -> Array:
    x = _checks.real_array(name, x)
    _checks.shape(name, x, None, None, None, None)
    return jnp.asarray(x)


def _squares(x: Any, size: int) -> Float[Array, "b i size j size c"]:
    x = _images("x", x)
    b, h, w, c = x.shape
    _checks.positive_integer("size", size)
    if h % size or w % size:
        raise ValueError(f"x must have a height and width divisible by {size}, got {h} × {w}.")
    return x.reshape(b, h // size, size, w // size, size, c)


def _convolve(x: Any, weight: Any, padding: Padding) -> Any:
    return _CONVOLUTION.bind(x, weight, padding=padding)[0]


def _correlate(x: Any, gradient: Any, size: tuple[int, int], padding: Padding) -> Any:
    """The adjoint of the convolution in its weights: Σ over pixels of patch ⊗ gradient, (s, t, c, k)."""
    return _CORRELATION.bind(x, gradient, size=size, padding=padding)[0]


def _turned(weight: Any) -> Any:
    """The weights of the adjoint in x."""
    return lax.transpose(lax.rev(weight, (0, 1)), (0, 1, 3, 2))


def _keeping_float64(function: Callable[..., list[Array]]) -> Callable[..., list[Array]]:
    """`function` with 64-bit types where its inputs are such: a jitted caller's scope may have closed."""

    @wraps(function)
    def scoped(a: Any, b: Any, **settings: Any) -> list[Array]:
        if a.dtype != np.float64:
            return function(a, b, **settings)
        with jax.enable_x64(True):
            return function(a, b, **settings)

    return scoped


@_keeping_float64
@partial(jax.jit, static_argnames=("padding",))
def _convolve_on(x: Array, weight: Array, *, padding: Padding) -> list[Array]:
    size, outputs = (weight.shape[0], weight.shape[1]), weight.shape[3]

    def of_patches(x: Array, weight: Array) -> Array:
        patches = _patches(x, size, padding)
        matrix = lax.reshape(weight, (patches.shape[3], outputs))
        return lax.dot_general(patches, matrix, (((3,), (0,)), ((), ())), precision=image_precision())

    def dense(x: Array, weight: Array) -> Array:
        b, h, w, c = x.shape
        # (place, from pixel, to pixel) with (place, c, k): the matrix from all pixels to all pixels
        matrix = lax.dot_general(
            _places((h, w), size, padding, x.dtype),
            lax.reshape(weight, (size[0] * size[1], c, outputs)),
            (((0,), (0,)), ((), ())),
            precision=image_precision(),
        )
        matrix = lax.reshape(lax.transpose(matrix, (0, 2, 1, 3)), (h * w * c, h * w * outputs))
        product = lax.dot_general(
            lax.reshape(x, (b, h * w * c)), matrix, (((1,), (0,)), ((), ())), precision=image_precision()
        )
        return lax.reshape(product, (b, h, w, outputs))

    def native(x: Array, weight: Array) -> Array:
        return _native(_padded(x, size, padding), weight)

    on_cpu = dense if _is_small(x, size) else of_patches
    return [lax.platform_dependent(x, weight, cpu=on_cpu, default=native)]


@_keeping_float64
@partial(jax.jit, static_argnames=("size", "padding"))
def _correlate_on(x: Array, gradient: Array, *, size: tuple[int, int], padding: Padding) -> list[Array]:
    shape = (*size, x.shape[3], gradient.shape[3])

    def of_patches(x: Array, gradient: Array) -> Array:
        pixels = ((0, 1, 2), (0, 1, 2))
        # the gradient first: of the two it is the smaller to bring into the order of the product
        product = lax.dot_general(
            gradient, _patches(x, size, padding), (pixels, ((), ())), precision=image_precision()
        )
        return lax.reshape(lax.transpose(product, (1, 0)), shape)

    def dense(x: Array, gradient: Array) -> Array:
        b, h, w, c = x.shape
        pairs = lax.dot_general(
            lax.reshape(x, (b, h * w * c)),
            lax.reshape(gradient, (b, h * w * shape[3])),
            (((0,), (0,)), ((), ())),
            precision=image_precision(),
        )
        pairs = lax.transpose(lax.reshape(pairs, (h * w, c, h * w, shape[3])), (0, 2, 1, 3))
        places = _places((h, w), size, padding, x.dtype)
        product = lax.dot_general(places, pairs, (((1, 2), (0, 1)), ((), ())), precision=image_precision())
        return lax.reshape(product, shape)

    def native(x: Array, gradient: Array) -> Array:
        def of_weight(weight: Array) -> Array:
            return _native(_padded(x, size, padding), weight)

        return jax.linear_transpose(of_weight, jax.ShapeDtypeStruct(shape, x.dtype))(gradient)[0]

    on_cpu = dense if _is_small(x, size) else of_patches
    return [lax.platform_dependent(x, gradient, cpu=on_cpu, default=native)]


def _is_small(x: Array, size: tuple[int, int]) -> bool:
    """Whether the product of all pixels with all pixels, and its matrix, cost less than that of patches."""
    batch, pixels = x.shape[0], x.shape[1] * x.shape[2]
    places = size[0] * size[1]
    return pixels * (batch + pixels * places) < places * batch


def _places(
    shape: tuple[int, int], size: tuple[int, int], padding: Padding, dtype: Any
) -> Float[Array, "place from to"]:
    """1 where a pixel takes part in another at that place of the kernel."""
    h, w = shape
    found = np.zeros((*size, h, w, h, w), dtype)
    for i, j, s, t in np.ndindex(h, w, *size):
        k, m = i + s - size[0] // 2, j + t - size[1] // 2
        if padding == "circular":
            found[s, t, k % h, m % w, i, j] = 1
        elif 0 <= k < h and 0 <= m < w:
            found[s, t, k, m, i, j] = 1
    return jnp.asarray(found.reshape(size[0] * size[1], h * w, h * w))


def _native(padded: Array, weight: Array) -> Array:
    return lax.conv_general_dilated(
        padded, weight, (1, 1), "VALID", dimension_numbers=LAYOUT, precision=image_precision()
    )


def _patches(x: Array, size: tuple[int, int], padding: Padding) -> Float[Array, "b h w patch"]:
    b, h, w, c = x.shape
    padded = _padded(x, size, padding)
    high = padded.shape[1]
    # first along rows, then along columns: 2 size pieces to copy and not size²
    across = [lax.slice(padded, (0, 0, j, 0), (b, high, j + w, c)) for j in range(size[1])]
    rows = lax.concatenate(across, 3)
    down = [lax.slice(rows, (0, i, 0, 0), (b, i + h, w, size[1] * c)) for i in range(size[0])]
    return lax.concatenate(down, 3)


def _padded(x: Array, size: tuple[int, int], padding: Padding) -> Array:
    halo = [length // 2 for length in size]
    if padding == "zero":
        widths = [(0, 0, 0), *((width, width, 0) for width in halo), (0, 0, 0)]
        return lax.pad(x, np.zeros((), x.dtype), widths)
    for axis, width in enumerate(halo, start=1):
        length = x.shape[axis]
        turns = math.ceil(width / length)  # more than one where the kernel is wider than the image
        before = lax.concatenate([x] * turns, axis) if turns > 1 else x
        if width:
            end = turns * length
            edges = (
                lax.slice_in_dim(before, end - width, end, axis=axis),
                lax.slice_in_dim(before, 0, width, axis=axis),
            )
            x = lax.concatenate([edges[0], x, edges[1]], axis)
    return x


def _product_rule(primals: Any, tangents: Any, *, bind: Any, **settings: Any) -> tuple[list[Any], list[Any]]:
    """The derivative of a bilinear function."""
    (a, b), (da, db) = primals, tangents
    changes = [(da, b)] if type(da) is not ad.Zero else []
    changes += [(a, db)] if type(db) is not ad.Zero else []
    terms = [bind()(*change, **settings)[0] for change in changes]
    return bind()(a, b, **settings), [sum(terms[1:], terms[0])]


def _convolution_adjoint(gradients: Any, x: Any, weight: Any, *, padding: Padding) -> list[Any]:
    (gradient,) = gradients
    if ad.is_undefined_primal(x):
        return [_convolve(gradient, _turned(weight), padding), None]
    return [None, _correlate(x, gradient, weight.aval.shape[:2], padding)]


def _correlation_adjoint(
    gradients: Any, x: Any, gradient: Any, *, size: tuple[int, int], padding: Padding
) -> list[Any]:
    (weight,) = gradients
    if ad.is_undefined_primal(x):
        return [_convolve(gradient, _turned(weight), padding), None]
    return [None, _convolve(x, weight, padding)]


def _convolution_shape(x: Any, weight: Any, *, padding: Padding) -> list[Any]:
    return [jax.core.ShapedArray((*x.shape[:3], weight.shape[3]), x.dtype)]


def _correlation_shape(x: Any, gradient: Any, *, size: tuple[int, int], padding: Padding) -> list[Any]:
    return [jax.core.ShapedArray((*size, x.shape[3], gradient.shape[3]), x.dtype)]


# As lineax makes its solve: batched by `vmap` of the rules. A `jax.custom_vjp` would lose forward mode, and
# `jax.custom_jvp` cannot say what its adjoint is.
_CONVOLUTION: Any = eqxi.create_vprim(
    "jaxmem_convolution",
    _convolve_on,
    _convolution_shape,
    partial(_product_rule, bind=lambda: _CONVOLUTION.bind),
    _convolution_adjoint,
)
_CORRELATION: Any = eqxi.create_vprim(
    "jaxmem_correlation",
    _correlate_on,
    _correlation_shape,
    partial(_product_rule, bind=lambda: _CORRELATION.bind),
    _correlation_adjoint,
)
