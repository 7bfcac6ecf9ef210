"""The exact law of K reverse diffusion steps with the linear score: no samples, one number per eigenvalue.

Data are noised by dx = −x dt + √2 dW (μ = e^-t, σ² = 1 − e^-2t). The linear score of a fit N(x̄, C) is
s = −(μ² C + σ² I)^-1 (x − μ x̄). From N(0, I) at t = `start`, K steps down to t = `end` of

    dx = (x + 2 s) dτ + √2 dW    the reverse SDE,
    dx = (x + s) dτ              the probability-flow ODE,    τ = start − t,

keep the law Gaussian. Along an eigenvector of C with eigenvalue λ every step is x → gain x + pull x̄ + noise,
so the generated mean is β(λ) x̄ and the variance v(λ), by β ← gain β + pull and v ← gain² v + variance.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Float64

from jaxmem import _checks
from jaxmem._typing import Integer, RealArray, Scalar
from jaxmem.covariances.spectral import SpectralCovariance
from jaxmem.noising import ornstein_uhlenbeck
from jaxmem.numerics.precision import with_float64
from jaxmem.scores.linear_gaussian import LinearGaussian

START = 5.0
"""Where e^-2t = 5e-5 of the variance of the data is left."""

END = 1e-3
"""σ² = 2e-3: the noise that an early stop leaves in the samples."""


class Response(NamedTuple):
    """What the steps make of an eigendirection of C: generated mean over x̄, and generated variance."""

    mean: Float64[Array, "..."]
    variance: Float64[Array, "..."]


class Step(NamedTuple):
    """x → gain x + pull x̄ + N(0, variance)."""

    gain: Float64[Array, "..."]
    pull: Float64[Array, "..."]
    variance: Float64[Array, "..."]


Scheme = Callable[[Float64[Array, "..."], Scalar, Scalar], Step]
"""(λ, t, t') → the step from time t to the earlier t'."""


def euler_maruyama(eigenvalues: Float64[Array, "..."], time: Scalar, next_time: Scalar) -> Step:
    """Euler–Maruyama on the reverse SDE: error O(1/K) in the law."""
    length = time - next_time
    slope, pull = _score(eigenvalues, time)
    gain = 1 + length * (1 + 2 * slope)
    return Step(gain, 2 * length * pull, jnp.broadcast_to(2 * length, gain.shape))


def euler(eigenvalues: Float64[Array, "..."], time: Scalar, next_time: Scalar) -> Step:
    """Euler on the probability-flow ODE: O(1/K)."""
    length = time - next_time
    slope, pull = _score(eigenvalues, time)
    gain = 1 + length * (1 + slope)
    return Step(gain, length * pull, jnp.zeros_like(gain))


def heun(eigenvalues: Float64[Array, "..."], time: Scalar, next_time: Scalar) -> Step:
    """Heun's predictor–corrector on the probability-flow ODE: O(1/K²), two scores a step."""
    length = time - next_time
    slope, pull = _score(eigenvalues, time)
    next_slope, next_pull = _score(eigenvalues, next_time)
    first, second = 1 + slope, 1 + next_slope
    gain = 1 + length * (first + second * (1 + length * first)) / 2
    combined = length * (pull + next_pull + second * length * pull) / 2
    return Step(gain, combined, jnp.zeros_like(gain))


def exponential(eigenvalues: Float64[Array, "..."], time: Scalar, next_time: Scalar) -> Step:
    """The exponential integrator of the probability-flow ODE, known as DDIM: O(1/K), and `end` may be 0.

    x' = μ' D + (σ'/σ)(x − μ D) with the denoised D = E[x_0 | x] held over the step.
    """
    (mu, sigma), (next_mu, next_sigma) = ornstein_uhlenbeck(time), ornstein_uhlenbeck(next_time)
    ratio = next_sigma / sigma
    # D = trust x + (1 − μ trust) x̄
    trust = mu * eigenvalues / (mu**2 * eigenvalues + sigma**2)
    drift = next_mu - ratio * mu
    gain = ratio + drift * trust
    return Step(gain, drift * (1 - mu * trust), jnp.zeros_like(gain))


SCHEMES: dict[str, Scheme] = {
    "euler-maruyama": euler_maruyama,
    "euler": euler,
    "heun": heun,
    "exponential": exponential,
}


def reverse_times(
    index: Integer, steps: Integer, start: Scalar | float, end: Scalar | float, spacing: Scalar | float
) -> Scalar:
    """t_k, k = `index` of K = `steps`: 1 − k/K of the way from end^{1/p} to start^{1/p}, p = `spacing`."""
    low, high = end ** (1 / spacing), start ** (1 / spacing)
    return (low + (1 - index / steps) * (high - low)) ** spacing


@with_float64
def step_response(
    eigenvalues: Float[RealArray, "..."],
    steps: Integer,
    *,
    scheme: str = "euler-maruyama",
    start: Scalar | float = START,
    end: Scalar | float = END,
    spacing: Scalar | float = 1.0,
) -> Response:
    """β(λ) and v(λ) after K = `steps` steps, for eigenvalues λ of the fitted covariance.

    Args:
        eigenvalues: any shape.
        steps: K ≥ 1, traced or not: vmapped over a grid of K, one compilation serves all, at the cost of the
            largest for each.
        scheme: "euler-maruyama" (SDE), "euler", "heun" or "exponential" (ODE).
        start: the time T > 0 at which x ~ N(0, I).
        end: the time at which the steps stop, at least 0, above 0 for "heun" where an eigenvalue is 0.
        spacing: p > 0, of the times (Karras et al., arXiv 2206.00364, eq. 5): 1 uniform, larger ones denser
            at the end.

    Returns:
        Two float64 arrays of the shape of `eigenvalues`. Cost: a dozen operations per step and eigenvalue.
    """
    _checks.one_of("scheme", scheme, SCHEMES)
    if not _checks.is_traced(steps):
        _checks.positive_integer("steps", int(steps))
    _check_times(start, end)
    _checks.real_number("spacing", spacing, above=0.0)
    eigenvalues = jnp.asarray(eigenvalues, jnp.float64)
    start, end = jnp.asarray(start, jnp.float64), jnp.asarray(end, jnp.float64)
    step_of = SCHEMES[scheme]

    def step(index: Array, response: Response) -> Response:
        times = [reverse_times(k, steps, start, end, spacing) for k in (index, index + 1)]
        gain, pull, variance = step_of(eigenvalues, *times)
        return Response(gain * response.mean + pull, gain**2 * response.variance + variance)

    initial = Response(jnp.zeros_like(eigenvalues), jnp.ones_like(eigenvalues))
    return jax.lax.fori_loop(jnp.int32(0), jnp.asarray(steps, jnp.int32), step, initial)


@with_float64
def continuum_response(
    eigenvalues: Float[RealArray, "..."],
    *,
    stochastic: bool,
    start: Scalar | float = START,
    end: Scalar | float = END,
) -> Response:
    """The limit K → ∞ of `step_response`, exactly, for the reverse SDE (`stochastic`) or the ODE.

    With p_t = μ_t² λ + σ_t², the ODE multiplies deviations from μ_t x̄ by r = √(p_end / p_start), the SDE by
    r = e^-(start − end) p_end / p_start and adds the noise that turns variance p_start into p_end. Both start
    from the deviation −μ_start x̄ and variance 1 instead of p_start, an error that vanishes as start → ∞.
    """
    _check_times(start, end)
    eigenvalues = jnp.asarray(eigenvalues, jnp.float64)
    (mu, sigma), (first_mu, first_sigma) = (
        ornstein_uhlenbeck(jnp.asarray(time, jnp.float64)) for time in (end, start)
    )
    last, first = mu**2 * eigenvalues + sigma**2, first_mu**2 * eigenvalues + first_sigma**2
    gain = first_mu / mu * last / first if stochastic else jnp.sqrt(last / first)
    return Response(mu - gain * first_mu, last + gain**2 * (1 - first))


@with_float64
def propagated_law(model: LinearGaussian, respond: Callable[[Array], Response]) -> LinearGaussian:
    """The law N(β(C) x̄, v(C)) that steps with the score of `model` generate.

    Args:
        model: the fit.
        respond: `step_response` or `continuum_response` with its numbers bound, a function of eigenvalues.
    """
    values, vectors, rest = model.covariance.values, model.covariance.vectors, model.covariance.rest
    response = respond(jnp.append(values, rest))
    pull, covariance = (SpectralCovariance(along[:-1], vectors, along[-1]) for along in response)
    return LinearGaussian(pull.apply(model.mean), covariance)


def _score(eigenvalues: Float64[Array, "..."], time: Scalar) -> tuple[Array, Array]:
    """The score as slope · x + pull · x̄ along an eigenvector."""
    mu, sigma = ornstein_uhlenbeck(time)
    precision = 1 / (mu**2 * eigenvalues + sigma**2)
    return -precision, mu * precision


def _check_times(start: Scalar | float, end: Scalar | float) -> None:
    _checks.real_number("start", start, above=0.0)
    _checks.real_number("end", end, least=0.0)
    if not (_checks.is_traced(start) or _checks.is_traced(end)) and not end < start:
        raise ValueError(f"end must be before start = {start:g}, got {end:g}.")
