"""The linear Gaussian model that commutes with translations of images by multiples of a stride.

x̂ = x̄ + (C̄ + ρ I)^{1/2} z as `linear_gaussian`, with C̄ the mean of P_g Σ̂ P_gᵀ over the translations P_g,
around the torus, by multiples of s pixels each way: of all covariances that commute with them, that of the
largest likelihood. In the Fourier basis over those translations C̄ is a Hermitian block of size p = s² ·
channels per frequency, (1/n) Σ_i c_i c_i† of the coefficients c_i of sample i. Stride 1 is a convolution,
p = 1 for one channel; one as long as the image leaves the dense model. Its theory is
`jaxmem.theory.field_convergence`.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmem import _checks
from jaxmem._typing import Integer, Samples, Scalar, Vector
from jaxmem.numerics import linear_algebra
from jaxmem.numerics.precision import with_float64
from jaxmem.scores.linear_gaussian import LinearGaussian, covariance_of_rank, distinct_rows

ImageShape = tuple[int, int, int]


@with_float64
@_checks.real_arrays("train")
def fit_equivariant_gaussian(
    train: Samples,
    image_shape: ImageShape,
    stride: int,
    count: Integer | None = None,
    *,
    mean: Vector | Scalar | float | None = 0.0,
    ridge: Scalar | float = 0.0,
) -> LinearGaussian:
    """Fit to the first `count` rows of `train`, in float64.

    Args:
        train: (n, d) images as rows, or (capacity, d) with rows from `count` on ignored.
        image_shape: (height, width, channels).
        stride: s, in pixels; it divides height and width.
        count: how many rows of `train` are samples, traced or not; all by default.
        mean: the known mean, or None to estimate it, as one that no translation changes.
        ridge: ρ ≥ 0.

    Returns:
        All d eigenpairs; beyond the rank, which is counted, the values are ρ. Where frequencies ω and −ω are
        two, their eigenvalues are the same, and the vectors any pair of their plane.

    Cost: n d² and d³.
    """
    _checks.samples("train", train)
    _checks.real_number("ridge", ridge, least=0.0)
    blocks = block_order(image_shape, stride)
    capacity, dim = train.shape
    _checks.shape("train", train, None, blocks.size)
    _checks.row_count(count, capacity, least=1 if mean is not None else 2)
    n = capacity if count is None else count
    inside = (jnp.arange(capacity) < n)[:, None]
    rows = jnp.where(inside, jnp.asarray(train, jnp.float64), 0)
    known = mean is not None
    if known:
        mean = jnp.broadcast_to(jnp.asarray(mean, jnp.float64), (dim,))
        distinct = distinct_rows(rows, (inside & (rows != mean)).any(1))
    else:
        every = (rows.sum(0) / n)[blocks].mean((0, 1))
        mean = jnp.zeros(dim).at[blocks].set(jnp.broadcast_to(every, blocks.shape))
        distinct = distinct_rows(rows, inside[:, 0])
    rows = jnp.where(inside, rows - mean, 0)
    averaged = over_translations(linear_algebra.product(rows.T, rows) / n, image_shape, stride)
    values, vectors = linear_algebra.eigh(averaged)
    frequencies, size = blocks.shape[0] * blocks.shape[1], blocks.shape[2]
    lost = 0 if known else (distinct <= size).astype(int)  # at frequency 0 alone
    rank = frequencies * jnp.minimum(distinct, size) - lost
    ridge = jnp.asarray(ridge, jnp.float64)
    return LinearGaussian(mean, covariance_of_rank(values[::-1], vectors[:, ::-1], rank, ridge))


def block_order(image_shape: ImageShape, stride: int) -> np.ndarray:
    """Pixels of a row as (height/s, width/s, s² · channels): where a tile lies, and what lies in it.

    Raises:
        ValueError: the stride does not divide the image.
    """
    height, width, channels = image_shape
    stride = _checks.positive_integer("stride", stride)
    if height % stride or width % stride:
        raise ValueError(f"stride must divide images of {height} × {width} pixels, got {stride}.")
    tall, wide = height // stride, width // stride
    pixels = np.arange(height * width * channels).reshape(tall, stride, wide, stride, channels)
    return pixels.transpose(0, 2, 1, 3, 4).reshape(tall, wide, stride**2 * channels)


def over_translations(
    matrix: Float[Array, "d d"], image_shape: ImageShape, stride: int
) -> Float[Array, "d d"]:
    """The mean of P_g M P_gᵀ over the translations by multiples of the stride; cost d² log d."""
    blocks = block_order(image_shape, stride)
    tall, wide, size = blocks.shape
    flat = blocks.reshape(-1)
    tiled = matrix[flat][:, flat].reshape(tall, wide, size, tall, wide, size)
    left = jnp.fft.fftn(tiled, axes=(0, 1))
    both = jnp.fft.ifftn(left, axes=(3, 4))  # the conjugate transform on the other side
    of_frequency = jnp.einsum("abiabj->abij", both)
    by_shift = jnp.fft.ifftn(of_frequency, axes=(0, 1)).real  # of the tile on the left from that on the right
    down, across = (np.subtract.outer(np.arange(size), np.arange(size)) for size in (tall, wide))
    spread = by_shift[down[:, None, :, None], across[None, :, None, :]]  # (a, b, a', b', i, j)
    spread = spread.transpose(0, 1, 4, 2, 3, 5).reshape(flat.size, flat.size)
    back = np.argsort(flat)
    return spread[back][:, back]
