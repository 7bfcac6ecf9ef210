"""Latent recovery for any Σ at finite n and d: where the deterministic equivalent puts the weight of v_i.

Along v_i the resolvent of Σ̂ is κ/(t (λ_i + κ)) (`deterministic_equivalent`), so the eigenvectors of Σ̂ share
v_i over the spectrum with a known density. Cut the spectrum into parts that hold one eigenvalue each; the
overlap Q_i = (u_i·v_i)² is the weight of v_i in the i-th part from the top. Far from other eigenvalues that
is

    Q_i = [1 − (1/n) Σ_j λ_j²/(λ_i − λ_j)²] / [1 + (1/n) Σ_j λ_j/(λ_i − λ_j)],

the formula of a spike; inside a bulk it is that of Ledoit & Péché (arXiv 0911.3010); and it passes smoothly
through the threshold between them. What it leaves out are the fluctuations of the eigenvalues, which
exchange eigenvectors: it is too large by up to 0.07 where neighbours cross over (0.2 < Q_i < 0.8), by less
elsewhere.

On the real axis E the spectrum is described by κ = −x + iy (Silverstein & Choi, J. Multivariate Anal. 54
(1995) 295): for each x the height y ≥ 0 solves (1/n) Σ_j λ_j²/((λ_j − x)² + y²) = 1, or is 0 where no y
does; E = −t(κ) grows with x, and the number of eigenvalues above E follows from the argument of det(Σ̂ − E)
in closed form.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from jaxmem import _checks
from jaxmem.theory._types import Real, RealLike
from jaxmem.theory.deterministic_equivalent import Spectrum, kappa

Array = NDArray[np.float64]

HEIGHTS = np.exp(np.arange(-40.0, 40.0, 0.25))
"""Nodes above the real axis, over λ_1; singularities lie π/2 away in the logarithm: exact to 1e-16."""


def latent_recovery_from_spectrum(eigenvalues: RealLike, n: RealLike, directions: int = 1) -> Array:
    """Q_i for the `directions` leading eigenvectors; 0 for those that n samples do not span.

    Args:
        eigenvalues: of Σ, 1-d, in any order. Of equal ones the overlap of their subspaces is given.
        n: samples.
        directions: how many, at most d.

    Returns:
        Shape (*n.shape, directions). Cost: some 1,000 d operations a direction; 10⁴ eigenvalues take 40 ms.
    """
    spectrum, leading, n = _read(eigenvalues, n, directions)

    def overlaps(size: float) -> list[float]:
        result = []
        for value in leading:
            before = float(spectrum.counts[spectrum.values > value].sum())
            after = float(spectrum.counts[spectrum.values >= value].sum())
            top = _weight_above(spectrum, size, before, value)
            result.append(_weight_above(spectrum, size, after, value) - top)
        return result

    return np.reshape([overlaps(size) for size in n.flat], (*n.shape, directions))


def subspace_recovery_from_spectrum(eigenvalues: RealLike, n: RealLike, directions: int = 1) -> Real:
    """(1/k) Σ_{i,j ≤ k} (u_i·v_j)² for k = `directions`: the weight of v_1 … v_k in the top k parts."""
    spectrum, leading, n = _read(eigenvalues, n, directions)
    weights = [[_weight_above(spectrum, size, directions, value) for value in leading] for size in n.flat]
    return np.reshape(np.mean(weights, -1), n.shape)[()]


def _read(eigenvalues: RealLike, n: RealLike, directions: int) -> tuple[Spectrum, Array, Array]:
    """The positive part of the spectrum, its leading eigenvalues, and n."""
    spectrum = Spectrum.of(eigenvalues)
    _checks.positive_integer("directions", directions, most=int(spectrum.dim))
    leading = np.sort(np.asarray(eigenvalues, np.float64))[::-1][:directions]
    positive = spectrum.values > 0
    return (
        Spectrum(spectrum.values[positive], spectrum.counts[positive]),
        leading,
        _checks.real_numbers("n", n, above=0.0),
    )


def _weight_above(spectrum: Spectrum, n: float, count: float, value: float) -> float:
    """The share of an eigenvector v of Σ, of eigenvalue `value`, in the `count` leading eigenvectors of Σ̂."""
    if count == 0 or value == 0:
        return 0.0
    if count >= min(n, spectrum.rank):  # all but the null space of Σ̂, where its limit t → 0 leaves κ/(λ + κ)
        return value / (value + kappa(spectrum, n, 0.0))
    lowest = -kappa(spectrum, n, 0.0) if n < spectrum.rank else 1e-12 * spectrum.values[0]
    highest = spectrum.values[-1] + np.sqrt(spectrum.counts @ spectrum.values**2 / n)  # y = 0 from there on
    place = brentq(
        lambda x: _number_above(spectrum, n, x) - count, lowest, highest, xtol=1e-14 * value, maxiter=1000
    )
    start = complex(-place, _height(spectrum, n, place))
    # μ(> E) = ½ + (1/π) Im ∫ g(z) dz from E to E + i∞ for a measure with resolvent g; straight in κ, not z
    scale = spectrum.values[-1]
    integrand = [_resolvent(spectrum, n, start + 1j * scale * height, value).real for height in HEIGHTS]
    step = np.log(HEIGHTS[1] / HEIGHTS[0])
    return float(0.5 + step / np.pi * scale * (HEIGHTS @ integrand))


def _number_above(spectrum: Spectrum, n: float, x: float) -> float:
    """How many eigenvalues of Σ̂ lie above E(x)."""
    values, counts = spectrum
    place = complex(-x, _height(spectrum, n, x))
    share = values / (values + place)
    energy = -(place * (1 - counts @ share / n)).real
    phase = counts @ np.angle(values + place) + (spectrum.dim - n) * (np.pi - np.angle(place))
    return spectrum.dim - float(phase + n * energy * place.imag / abs(place) ** 2) / np.pi


def _height(spectrum: Spectrum, n: float, x: float) -> float:
    """y(x); Newton's method on one over the sum, which is concave in y², climbs without overshooting."""
    distances = (spectrum.values - x) ** 2
    weights = spectrum.counts * spectrum.values**2 / n
    square = max(0.0, float((weights - distances).max()))  # where the largest term alone is 1
    if square == 0 and (weights / distances).sum() <= 1:
        return 0.0
    for _ in range(1000):
        inverse = 1 / (distances + square)
        terms = weights * inverse
        total = terms.sum()
        step = float((total - 1) * total / (terms @ inverse))
        square += step
        if step <= 4e-16 * square:
            break
    return float(np.sqrt(square))


def _resolvent(spectrum: Spectrum, n: float, place: complex, value: float) -> complex:
    """κ t'(κ) / (t(κ) (λ + κ)): the resolvent along v, times dt/dκ."""
    share = spectrum.values / (spectrum.values + place)
    per_sample = spectrum.counts * share / n
    return complex((1 - per_sample @ share) / ((1 - per_sample.sum()) * (value + place)))
