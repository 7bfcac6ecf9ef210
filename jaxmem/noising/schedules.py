"""Noise schedules as values: a path t → (μ, σ), the times that a model is trained at, and what each counts.

Denoising score matching weighs the residual of a score by w,

    L = E_t w(t) E_{x, ξ} ‖s(t, y) + ξ/σ‖²,    y = μ(t) x + σ(t) ξ,

and in terms of what else a network may predict the residual s + ξ/σ is

    of the noise,    s = −r/σ:                  (ξ − r)/σ             w = σ²       leaves ‖r − ξ‖²,
    of the data,     s = (μ f − y)/σ²:          (f − x) μ/σ²          w = σ⁴/μ²    leaves ‖f − x‖²,
    of the velocity, s = −(y + (1 − t) v)/t:    (ξ − x − v)(1 − t)/t  w = (σ/μ)²   leaves ‖v − (ξ − x)‖²

(the last on the straight path, where v = dy/dt = ξ − x). A schedule is called at a time, as the samplers
call it, and draws the levels of a minibatch, as the objectives do; a class of one's own needs no more.
"""

from abc import abstractmethod
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Float32

from jaxmem import _checks
from jaxmem._typing import Key, RealArray, Scalar
from jaxmem.noising.levels import NoiseLevel, Number, ornstein_uhlenbeck


def _float32(value: Any) -> Any:
    return jnp.asarray(value, jnp.float32)


class DrawnLevels(eqx.Module):
    """One noise level per point of a batch; `times` is None where time is no input of the model."""

    times: Float32[Array, "b"] | None
    mu: Float32[Array, "b"]
    sigma: Float32[Array, "b"]
    weight: Float32[Array, "b"]


class NoiseSchedule(eqx.Module):
    """What the objectives and the samplers ask of a schedule."""

    @abstractmethod
    def __call__(self, time: Number) -> NoiseLevel:
        """μ and σ at a time."""

    @abstractmethod
    def draw(self, key: Key, batch: int) -> DrawnLevels:
        """Independent levels for the points of a batch, float32, with their weights w."""


class SingleLevel(NoiseSchedule):
    """One level, for models of y alone; w = σ^p with p = `weight_exponent`. It costs no random numbers."""

    mu: Scalar = eqx.field(converter=_float32)
    sigma: Scalar = eqx.field(converter=_float32)
    weight_exponent: Scalar = eqx.field(converter=_float32, default=0.0)

    def __check_init__(self) -> None:
        _checks.real_number("mu", self.mu)
        _checks.real_number("sigma", self.sigma, above=0.0)
        _checks.real_number("weight_exponent", self.weight_exponent)

    def __call__(self, time: Number = 0.0) -> NoiseLevel:
        """The level, whatever the time."""
        return NoiseLevel(self.mu, self.sigma)

    def draw(self, key: Key, batch: int) -> DrawnLevels:
        """The level for every point."""
        mu, sigma = (jnp.broadcast_to(value, (batch,)) for value in (self.mu, self.sigma))
        return DrawnLevels(None, mu, sigma, sigma**self.weight_exponent)


class OrnsteinUhlenbeckLevels(NoiseSchedule):
    """k times t_j > 0 of the Ornstein–Uhlenbeck process, drawn with p_j ∝ σ(t_j); w = σ^p.

    The source (arXiv 2502.03435) takes 100 equally spaced times on [0.01, 1].

    Attributes:
        times: t_j.
        noise_scale: λ, with σ² = λ (1 − e^-2t).
        weight_exponent: p: 0 is the semi-empirical risk of arXiv 2502.03435, 2 the noise-prediction loss
            ‖σ s + ξ‖², there for diffusion and in arXiv 2505.17638 (which divides by d: divide the learning
            rate).
    """

    times: Float32[Array, "k"]
    noise_scale: Scalar = eqx.field(converter=_float32)
    weight_exponent: Scalar = eqx.field(converter=_float32)
    _mu: Float32[Array, "k"]
    _sigma: Float32[Array, "k"]
    _cumulative: Float32[Array, "k"]

    @_checks.real_arrays("times")
    def __init__(
        self,
        times: Float[RealArray, "k"],
        noise_scale: Scalar | float = 1.0,
        weight_exponent: Scalar | float = 0.0,
    ):
        _checks.shape("times", times, None)
        if not _checks.is_traced(times):
            _checks.real_numbers("times", times, above=0.0)
        _checks.real_number("noise_scale", noise_scale, above=0.0)
        _checks.real_number("weight_exponent", weight_exponent)
        mu, sigma = ornstein_uhlenbeck(jnp.asarray(times), noise_scale)
        self.times, self._mu, self._sigma = (_float32(value) for value in (times, mu, sigma))
        self._cumulative = jnp.cumsum(self._sigma) / self._sigma.sum()
        self.noise_scale, self.weight_exponent = _float32(noise_scale), _float32(weight_exponent)

    def __call__(self, time: Number) -> NoiseLevel:
        """The level at any time t ≥ 0, trained or not."""
        return ornstein_uhlenbeck(time, self.noise_scale.astype(jnp.result_type(time)))

    def draw(self, key: Key, batch: int) -> DrawnLevels:
        """Levels with p_j ∝ σ_j."""
        if self.times.size == 1:
            level = jnp.zeros(batch, jnp.int32)
        else:
            uniform = jax.random.uniform(key, (batch,), jnp.float32)
            level = jnp.searchsorted(self._cumulative, uniform, side="right", method="scan_unrolled")
            level = jnp.minimum(level, self.times.size - 1)  # rounding may leave the last sum under 1
        sigma = self._sigma[level]
        return DrawnLevels(self.times[level], self._mu[level], sigma, sigma**self.weight_exponent)


