"""The objective of supervised learning: L(θ) = E_i ‖f_θ(x_i) − y_i‖²."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxmem import _checks
from jaxmem._typing import Scalar
from jaxmem.scores.score_model import scores_at
from jaxmem.training.minibatches import as_count, check_rows, draw_rows, rows_that_count
from jaxmem.training.step_keys import StepKeys
from jaxmem.training.trainable import refuse_untrainable


class Regression(eqx.Module):
    """(model, keys of a step) → mean squared error of its minibatch, for models (d,) → (q,).

    Computed in the dtype of the data, float32 or float64.

    Attributes:
        inputs: (n, d), or (capacity, d) with rows from `count` on ignored.
        targets: (n, q) likewise.
        batch_size: pairs a step, drawn with replacement; None for every pair once, which draws nothing.
        count: how many rows are pairs, traced or not; None for all.
    """

    inputs: Float[Array, "n d"]
    targets: Float[Array, "n q"]
    batch_size: int | None = eqx.field(static=True)
    count: Int[Array, ""] | None = eqx.field(converter=as_count)

    def __init__(
        self,
        inputs: Any,
        targets: Any,
        batch_size: int | None = None,
        count: Any = None,
    ):
        self.inputs = jnp.asarray(_checks.real_array("inputs", inputs))
        self.targets = jnp.asarray(_checks.real_array("targets", targets))
        self.batch_size, self.count = batch_size, count

    def __check_init__(self) -> None:
        check_rows(self.inputs, self.batch_size, self.count, name="inputs")
        _checks.shape("targets", self.targets, len(self.inputs), None)
        check_rows(self.targets, self.batch_size, self.count, name="targets")

    def __call__(self, model: Any, keys: StepKeys) -> Scalar:
        """Σ_b weight_b ‖f(x_b) − y_b‖²."""
        drawn = draw_rows(
            keys.of("sample"), self.batch_size, len(self.inputs), self.count, dtype=self.targets.dtype
        )
        x, y = (rows_that_count(rows, drawn) for rows in (self.inputs, self.targets))
        return (drawn.weight[:, None] * (scores_at(model, x) - y) ** 2).sum()

    def refuse(self, model: Any) -> None:
        """Refuse a model that does not map the inputs to the targets."""
        refuse_untrainable(model, self.inputs.shape[1], time_input=False, outputs=self.targets.shape[1])
