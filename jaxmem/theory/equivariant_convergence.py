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

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, poch

from jaxmem import _checks
from jaxmem.theory._types import Real, RealLike

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
