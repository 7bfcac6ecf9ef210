"""Scores by what their network predicts of x_t = μ x_0 + σ ξ: the noise, the data, or the velocity.

The schedule that a prediction is made with is any callable time → (μ, σ); it is not trained.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmem._typing import Scalar
from jaxmem.noising import NoiseLevel, ornstein_uhlenbeck
from jaxmem.scores.score_model import scores_at


class _Prediction(eqx.Module):
    """A score (t, x) → s by way of a network (t, x) → what it predicts."""

    network: Any
    schedule: Callable[[Any], NoiseLevel] = ornstein_uhlenbeck

    @abstractmethod
    def _score(self, predicted: Array, x: Array, mu: Array, sigma: Array) -> Array:
        """The score from what the network predicts."""

    def __call__(self, time: Scalar, x: Float[Array, "d"]) -> Float[Array, "d"]:
        """The score at one point."""
        return self._score(self.network(time, x), x, *self._level(time))

    def on_batch(self, time: Float[Array, "b"], x: Float[Array, "b d"]) -> Float[Array, "b d"]:
        """The scores at a batch of points."""
        mu, sigma = (value[:, None] for value in self._level(time))
        return self._score(scores_at(self.network, x, time), x, mu, sigma)

    def _level(self, time: Float[Array, "..."]) -> NoiseLevel:
        return NoiseLevel(*(value.astype(jnp.result_type(time)) for value in self.schedule(time)))


class NoisePrediction(_Prediction):
    """The score −r(t, x)/σ(t) of a network r that predicts the noise ξ.

    With the weight σ² its denoising loss is ‖r − ξ‖².
    """

    def _score(self, predicted: Array, x: Array, mu: Array, sigma: Array) -> Array:
        return -predicted / sigma


class DataPrediction(_Prediction):
    """The score (μ f(t, x) − x)/σ² of a network f that predicts the data x_0 (Tweedie's formula).

    With the weight σ⁴/μ² its denoising loss is ‖f − x_0‖².
    """

    def _score(self, predicted: Array, x: Array, mu: Array, sigma: Array) -> Array:
        return (mu * predicted - x) / sigma**2


class VelocityPrediction(_Prediction):
    """The score −(x + μ v(t, x))/σ of a network v that predicts dx_t/dt = ξ − x_0 on the straight path.

    Give it `schedule=StraightPath()`, whose weight (σ/μ)² makes its denoising loss ‖v − (ξ − x_0)‖².
    """

    def _score(self, predicted: Array, x: Array, mu: Array, sigma: Array) -> Array:
        return -(x + mu * predicted) / sigma