class BetaChain(NoiseSchedule):
    """The chain of T steps with β_k linear from `first` to `last`; time is the index k, from 0 to T; w = σ².

    x_k = √(1 − β_k) x_{k−1} + √β_k z, so that μ_k² = ᾱ_k = Π_{j ≤ k} (1 − β_j) and σ_k² = 1 − ᾱ_k; between
    whole k log ᾱ is linear. Trained at k uniform on 1 … T. ᾱ_T is the signal left where sampling starts:
    4e-5 at the source's T = 1,000 (Ho, Jain & Abbeel 2020, arXiv 2006.11239), 0.13 at T = 200 with its β.

    Attributes:
        steps: T.
        first: β_1.
        last: β_T.
    """

    steps: int = eqx.field(static=True, default=1000)
    first: float = eqx.field(static=True, default=1e-4)
    last: float = eqx.field(static=True, default=0.02)

    def __check_init__(self) -> None:
        _checks.positive_integer("steps", self.steps)
        _checks.real_number("first", self.first, above=0.0, most=self.last)
        _checks.real_number("last", self.last, above=0.0, below=1.0)

    def __call__(self, time: Number) -> NoiseLevel:
        """The level after `time` steps."""
        time = jnp.asarray(time)
        dtype = jnp.result_type(time, jnp.float32)
        return _level(
            jnp.interp(time.astype(dtype), jnp.arange(self.steps + 1, dtype=dtype), self._log(dtype))
        )

    def draw(self, key: Key, batch: int) -> DrawnLevels:
        """Levels of k uniform on 1 … T."""
        index = jax.random.randint(key, (batch,), 1, self.steps + 1)
        mu, sigma = (level[index] for level in _level(self._log(jnp.float32)))
        return DrawnLevels(index.astype(jnp.float32), mu, sigma, sigma**2)

    def _log(self, dtype: Any) -> Float[Array, "levels"]:
        """Log ᾱ_k from k = 0 on."""
        beta = jnp.linspace(self.first, self.last, self.steps, dtype=dtype)
        return jnp.concatenate([jnp.zeros(1, dtype), jnp.cumsum(jnp.log1p(-beta))])


def _level(log_alpha: Float[Array, "..."]) -> NoiseLevel:
    """μ² = ᾱ and σ² = 1 − ᾱ, without losing the digits of a small σ."""
    return NoiseLevel(jnp.exp(log_alpha / 2), jnp.sqrt(-jnp.expm1(log_alpha)))


class StraightPath(NoiseSchedule):
    """The path of rectified flow, x_t = (1 − t) x + t ξ; w = (σ/μ)², which is the loss ‖v − (ξ − x)‖².

    Trained at t uniform from `first` to `last`. At t = 1 nothing is left of x and no score says where it was:
    the path ends just before. Liu, Gong & Liu 2023, arXiv 2209.03003.
    """

    first: float = eqx.field(static=True, default=1e-3)
    last: float = eqx.field(static=True, default=1 - 1e-3)

    def __check_init__(self) -> None:
        _checks.real_number("last", self.last, above=0.0, below=1.0)
        _checks.real_number("first", self.first, above=0.0, below=self.last)

    def __call__(self, time: Number) -> NoiseLevel:
        """μ = 1 − t, σ = t."""
        return NoiseLevel(1 - jnp.asarray(time), jnp.asarray(time))

    def draw(self, key: Key, batch: int) -> DrawnLevels:
        """Levels of t uniform."""
        time = jax.random.uniform(key, (batch,), jnp.float32, self.first, self.last)
        return DrawnLevels(time, 1 - time, time, (time / (1 - time)) ** 2)


class UniformNoise(NoiseSchedule):
    """Noise σ uniform from `least` to `most` on the data as they are, μ = 1; time is σ; w = σ⁴: ‖f − x‖².

    The setting of blind denoisers (Kadkhodaie et al. 2024, arXiv 2310.02557: pixels in [0, 1], σ from 0 to
    1).
    """

    least: float = eqx.field(static=True, default=0.0)
    most: float = eqx.field(static=True, default=1.0)

    def __check_init__(self) -> None:
        _checks.real_number("most", self.most, above=0.0)
        _checks.real_number("least", self.least, least=0.0, below=self.most)

    def __call__(self, time: Number) -> NoiseLevel:
        """μ = 1, σ = t."""
        sigma = jnp.asarray(time)
        return NoiseLevel(jnp.ones_like(sigma, jnp.result_type(sigma, jnp.float32)), sigma)

    def draw(self, key: Key, batch: int) -> DrawnLevels:
        """Levels of σ uniform, never 0."""
        uniform = 1 - jax.random.uniform(key, (batch,), jnp.float32)
        sigma = self.least + (self.most - self.least) * uniform
        return DrawnLevels(sigma, jnp.ones_like(sigma), sigma, sigma**4)
