"""The noise levels that a sampler on a grid of times walks through, of any schedule t → (μ, σ).

With x_t = μ x_0 + σ ξ and ρ = σ/μ, the noise per unit of signal, the chain from an earlier time t' to t is
x_t = (μ/μ') x_t' + √(σ² − (μ/μ')² σ'²) z. Given x_t and x_0, x_t' has by Bayes' rule the variance

    1 / (1/σ'² + (μ/μ')²/(σ² − (μ/μ')² σ'²)) = σ'² (1 − (ρ'/ρ)²).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxmem import _checks
from jaxmem._typing import RealArray
from jaxmem.noising import NoiseLevel

Schedule = Callable[[Any], NoiseLevel]
"""t → (μ, σ), elementwise."""


class Stretch(NamedTuple):
    """One step, from time t to the earlier t'; a whole walk where its fields are stacked.

    Attributes:
        number: which step, from 0.
        time: t.
        level: (μ, σ).
        next_time: t'.
        next_level: (μ', σ').
    """

    number: Int[Array, "..."]
    time: Float[Array, "..."]
    level: NoiseLevel
    next_time: Float[Array, "..."]
    next_level: NoiseLevel

    @property
    def growth(self) -> Float[Array, "..."]:
        """μ'/μ."""
        return self.next_level.mu / self.level.mu

    @property
    def freed(self) -> Float[Array, "..."]:
        """1 − (ρ'/ρ)², the share of σ'² that is left once x_t and x_0 are known; 1 at σ' = 0."""
        ratio = self.next_level.sigma / (self.growth * self.level.sigma)
        return (1 - ratio) * (1 + ratio)


def stretches(schedule: Schedule, times: Float[RealArray, "times"], dtype: Any) -> Stretch:
    """The steps along the decreasing `times`, stacked, in the type `dtype` of the samples.

    Raises:
        ValueError: fewer than two times, times that do not decrease, no signal at some time, no noise
            anywhere but at the last, or noise per unit of signal that does not decrease along the walk.
    """
    check_times(times)
    if not callable(schedule):
        raise ValueError(f"schedule must be a function of time that gives (mu, sigma), got {schedule!r}.")
    if _checks.is_traced(times):
        return _stretches(schedule, jnp.asarray(times, dtype))
    with jax.ensure_compile_time_eval():  # known numbers stay known inside the caller's jit
        return _stretches(schedule, jnp.asarray(times, dtype))


def _stretches(schedule: Schedule, times: Float[Array, "times"]) -> Stretch:
    values = (times, *schedule(times))
    if not any(_checks.is_traced(value) for value in values):
        _check_levels(*(np.broadcast_to(value, times.shape) for value in values))
    path = [jnp.broadcast_to(value, times.shape).astype(times.dtype) for value in values]
    (time, mu, sigma), (next_time, next_mu, next_sigma) = (
        [value[cut] for value in path] for cut in (slice(None, -1), slice(1, None))
    )
    level, next_level = NoiseLevel(mu, sigma), NoiseLevel(next_mu, next_sigma)
    return Stretch(jnp.arange(times.size - 1), time, level, next_time, next_level)


def check_times(times: Float[RealArray, "times"]) -> None:
    """Refuse fewer than two times, and times that do not decrease."""
    _checks.shape("times", times, None)
    if len(times) < 2:
        raise ValueError(f"times must hold at least 2 values, got {len(times)}.")
    if not _checks.is_traced(times):
        _checks.increasing("times, reversed,", np.asarray(times)[::-1].tolist())


def _check_levels(times: np.ndarray, mu: np.ndarray, sigma: np.ndarray) -> None:
    """Refuse levels that no sampler can walk through."""
    for time, signal, noise in zip(times, mu, sigma, strict=True):
        if not (np.isfinite(signal) and signal > 0):
            raise ValueError(
                f"times must be where the schedule has mu above 0, got mu = {signal:g} at time {time:g}: "
                "without signal no score says where the data are; start a little before."
            )
        if not (np.isfinite(noise) and (noise > 0 or (noise == 0 and time == times[-1]))):
            raise ValueError(
                "times must be where the schedule has sigma above 0, or 0 at the last, "
                f"got sigma = {noise:g} at time {time:g}."
            )
    rising = np.diff(sigma / mu) >= 0
    if rising.any():
        earlier, later = times[1:][rising][0], times[:-1][rising][0]
        raise ValueError(
            "schedule must have less noise per signal, sigma/mu, at earlier times, "
            f"got no less at time {earlier:g} than at {later:g}."
        )
