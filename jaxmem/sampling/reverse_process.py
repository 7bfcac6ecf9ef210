"""Sampling by running the Ornstein–Uhlenbeck noising dx = −x dt + √(2λ) dW backwards, with any score.

From time T down to t_0, with s(t, x) the score of the noised law at time t:

    reverse SDE:            dx = (x + 2λ s(T − τ, x)) dτ + √(2λ) dW,    τ = T − t from 0 to T − t_0,
    probability-flow ODE:   dx = (x +  λ s(T − τ, x)) dτ.

Both carry the noised law at T to that at t_0 where the score is exact. One sample each; vmap makes a batch,
and `sample_reverse_process` draws the Gaussian starts as well.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import diffrax
import jax
import jax.numpy as jnp
import lineax
from jaxtyping import Array, Float, Float32

from jaxmem import _checks
from jaxmem._typing import Key, RealArray, Scalar
from jaxmem.noising import ornstein_uhlenbeck
from jaxmem.numerics.randomness import stream
from jaxmem.sampling.noise_path import check_times

Score = Callable[[Any, Any], Any]
"""(t, x) → score at one point."""

Spacing = Literal["linear", "log"]

SOURCE_START, SOURCE_END = 1.0, 0.01
"""T and t_0 of the two-dimensional diffusion of arXiv 2502.03435."""


def time_grid(
    start: float = SOURCE_START, end: float = SOURCE_END, steps: int = 100, *, spacing: Spacing = "linear"
) -> Float[Array, "times"]:
    """`steps` + 1 times from `start` down to `end`, "linear" or in geometric progression ("log")."""
    _checks.real_number("end", end, above=0.0)
    _checks.real_number("start", start, above=end)
    _checks.positive_integer("steps", steps)
    _checks.one_of("spacing", spacing, ("linear", "log"))
    grid = jnp.linspace if spacing == "linear" else jnp.geomspace
    return grid(start, end, steps + 1, dtype=jnp.float32)


@_checks.real_arrays("x", "times")
def reverse_sde(
    score: Score,
    key: Key,
    x: Float[RealArray, "d"],
    times: Float[RealArray, "times"],
    noise_scale: Scalar | float = 1.0,
) -> Float[Array, "d"]:
    """Euler–Maruyama on the decreasing grid `times`; one score evaluation a step, weak order 1."""
    check_times(times)
    _checks.real_number("noise_scale", noise_scale, above=0.0)
    x = jnp.asarray(x)

    def drift(backwards: Any, x: Any, _: Any) -> Any:
        return x + 2 * noise_scale * score(-backwards, x)

    def diffusion(backwards: Any, x: Any, _: Any) -> Any:
        return lineax.DiagonalLinearOperator(
            jnp.broadcast_to(jnp.sqrt(2 * noise_scale), x.shape).astype(x.dtype)
        )

    # A path that may not be asked twice costs one normal a step; nothing differentiates through it.
    noise = diffrax.UnsafeBrownianPath(
        jax.ShapeDtypeStruct(x.shape, x.dtype), stream(key, "reverse noise"), diffrax.BrownianIncrement
    )
    terms: Any = diffrax.MultiTerm(diffrax.ODETerm(drift), diffrax.ControlTerm(diffusion, noise))
    backwards = -jnp.asarray(times, x.dtype)
    return _solve(
        terms, diffrax.Euler(), diffrax.StepTo(ts=backwards), x, backwards[0], backwards[-1], len(times)
    )


@_checks.real_arrays("x")
def probability_flow(
    score: Score,
    x: Float[RealArray, "d"],
    start: Scalar | float = SOURCE_START,
    end: Scalar | float = SOURCE_END,
    noise_scale: Scalar | float = 1.0,
    *,
    tolerance: float = 1e-5,
    max_steps: int = 10_000,
) -> Float[Array, "d"]:
    """Solve the flow from `start` down to `end` by the adaptive method of Tsitouras, order 5.

    Args:
        score: (t, x) → score.
        x: the point at time `start`.
        start: T.
        end: t_0, from 0 to T; the score must be defined there.
        noise_scale: λ.
        tolerance: relative and absolute, per step; below 1e-6 give x in float64.
        max_steps: steps after which the result is NaN.
    """
    _checks.real_number("end", end, least=0.0)
    _checks.real_number("start", start, above=0.0 if _checks.is_traced(end) else float(end))
    _checks.real_number("noise_scale", noise_scale, above=0.0)
    _checks.real_number("tolerance", tolerance, above=0.0)
    x = jnp.asarray(x)
    start = jnp.asarray(start, x.dtype)

    def drift(backwards: Any, x: Any, _: Any) -> Any:
        return x + noise_scale * score(-backwards, x)

    controller = diffrax.PIDController(rtol=tolerance, atol=tolerance)
    ends = -start, -jnp.asarray(end, x.dtype)
    return _solve(diffrax.ODETerm(drift), diffrax.Tsit5(), controller, x, *ends, max_steps)


@_checks.real_arrays("times")
def sample_reverse_process(
    score: Score,
    key: Key,
    n: int,
    dim: int,
    times: Float[RealArray, "times"],
    noise_scale: Scalar | float = 1.0,
    *,
    method: Literal["sde", "ode"] = "sde",
) -> Float32[Array, "{n} {dim}"]:
    """n samples at the last of `times`, from N(0, σ(T)² I) at the first: the noised law for T ≫ 1.

    "sde" walks along `times`, "ode" takes steps of its own between the first and the last.
    """
    _checks.positive_integer("n", n)
    _checks.positive_integer("dim", dim)
    _checks.one_of("method", method, ("sde", "ode"))
    check_times(times)
    _checks.real_number("noise_scale", noise_scale, above=0.0)
    sigma = ornstein_uhlenbeck(times[0], noise_scale).sigma
    normal = jax.random.normal(stream(key, "reverse start"), (n, dim), jnp.float32)
    starts = (sigma * normal).astype(jnp.float32)
    if method == "ode":
        flow = partial(probability_flow, score, start=times[0], end=times[-1], noise_scale=noise_scale)
        return jax.vmap(flow)(starts)
    walk = partial(reverse_sde, score, times=times, noise_scale=noise_scale)
    keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(n))
    return jax.vmap(walk)(keys, starts)


def _solve(
    terms: Any, solver: Any, controller: Any, x: Array, first: Scalar, last: Scalar, max_steps: int
) -> Array:
    """x after −t has gone from `first` to `last`; NaN where the solver gave up.

    The clock is −t and not T − t, which in float32 would lose the digits of small t that a score needs.
    """
    solution = diffrax.diffeqsolve(
        terms,
        solver,
        t0=jnp.asarray(first, x.dtype),
        t1=jnp.asarray(last, x.dtype),
        dt0=None,
        y0=x,
        stepsize_controller=controller,
        saveat=diffrax.SaveAt(t1=True),
        max_steps=max_steps,
        throw=False,
        adjoint=diffrax.ForwardMode(),
    )
    finished = solution.result == diffrax.RESULTS.successful
    return jnp.where(finished, solution.ys[0], jnp.nan)
