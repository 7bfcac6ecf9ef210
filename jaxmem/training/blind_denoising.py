"""The objective of blind denoisers: the clean data from noised ones, the noise level not given.

    L(θ) = E_{i, σ, ξ} ‖f_θ(y) − x_i‖²,    y = μ x_i + σ ξ,

whose minimum is E[x | y] over samples and levels: for Gaussian data the Wiener filters of all levels,
weighted by their posterior given y (`jaxmem.theory.wiener`).

Source: Kadkhodaie, Guth, Simoncelli & Mallat, ICLR 2024, arXiv 2310.02557 (μ = 1, σ uniform on [0, 1]).
"""

from typing import Any

import equinox as eqx
from jaxtyping import Array, Float32, Int

from jaxmem._typing import Scalar
from jaxmem.noising import NoiseSchedule, UniformNoise
from jaxmem.scores.score_model import scores_at
from jaxmem.training.denoising_score_matching import DenoisingScoreMatching, NoisedPoints
from jaxmem.training.minibatches import as_count, as_float32, check_rows
from jaxmem.training.step_keys import StepKeys
from jaxmem.training.trainable import refuse_untrainable


class BlindDenoising(eqx.Module):
    """(model, keys of a step) → loss of its minibatch, for models y → x of noised points alone.

    Attributes:
        data: (n, d), or (capacity, d) with rows from `count` on ignored.
        batch_size: pairs (sample, noise) a step, drawn with replacement, each with a level of its own; None
            for every sample once.
        schedule: the noise levels and their distribution; its weight is not used.
        count: how many rows of `data` are samples, traced or not; None for all.
    """

    data: Float32[Array, "n d"] = eqx.field(converter=as_float32)
    batch_size: int | None = eqx.field(static=True)
    schedule: NoiseSchedule = eqx.field(default_factory=UniformNoise)
    count: Int[Array, ""] | None = eqx.field(converter=as_count, default=None)

    def __check_init__(self) -> None:
        check_rows(self.data, self.batch_size, self.count)

    def minibatch(self, keys: StepKeys) -> NoisedPoints:
        """The points of a step: those that score matching draws from the same keys."""
        matching = DenoisingScoreMatching(self.data, self.schedule, self.batch_size, count=self.count)
        return matching.minibatch(keys)

    def __call__(self, model: Any, keys: StepKeys) -> Scalar:
        """Σ_b weight_b ‖f(y_b) − x_b‖²."""
        batch = self.minibatch(keys)
        return (batch.weight[:, None] * (scores_at(model, batch.y) - batch.x) ** 2).sum()

    def refuse(self, model: Any) -> None:
        """Refuse a model that is no map of points of these data."""
        refuse_untrainable(model, self.data.shape[1], time_input=False)
