"""Convergence q of linear models that are equivariant to translations: stationary Gaussian fields.

The model x̂ = Ĉ^{1/2} z of `jaxmem.theory.convergence` is restricted to estimates Ĉ that commute with
translations. On a stationary Gaussian field the Fourier coefficients at different frequencies are
independent, so the best such estimate is one power, or one block, per frequency:

- All translations: Ĉ is diagonal in Fourier space, with P̂_k = (1/n) Σ_a |x̂_k^a|², the mean of n squares. Of
  complex coefficients, |x̂_k|² is P_k times an exponential variable, so P̂_k = P_k Gamma(n)/n; of the real ones
  (frequency 0 and, in even sizes, ½) it is P_k χ²_n/n. The overlap of two models is Σ_k √P̂_k √P̂'_k with
  independent factors, so that each frequency has q = (E √P̂)²/E P̂, whatever its power: q of the field is the
  same, and depends neither on d nor on the spectrum.
- Translations by multiples of a stride, of which p fit into the stride (in two dimensions p = stride²): p
  frequencies alias onto one and mix. Ĉ is a Hermitian p × p block per coarse frequency, a complex Wishart
  matrix of n samples, and q of white blocks is (E (1/p) Tr Ĉ^{1/2})²/E (1/p) Tr Ĉ, as E Ĉ^{1/2} is a
  multiple of 1. p = 1 is the convolution; one block, p = d, is dense.

q is 0.785 from a single image on for a convolution, and moves to n ~ p for blocks, but what a spike outside
of the Fourier basis looks like is never learnt: convergence without recovery.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, poch

from jaxmem import _checks
from jaxmem.theory._types import Real, RealLike
from jaxmem.theory.convergence import convergence_from_spectrum

Array = NDArray[np.float64]


def equivariant_convergence(n: RealLike, *, real: bool = False) -> Real:
    """q of a frequency: (Γ(n + ½)/(√n Γ(n)))², or at a real one (2/n)(Γ((n + 1)/2)/Γ(n/2))².

    π/4 at n = 1, 1 − 1/(4n) + O(n⁻²) for large n; at real frequencies 2/π and 1 − 1/(2n).

    Args:
        n: samples (images), above 0.
        real: at a frequency whose coefficient is real.
    """
    shape = _checks.real_numbers("n", n, above=0.0) / (2 if real else 1)
    return (poch(shape, 0.5) ** 2 / shape)[()]


def block_convergence(n: RealLike, block: RealLike) -> Real:
    """q of Hermitian blocks of size p = `block`, exactly: [E Tr W^{1/2}/(p √n)]².

    W is complex Wishart, p × p of n samples. With m = min(n, p) and a = |n − p| its eigenvalues other than 0
    are the Laguerre ensemble, of density Σ_{k<m} k!/Γ(k + a + 1) x^a e^{−x} L_k^{(a)}(x)². As L_k^{(a)} =
    Σ_j (−½)_{k−j}/(k − j)! L_j^{(a + ½)},

        E Tr W^{1/2} = Σ_{k<m} k!/Γ(k + a + 1) Σ_{j≤k} [(−½)_{k−j}/(k − j)!]² Γ(j + a + 3/2)/j!,

    in which all terms are positive. block = 1 is `equivariant_convergence`; for large p it tends to
    `jaxmem.theory.convergence` at the load n/p, F(n/p)², from which it differs by O(1/p²): by 9 % at
    n = p = 1, 1.0 % at 4, 0.09 % at 16. The one real block of a dense model has O(1/p) instead.

    Exact for white blocks, where the p frequencies that mix have the same power; of others, q is that
    of `convergence_from_spectrum` for the powers of a block, to O(1/n).

    Args:
        n: samples, whole numbers of at least 1.
        block: p, whole numbers of at least 1.

    Returns:
        Shape broadcast(n, block). Cost: min(n, p)² operations each.

    Source: Forrester, Log-Gases and Random Matrices (2010), section 5.4, for the density.
    """
    n, block = np.broadcast_arrays(_checks.whole_numbers("n", n), _checks.whole_numbers("block", block))
    roots = np.vectorize(_expected_root_trace, otypes=[np.float64])(n, block)
    return (roots**2 / (block**2 * n))[()]


class BlockSpectrum(NamedTuple):
    """What a model that commutes with translations can learn of a covariance: its blocks.

    Attributes:
        values: eigenvalues of the block of each frequency, largest first, shape (frequencies, p).
        real: whether the frequency is its own negative, so that its coefficients are real (frequencies,).
    """

    values: Array
    real: NDArray[np.bool_]


def block_spectrum(covariance: ArrayLike, image_shape: tuple[int, int, int], stride: int) -> BlockSpectrum:
    """The covariance of the Fourier coefficients of tiles, frequency by frequency.

    With U the unitary Fourier transform over the positions of the s × s tiles, block ω is that of U Σ U†:
    all of it for a population that is stationary, what is left of it on average over translations else.

    Args:
        covariance: Σ, shape (d, d), of images as rows.
        image_shape: (height, width, channels), with d pixels.
        stride: s, which divides height and width; p = s² · channels.
    """
    covariance = _of_images(covariance, image_shape, stride)
    height, width, channels = image_shape
    tall, wide, size = height // stride, width // stride, stride**2 * channels
    axes = (tall, stride, wide, stride, channels)
    tiled = covariance.reshape(*axes, *axes).transpose(0, 2, 1, 3, 4, 5, 7, 6, 8, 9)
    tiled = tiled.reshape(tall, wide, size, tall, wide, size)
    both = np.fft.ifft2(np.fft.fft2(tiled, axes=(0, 1)), axes=(3, 4))
    values = np.linalg.eigvalsh(np.einsum("abiabj->abij", both))[..., ::-1].clip(0)
    down, across = np.indices((tall, wide))
    real = (2 * down % tall == 0) & (2 * across % wide == 0)
    return BlockSpectrum(values.reshape(-1, size), real.ravel())


def field_convergence(
    covariance: ArrayLike, image_shape: tuple[int, int, int], stride: int, n: RealLike
) -> Real:
    """q of linear models of images that commute with translations by multiples of a stride.

    Σ_b Tr(λ_b) q_b/Tr Σ over the blocks b of `block_spectrum`, q_b as by `equivariant_convergence` for p = 1,
    `block_convergence` for a white complex block, and `convergence_from_spectrum` else, which is right to
    O(1/n) there. For stationary Gaussian images, and as the number of frequencies grows: Tr Ĉ fluctuates by
    its inverse root, so that at n = 1 and 64 pixels q is some 2 % lower.

    Args:
        covariance: Σ, shape (d, d).
        image_shape: (height, width, channels).
        stride: s, from 1, a convolution, to the side of the image, the dense model.
        n: samples of each model, above 0.
    """
    n = _checks.real_numbers("n", n, above=0.0)
    values, real = block_spectrum(covariance, image_shape, stride)
    total = np.zeros(n.shape)
    for block, is_real in zip(values, real, strict=True):
        total += block.sum() * _block_q(block, bool(is_real), n)
    return (total / values.sum())[()]


def field_recovery(
    covariance: ArrayLike, image_shape: tuple[int, int, int], stride: int, directions: int = 1
) -> float:
    """Q of models that commute with translations by multiples of a stride, as n → ∞.

    They learn the mean of P_g Σ P_gᵀ over the translations, whose leading eigenvectors (all those of the k-th
    eigenvalue among them, as `jaxmem.metrics.subspace_recovery` has it) have this squared overlap with the k
    leading ones of Σ: 1 for a stationary field, 2/d for a spike at one pixel, whose leading wave is any.

    Args:
        covariance: Σ, shape (d, d).
        image_shape: (height, width, channels).
        stride: s, which divides height and width.
        directions: k.
    """
    covariance = _of_images(covariance, image_shape, stride)
    directions = _checks.positive_integer("directions", directions, most=len(covariance))
    height, width, channels = image_shape
    images = covariance.reshape(height, width, channels, height, width, channels)
    shifts = [(a, b, a, b) for a in range(0, height, stride) for b in range(0, width, stride)]
    averaged = np.mean([np.roll(images, shift, (0, 1, 3, 4)) for shift in shifts], 0)
    values, vectors = np.linalg.eigh(averaged.reshape(covariance.shape))
    learnt = vectors[:, values >= (1 - 1e-9) * values[-directions]]
    leading = np.linalg.eigh(covariance)[1][:, -directions:]
    return float(((leading.T @ learnt) ** 2).sum() / directions)


def _of_images(covariance: ArrayLike, image_shape: tuple[int, int, int], stride: int) -> Array:
    """The covariance, of images of this shape that the stride divides."""
    covariance = _checks.real_numbers("covariance", covariance)
    height, width, channels = image_shape
    stride = _checks.positive_integer("stride", stride)
    _checks.shape("covariance", covariance, height * width * channels, height * width * channels)
    if height % stride or width % stride:
        raise ValueError(f"stride must divide images of {height} × {width} pixels, got {stride}.")
    return covariance


def _block_q(block: Array, real: bool, n: Array) -> Any:
    if block.size == 1:
        return equivariant_convergence(n, real=real)
    if not real and np.ptp(block) <= 1e-9 * block.max() and (n == np.rint(n)).all():
        return block_convergence(n, block.size)
    return convergence_from_spectrum(block, n)


def _expected_root_trace(n: float, block: float) -> float:
    """E Tr W^{1/2}."""
    least, excess = int(min(n, block)), abs(n - block)
    k = np.arange(least, dtype=np.float64)
    connection = np.cumprod(np.concatenate([[1.0], (k[1:] - 1.5) / k[1:]])) ** 2
    norms = gammaln(k + excess + 1) - gammaln(k + 1)
    moments = gammaln(k + excess + 1.5) - gammaln(k + 1)
    total = 0.0
    for row in range(least):
        total += float(connection[row::-1] @ np.exp(moments[: row + 1] - norms[row]))
    return total
