"""The largest deviation of a few eigenvalues, exactly: E ‖Σ̂ + ρ − 1‖ for n samples of N(0, I) in R^d.

The m = min(n, d) eigenvalues of n Σ̂ other than 0 have, with a = |n − d|, a density

    ∝ Π_i λ_i^{(a − 1)/2} e^{−λ_i/2} Π_{i<j} |λ_i − λ_j|.

Integrated over [low, high]^m in the manner of de Bruijn it is a Pfaffian, so that

    P(all in [low, high]) = √(det A(low, high)/det A(0, ∞)),
    A_ij = ∫ dy ∫_{x<y} dx [φ_i(x) φ_j(y) − φ_j(x) φ_i(y)],

for any φ_i that span the polynomials of degree below m times λ^{(a − 1)/2} e^{−λ/2}; for odd m A has one more
row and column, ∫ φ_i. In u = √λ the φ_i are smooth. Source: Chiani, IEEE Trans. Inf. Theory 63 (2017) 4521,
arXiv 1502.04189.
"""

import itertools

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

Array = NDArray[np.float64]

MOST = 16
"""min(n, d) up to which the determinants keep ten digits."""

REACH = 7.0
"""√λ stays within √n ± (√d + REACH) but for 1e-10."""

NODES, WEIGHTS = legendre.leggauss(128)


def _cumulative() -> Array:
    """Weights of ∫ from −1 to each node, by the Legendre series of the integrand."""
    degrees = np.arange(NODES.size)
    values = legendre.legvander(NODES, NODES.size)
    integrals = (values[:, 2:] - values[:, :-2]) / (2 * degrees[1:] + 1)
    integrals = np.column_stack([NODES + 1, integrals])
    return integrals @ ((2 * degrees + 1) / 2 * values[:, :-1] * WEIGHTS[:, None]).T


CUMULATIVE = _cumulative()


def expected_largest_deviation(n: int, d: int, ridge: float) -> float:
    """E max_i |λ_i/n + ρ − 1| over all d eigenvalues of n Σ̂, zeros included, for min(n, d) ≤ MOST."""
    size, centre = min(n, d), n * (1 - ridge)
    bottom, top = max(np.sqrt(n) - np.sqrt(d) - REACH, 0.0), np.sqrt(n) + np.sqrt(d) + REACH
    functions = _Functions(size, abs(n - d))
    whole = functions.pfaffian(np.array([bottom]), np.array([top]))[0]
    null = abs(centre) if d > n else 0.0  # eigenvalues 0 are as far as that
    ends = sorted({null, max(null, centre), max(null, centre - bottom**2), max(null, top**2 - centre)})
    mean = null
    for start, end in itertools.pairwise(ends):
        reach = start + (end - start) * (NODES + 1) / 2
        low, high = (np.sqrt(np.clip(centre + sign * reach, bottom**2, top**2)) for sign in (-1, 1))
        inside = functions.pfaffian(low, high) / whole
        mean += (end - start) / 2 * float(WEIGHTS @ (1 - np.clip(inside, 0, 1)))
    return mean / n


class _Functions:
    """φ_0 … φ_{m−1} in u = √λ: u^a e^{−u²/2} times Laguerre polynomials of u², orthonormal on [0, ∞)."""

    def __init__(self, size: int, power: int) -> None:
        self.size, self.power = size, power

    def __call__(self, u: Array) -> Array:
        """Values up to a common factor, shape (*u.shape, m), by the recurrence of the polynomials."""
        peak, order = np.sqrt(self.power), self.power - 0.5
        with np.errstate(divide="ignore"):
            logs = self.power * np.log(u / peak) if self.power else np.zeros_like(u)
        values = np.zeros((*u.shape, self.size + 1))  # one before the first
        values[..., 1] = np.exp(logs - (u - peak) * (u + peak) / 2)
        for k in range(self.size - 1):
            before, after = np.sqrt(k * (k + order)), np.sqrt((k + 1) * (k + 1 + order))
            fallen = before * values[..., k]
            values[..., k + 2] = ((u**2 - (2 * k + 1 + order)) * values[..., k + 1] - fallen) / after
        return values[..., 1:]

    def pfaffian(self, low: Array, high: Array) -> Array:
        """√det A(low, high), of each pair of ends."""
        half = (high - low) / 2
        values = self(low[:, None] + half[:, None] * (NODES + 1))
        until = half[:, None, None] * (CUMULATIVE @ values)
        products = half[:, None, None] * ((until * WEIGHTS[:, None]).swapaxes(-1, -2) @ values)
        matrix = products - products.swapaxes(-1, -2)
        if self.size % 2:
            total = half[:, None] * np.einsum("k,rki->ri", WEIGHTS, values)
            bordered = np.zeros((low.size, self.size + 1, self.size + 1))
            bordered[:, :-1, :-1] = matrix
            bordered[:, :-1, -1], bordered[:, -1, :-1] = total, -total
            matrix = bordered
        return np.sqrt(np.maximum(np.linalg.det(matrix), 0.0))
