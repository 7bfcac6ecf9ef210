"""Gradient flow of the random-feature score in closed form (arXiv 2502.00336, 2505.17638).

With φ = tanh(W y/√d) at y = μ x_i + σ ξ, the loss (1/d) E ‖σ s_A(y) + ξ‖² + ρ ‖A‖² of s_A = A φ is quadratic,

    L(A) = (σ²/d) tr A U Aᵀ + (2σ/d) tr A Vᵀ + 1 + ρ ‖A‖²,    U = E φ φᵀ,   V = E ξ φᵀ,

so that gradient flow dA/dτ = −∇L from A = 0 is diagonal in the eigenbasis U = Q Λ Qᵀ:

    A(τ) Q = −(2σ/d) V Q (1 − e^{−r τ})/r,    r = 2 (σ² Λ/d + ρ).

k steps of gradient descent with step η replace e^{−r τ} by (1 − η r)^k. The trainer's loss has no 1/d: its
`learning_rate` is η/d, and its ridge is ρ d.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Float64

from jaxmem import _checks
from jaxmem._typing import Integer, Key, RealArray, Samples, Scalar
from jaxmem.numerics import linear_algebra
from jaxmem.numerics.precision import as_float64, with_float64
from jaxmem.numerics.randomness import stream
from jaxmem.scores.random_features import RandomFeatures

HIGHEST = jax.lax.Precision.HIGHEST


class FeatureMoments(NamedTuple):
    """U (p, p) and V (d, p): all that the denoising loss knows of data and noise."""

    covariance: Float64[Array, "p p"]
    cross: Float64[Array, "d p"]


class RandomFeatureFlow(eqx.Module):
    """The loss in the eigenbasis of U: rates r, eigenvectors Q, and −(2σ/d) V Q."""

    rates: Float64[Array, "p"]
    eigenvectors: Float64[Array, "p p"]
    drive: Float64[Array, "d p"]


@with_float64
def feature_moments(
    key: Key,
    model: RandomFeatures,
    data: Samples,
    mu: Scalar | float,
    sigma: Scalar | float,
    *,
    draws: int = 100,
    noise: Float[RealArray, "draws n d"] | None = None,
    count: Integer | None = None,
) -> FeatureMoments:
    """U and V over the first `count` samples, with the noise average by `draws` normals a sample.

    Args:
        key: of the normals; draw j is the same for every number of draws.
        model: gives the features.
        data: (n, d), or (capacity, d) with rows from `count` on ignored. Fresh samples give the moments of
            the test loss.
        mu: signal level μ.
        sigma: noise level σ > 0.
        draws: normals a sample; the error of U is of order 1/√(n · draws).
        noise: the normals themselves, in place of drawing them.
        count: how many rows are samples, traced or not; all by default.

    Cost: draws · n · p (p + 2 d) multiplications in float64, memory of one draw.
    """
    _checks.samples("data", data)
    _checks.real_number("sigma", sigma, above=0.0)
    capacity, dim = data.shape
    if noise is None:
        _checks.positive_integer("draws", draws)
    else:
        _checks.shape("noise", noise, None, capacity, dim)
        draws = len(noise)
    number = capacity if count is None else count
    valid = (jnp.arange(capacity) < number)[:, None]
    rows = jnp.where(valid, as_float64(data), 0)

    def add(sums: FeatureMoments, draw: Integer) -> tuple[FeatureMoments, None]:
        if noise is None:
            drawn = jax.random.normal(stream(key, "feature noise", draw), (capacity, dim), jnp.float32)
        else:
            drawn = jnp.asarray(noise)[draw]
        normal = drawn.astype(jnp.float64)
        features = jnp.where(valid, model.features(mu * rows + sigma * normal), 0)
        covariance = sums.covariance + jnp.matmul(features.T, features, precision=HIGHEST)
        return FeatureMoments(
            covariance, sums.cross + jnp.matmul(normal.T, features, precision=HIGHEST)
        ), None

    size = model.readout.shape[-1]
    start = FeatureMoments(jnp.zeros((size, size)), jnp.zeros((dim, size)))
    sums, _ = jax.lax.scan(add, start, jnp.arange(draws))
    return FeatureMoments(*(total / (draws * number) for total in sums))


@with_float64
def gradient_flow(
    moments: FeatureMoments, sigma: Scalar | float, ridge: Scalar | float = 0.0
) -> RandomFeatureFlow:
    """Diagonalise the loss: one eigendecomposition, about 9 p³ flops, for the whole trajectory."""
    _checks.real_number("sigma", sigma, above=0.0)
    _checks.real_number("ridge", ridge, least=0.0)
    dim = moments.cross.shape[0]
    eigenvalues, eigenvectors = linear_algebra.eigh(moments.covariance)
    # Where φ never goes, U v = 0 and with it V v; what rounding leaves of either is not a slow mode.
    rounding = len(eigenvalues) * jnp.finfo(eigenvalues.dtype).eps * eigenvalues[-1]
    alive = eigenvalues > rounding
    rates = 2 * (sigma**2 * jnp.where(alive, eigenvalues, 0) / dim + ridge)
    drive = -(2 * sigma / dim) * jnp.matmul(moments.cross, eigenvectors, precision=HIGHEST)
    drive = jnp.where(alive, drive, 0)
    return RandomFeatureFlow(rates, eigenvectors, drive)


@with_float64
def flow_readout(flow: RandomFeatureFlow, time: Scalar | float) -> Float64[Array, "d p"]:
    """A(τ) of gradient flow, d p² multiplications; τ = ∞ gives the minimum of least norm."""
    return _readout(flow, -jnp.expm1(-flow.rates * time))


@with_float64
def sample_mode_rate(flow: RandomFeatureFlow, count: Integer) -> Float64[Array, ""]:
    """The mean of the rates of rank d + 1 to `count`, from the largest: the modes of single samples.

    `count` is n; where it is at most d, or p is, there are none and the mean is NaN. The limit is
    `jaxmem.theory.sample_mode_rate`, which says why these.
    """
    rank = jnp.arange(len(flow.rates))[::-1]  # rates increase
    own = (rank >= flow.drive.shape[0]) & (rank < count)
    return jnp.where(own, flow.rates, 0).sum() / own.sum()


@with_float64
def descent_readout(
    flow: RandomFeatureFlow, steps: Integer | float, learning_rate: Scalar | float
) -> Float64[Array, "d p"]:
    """A after `steps` steps of gradient descent with step η on the same loss."""
    kept = jnp.power(1 - learning_rate * flow.rates, jnp.asarray(steps, jnp.int32))
    return _readout(flow, 1 - kept)


@with_float64
def quadratic_loss(
    readout: Float[RealArray, "d p"], moments: FeatureMoments, sigma: Scalar | float
) -> Float64[Array, ""]:
    """(1/d) E ‖σ s_A + ξ‖² under the given moments: the train loss, or with fresh data the test loss.

    E ‖ξ‖²/d is taken as 1 exactly: finitely many draws do not add their own scatter of it.
    """
    readout = as_float64(readout)
    along = jnp.matmul(readout, moments.covariance, precision=HIGHEST)
    return 1 + (sigma**2 * (along * readout).sum() + 2 * sigma * (readout * moments.cross).sum()) / len(
        readout
    )


def with_readout(model: RandomFeatures, readout: Float[Array, "d p"]) -> RandomFeatures:
    """The score with another readout, in the model's dtype."""
    return eqx.tree_at(lambda m: m.readout, model, readout.astype(model.readout.dtype))


def _readout(flow: RandomFeatureFlow, covered: Float64[Array, "p"]) -> Float64[Array, "d p"]:
    """Modes that have covered this share of their way; those of rate 0 have no drive and stay."""
    moving = flow.rates > 0
    reach = jnp.where(moving, covered / jnp.where(moving, flow.rates, 1), 0)
    return jnp.matmul(flow.drive * reach, flow.eigenvectors.T, precision=HIGHEST)
