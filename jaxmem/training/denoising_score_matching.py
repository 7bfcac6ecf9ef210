"""The objective of diffusion models: denoising score matching.

    L(θ) = E_{i, t, ξ} w(t) ‖s_θ(t, y) + ξ/σ(t)‖²,    y = μ(t) x_i + σ(t) ξ,

with i uniform over the n samples, and t and w of a noise schedule (`jaxmem.noising.schedules`), by which it
is also the loss of a network that predicts the noise, the data or the velocity.

Source: Vincent 2011, Neural Computation 23, 1661.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float32, Int

from jaxmem import _checks
from jaxmem._typing import Scalar
from jaxmem.noising import DrawnLevels, NoiseSchedule, add_noise
from jaxmem.scores.score_model import scores_at
from jaxmem.training.minibatches import as_count, as_float32, check_rows, draw_rows, rows_that_count
from jaxmem.training.step_keys import StepKeys
from jaxmem.training.trainable import refuse_untrainable


class NoisedPoints(NamedTuple):
    """Samples x, their noise ξ and what is seen of them, with their levels; `weight` sums to 1."""

    x: Float32[Array, "b d"]
    y: Float32[Array, "b d"]
    normal: Float32[Array, "b d"]
    levels: DrawnLevels
    weight: Float32[Array, "b"]


class DenoisingScoreMatching(eqx.Module):
    """(model, keys of a step) → loss of its minibatch, for models of (t, y), or of y at a single level.

    Its arrays may be traced, so vmap makes a batch of objectives.

    Attributes:
        data: (n, d), or (capacity, d) with rows from `count` on ignored.
        schedule: the noise levels, their distribution and their weight.
        batch_size: pairs (sample, noise) a step, drawn with replacement; None for all of them, every step.
            Gradient noise matters: at η = 0.5, σ = 0.31 the network of arXiv 2502.03435 loses all its neurons
            or diverges with 50 pairs a step, and trains with 1,000, which is 50 for each of its 20 samples.
        noise: fixed normals (draws, n, d), so that each sample has `draws` noisy copies; None for fresh
            noise in every step.
        count: how many rows of `data` are samples, traced or not; None for all.
    """

    data: Float32[Array, "n d"] = eqx.field(converter=as_float32)
    schedule: NoiseSchedule
    batch_size: int | None = eqx.field(static=True)
    noise: Float32[Array, "draws n d"] | None = eqx.field(converter=as_float32, default=None)
    count: Int[Array, ""] | None = eqx.field(converter=as_count, default=None)

    def __check_init__(self) -> None:
        check_rows(self.data, self.batch_size, self.count)
        if self.noise is not None:
            _checks.shape("noise", self.noise, None, *self.data.shape)

    def minibatch(self, keys: StepKeys) -> NoisedPoints:
        """The points of a step; they depend on the number of samples, never on padding."""
        draws = 1 if self.noise is None else self.noise.shape[0]
        drawn = draw_rows(keys.of("sample"), self.batch_size, self.data.shape[0], self.count, draws)
        x = rows_that_count(self.data, drawn)
        if self.noise is None:
            normal = jax.random.normal(keys.of("normal"), x.shape, jnp.float32)
        else:
            normal = self.noise[drawn.copy, drawn.row]
        levels = self.schedule.draw(keys.of("level"), len(x))
        y = add_noise(x, normal, levels.mu[:, None], levels.sigma[:, None])
        return NoisedPoints(x, y, normal, levels, drawn.weight)

    def __call__(self, model: Any, keys: StepKeys) -> Scalar:
        """Σ_b weight_b w_b ‖s(t_b, y_b) + ξ_b/σ_b‖²."""
        batch = self.minibatch(keys)
        levels = batch.levels
        residual = scores_at(model, batch.y, levels.times) + batch.normal / levels.sigma[:, None]
        return ((batch.weight * levels.weight)[:, None] * residual**2).sum()

    def refuse(self, model: Any) -> None:
        """Refuse a model that is no score of these data."""
        levels = jax.eval_shape(lambda: self.schedule.draw(jax.random.key(0), 1))
        refuse_untrainable(model, self.data.shape[1], time_input=levels.times is not None)
