"""Denoising score matching of one replicate: its data, its numbers, its minibatches and its loss.

    L(θ) = E_{i, j, ξ} σ_j^p ‖s_θ(t_j, y) + ξ/σ_j‖² + ρ ‖θ‖²,    y = μ_j x_i + σ_j ξ,

with i uniform over the n samples and j over the noise levels. p = 0 is the semi-empirical risk of arXiv
2502.03435; p = 2 is the noise-prediction loss ‖σ s + ξ‖², there for diffusion and in arXiv 2505.17638 (which
divides by d: divide the learning rate).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float32, Int, Int32

from jaxmem import _checks
from jaxmem._typing import Key, Scalar
from jaxmem.noising import add_noise
from jaxmem.numerics.randomness import stream
from jaxmem.scores.score_model import scores_at
from jaxmem.training.noise_levels import NoiseLevels


def _float32(value: Any) -> Any:
    return None if value is None else jnp.asarray(value, jnp.float32)


class ScoreMatching(eqx.Module):
    """One replicate's training problem. Its arrays may be traced, so vmap makes a batch of problems.

    Attributes:
        data: (n, d), or (capacity, d) with rows from `count` on ignored.
        levels: the noise levels.
        learning_rate: η, handed to `optimiser`. A mean-field network of width m takes m·η.
        batch_size: pairs (sample, noise) a step, drawn with replacement; None for all of them, every step.
            Gradient noise matters: at η = 0.5, σ = 0.31 the network of the source loses all its neurons or
            diverges with 50 pairs a step, and trains with 1,000, which is 50 for each of its 20 samples.
        noise: fixed normals (draws, n, d), so that each sample has `draws` noisy copies; None for fresh
            noise in every step.
        ridge: ρ ≥ 0, on the sum of squares of all trained parameters.
        weight_exponent: p.
        average_decay: the moving average of the parameters keeps this share of itself in a step, from 0 to
            1; None for no average.
        count: how many rows of `data` are samples, traced or not; None for all.
        optimiser: learning rate → optax transformation: `optax.sgd`, `optax.adam`, or a function of one's
            own with further settings or a schedule.
    """

    data: Float32[Array, "n d"] = eqx.field(converter=_float32)
    levels: NoiseLevels
    learning_rate: Scalar = eqx.field(converter=_float32)
    batch_size: int | None = eqx.field(static=True)
    noise: Float32[Array, "draws n d"] | None = eqx.field(converter=_float32, default=None)
    ridge: Scalar = eqx.field(converter=_float32, default=0.0)
    weight_exponent: Scalar = eqx.field(converter=_float32, default=0.0)
    average_decay: Scalar | None = eqx.field(converter=_float32, default=None)
    count: Int[Array, ""] | None = eqx.field(
        converter=lambda count: None if count is None else jnp.asarray(count, jnp.int32), default=None
    )
    optimiser: Callable[[Any], optax.GradientTransformation] = eqx.field(static=True, default=optax.sgd)

    def __check_init__(self) -> None:
        capacity, dim = self.data.shape
        if self.count is None:
            _checks.samples("data", self.data)
        _checks.row_count(self.count, capacity)
        if self.noise is not None:
            _checks.shape("noise", self.noise, None, capacity, dim)
        if self.batch_size is not None:
            _checks.positive_integer("batch_size", self.batch_size)
        _checks.real_number("learning_rate", self.learning_rate, least=0.0)
        _checks.real_number("ridge", self.ridge, least=0.0)
        if self.average_decay is not None:
            _checks.real_number("average_decay", self.average_decay, least=0.0, most=1.0)


class StepKeys(NamedTuple):
    """One stream per kind of draw; step k folds its number in, so that any step can be drawn on its own."""

    sample: Key
    normal: Key
    level: Key

    @classmethod
    def of(cls, key: Key) -> "StepKeys":
        """The streams of a replicate's key."""
        return cls(*(stream(key, f"training {name}") for name in cls._fields))

    def at(self, step: Int32[Array, ""]) -> "StepKeys":
        """The keys of one step."""
        return StepKeys(*(jax.random.fold_in(key, step) for key in self))


class Minibatch(NamedTuple):
    """Noised points with what the loss needs of them; `weight` sums to 1."""

    y: Float32[Array, "b d"]
    times: Float32[Array, "b"] | None
    normal: Float32[Array, "b d"]
    sigma: Float32[Array, "b"]
    weight: Float32[Array, "b"]


def draw_minibatch(problem: ScoreMatching, keys: StepKeys) -> Minibatch:
    """The minibatch of a step; it depends on the number of samples, never on padding."""
    capacity, dim = problem.data.shape
    count = jnp.asarray(capacity if problem.count is None else problem.count, jnp.int32)
    draws = 1 if problem.noise is None else problem.noise.shape[0]
    if problem.batch_size is None:
        pair = jnp.arange(draws * capacity)
        sample, draw = pair % capacity, pair // capacity
        weight = jnp.where(sample < count, 1 / (draws * count.astype(jnp.float32)), 0)
    else:
        pair = uniform_index(keys.sample, problem.batch_size, draws * count)
        sample, draw = pair % count, pair // count
        weight = jnp.full(problem.batch_size, 1 / problem.batch_size, jnp.float32)
    if problem.noise is None:
        normal = jax.random.normal(keys.normal, (sample.size, dim), jnp.float32)
    else:
        normal = problem.noise[draw, sample]
    x = jnp.where(weight[:, None] > 0, problem.data[sample], 0)
    levels = problem.levels.draw(keys.level, sample.size)
    y = add_noise(x, normal, levels.mu[:, None], levels.sigma[:, None])
    return Minibatch(y, levels.times, normal, levels.sigma, weight)


def denoising_loss(model: Any, batch: Minibatch, weight_exponent: Scalar) -> Scalar:
    """Σ_b weight_b σ_b^p ‖s(y_b) + ξ_b/σ_b‖²."""
    residual = scores_at(model, batch.y, batch.times) + batch.normal / batch.sigma[:, None]
    weight = batch.weight * batch.sigma**weight_exponent
    return (weight[:, None] * residual**2).sum()


def uniform_index(key: Key, batch: int, count: Int32[Array, ""]) -> Int32[Array, "{batch}"]:
    """Uniform on 0..count − 1: the high 32 bits of count times 32 random bits, by halves of 16 bits.

    The largest bias is count/2³². A remainder would cost an integer division, which is not vectorised.
    """
    bits = jax.random.bits(key, (batch,), jnp.uint32)
    number = count.astype(jnp.uint32)
    low, high = bits & 0xFFFF, bits >> 16
    number_low, number_high = number & 0xFFFF, number >> 16
    middle = high * number_low + (low * number_low >> 16)
    carry = (low * number_high + (middle & 0xFFFF)) >> 16
    return (high * number_high + (middle >> 16) + carry).astype(jnp.int32)
