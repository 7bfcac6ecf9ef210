"""The best denoiser of Gaussian data, with the noise known or to be read off what is seen.

A clean x ~ N(0, Σ) is seen as y = x + σ z, so that y ~ N(0, Σ + σ²). In the eigenbasis of Σ, with known σ,

    E [x | y, σ] = Σ (Σ + σ²)^-1 y,    MMSE = Σ_i λ_i σ²/(λ_i + σ²).

With σ drawn from a prior and unknown (a blind denoiser has no noise input), x and σ are integrated in turn:

    E [x | y] = Σ_σ p(σ | y) Σ (Σ + σ²)^-1 y,    p(σ | y) ∝ p(σ) N(y; 0, Σ + σ²).

In many dimensions the length of y gives σ away, to relative (2d)^−½, and one filter is left of the mixture.
The source's bias-free networks are homogeneous, f(a y) = a f(y); this is not, as it knows the scale of the
data.

Source: Kadkhodaie, Guth, Simoncelli & Mallat, ICLR 2024, arXiv 2310.02557, for the blind setting.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax

from jaxmem import _checks
from jaxmem.theory._types import Real, RealLike

Array = NDArray[np.float64]


def wiener_gain(eigenvalues: RealLike, noise: RealLike) -> Array:
    """λ_i/(λ_i + σ²), the factor on y along each eigenvector; shape (*noise.shape, d), 0 for λ = σ = 0."""
    eigenvalues, noise = _checked(eigenvalues, noise)
    total = eigenvalues + noise[..., None] ** 2
    return np.where(eigenvalues > 0, eigenvalues / np.where(total > 0, total, 1.0), 0.0)


def wiener_error(eigenvalues: RealLike, noise: RealLike) -> Real:
    """MMSE = Σ_i λ_i σ²/(λ_i + σ²): E ‖E [x | y, σ] − x‖², summed over all directions; shape of `noise`."""
    _, noise = _checked(eigenvalues, noise)
    return (wiener_gain(eigenvalues, noise).sum(-1) * noise**2)[()]


def noise_log_posterior(
    y: RealLike, eigenvalues: RealLike, noises: RealLike, weights: RealLike | None = None
) -> Array:
    """log p(σ | y) at each of the prior's levels, shape (*y.shape[:-1], levels); −∞ at a weight of 0.

    Args:
        y: what is seen, in the eigenbasis of Σ and about the mean, shape (..., d).
        eigenvalues: of Σ, shape (d,), at least 0.
        noises: levels σ of the prior, shape (levels,), above 0: those of a discrete prior, or the nodes of a
            quadrature over a continuous one.
        weights: p(σ), or quadrature weights times the density, up to a factor; equal by default.

    Returns:
        Normalised logarithms, from sums over directions in the log domain: densities of many dimensions
        neither overflow nor vanish. Cost: levels × d operations for each y.
    """
    y, eigenvalues, noises, log_weights = _checked_mixture(y, eigenvalues, noises, weights)
    total = eigenvalues + noises[:, None] ** 2
    logs = log_weights - np.log(total).sum(-1) / 2 - (y[..., None, :] ** 2 / total).sum(-1) / 2
    return logs - logsumexp(logs, axis=-1, keepdims=True)


def blind_wiener(
    y: RealLike, eigenvalues: RealLike, noises: RealLike, weights: RealLike | None = None
) -> Array:
    """E [x | y] = Σ_σ p(σ | y) Σ (Σ + σ²)^-1 y, the best denoiser that is not told σ; shape of `y`.

    Arguments as of `noise_log_posterior`.
    """
    posterior = softmax(noise_log_posterior(y, eigenvalues, noises, weights), axis=-1)
    return posterior @ wiener_gain(eigenvalues, noises) * np.asarray(y, np.float64)


def _checked(eigenvalues: RealLike, noise: RealLike) -> tuple[Array, Array]:
    eigenvalues = _checks.real_numbers("eigenvalues", eigenvalues, least=0.0)
    _checks.shape("eigenvalues", eigenvalues, None)
    return eigenvalues, _checks.real_numbers("noise", noise, least=0.0)


def _checked_mixture(
    y: RealLike, eigenvalues: RealLike, noises: RealLike, weights: RealLike | None
) -> tuple[Array, Array, Array, Array]:
    """The arguments, and the logarithms of the weights."""
    eigenvalues, _ = _checked(eigenvalues, 0.0)
    y, noises = _checks.real_numbers("y", y), _checks.real_numbers("noises", noises, above=0.0)
    _checks.shape("noises", noises, None)
    if y.shape[-1:] != eigenvalues.shape:
        raise ValueError(f"y must have {eigenvalues.size} entries in its last axis, got shape {y.shape}.")
    weights = _checks.real_numbers("weights", np.ones(noises.size) if weights is None else weights, least=0.0)
    _checks.shape("weights", weights, noises.size)
    if not weights.any():
        raise ValueError("weights must hold at least one above 0, got none.")
    with np.errstate(divide="ignore"):
        return y, eigenvalues, noises, np.log(weights)
