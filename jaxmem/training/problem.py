"""What is trained and how: an objective, and everything around it that is not the objective's."""

from collections.abc import Callable
from typing import Any, TypeAlias

import equinox as eqx
import optax

from jaxmem import _checks
from jaxmem._typing import Scalar
from jaxmem.training.minibatches import as_float32
from jaxmem.training.step_keys import StepKeys

Objective: TypeAlias = Callable[[Any, StepKeys], Any]
"""(model, keys of a step) → loss of the step's minibatch, a real number to be differentiated.

A function, or an equinox module whose arrays vmap can batch. A module may have a method `refuse(model)` that
raises ValueError for a model that it cannot train.
"""


class Training(eqx.Module):
    """One replicate's training problem. Its arrays may be traced, so vmap makes a batch of problems.

    Attributes:
        objective: `DenoisingScoreMatching`, `BlindDenoising`, `Regression`, or a function of one's own,
            (model, `StepKeys`) → loss.
        learning_rate: η, handed to `optimiser`. A mean-field network of width m takes m·η.
        optimiser: learning rate → optax transformation: `optax.sgd`, `optax.adam`, or a function of one's
            own with clipping, further settings or a schedule of the learning rate.
        ridge: ρ ≥ 0, on the sum of squares of all trained parameters, added to the objective.
        average_decay: the moving average of the parameters keeps this share of itself in a step, from 0 to
            1; None for no average.
    """

    objective: Any
    learning_rate: Scalar = eqx.field(converter=as_float32)
    optimiser: Callable[[Any], optax.GradientTransformation] = eqx.field(static=True, default=optax.sgd)
    ridge: Scalar = eqx.field(converter=as_float32, default=0.0)
    average_decay: Scalar | None = eqx.field(converter=as_float32, default=None)

    def __check_init__(self) -> None:
        if not callable(self.objective):
            raise ValueError(f"objective must be a function (model, keys) to loss, got {self.objective!r}.")
        _checks.real_number("learning_rate", self.learning_rate, least=0.0)
        _checks.real_number("ridge", self.ridge, least=0.0)
        if self.average_decay is not None:
            _checks.real_number("average_decay", self.average_decay, least=0.0, most=1.0)
