"""The state of a training run, and its file."""

from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float32, Int32, PyTree

from jaxmem._typing import Key
from jaxmem.checkpoints import load_tree, save_tree
from jaxmem.scores.score_model import partition_trainable
from jaxmem.training.problem import Training
from jaxmem.training.step_keys import StepKeys
from jaxmem.training.trainable import refuse_random_or_stateful

NEVER = -1
"""`diverged_at` of a run that has not diverged."""


class TrainingState(eqx.Module):
    """All that the next step depends on, beside the problem.

    Attributes:
        model: the score model.
        average: the moving average of its trained arrays, or None.
        optimiser_state: of optax.
        step: how many steps have been taken.
        loss: of the last minibatch; NaN before the first step.
        diverged_at: the first step whose minibatch loss was not finite, −1 if none was.
        key: of every draw; never changed, step k folds k in.
    """

    model: Any
    average: PyTree
    optimiser_state: PyTree
    step: Int32[Array, ""]
    loss: Float32[Array, ""]
    diverged_at: Int32[Array, ""]
    key: Key


def start_training(problem: Training, key: Key, model: Any) -> TrainingState:
    """The state before the first step; `key` is of minibatches and noise, not of the model.

    Raises:
        ValueError: the model is random or keeps a state, or is not what the objective trains.
    """
    refuse_random_or_stateful(model)
    if hasattr(problem.objective, "refuse"):
        problem.objective.refuse(model)
    _refuse_no_loss(problem, model, key)
    trained, _ = partition_trainable(model)
    return TrainingState(
        model=model,
        average=None if problem.average_decay is None else trained,
        optimiser_state=problem.optimiser(problem.learning_rate).init(trained),
        step=jnp.zeros((), jnp.int32),
        loss=jnp.full((), jnp.nan, jnp.float32),
        diverged_at=jnp.full((), NEVER, jnp.int32),
        key=key,
    )


def _refuse_no_loss(problem: Training, model: Any, key: Key) -> None:
    """Refuse an objective that does not return one real number, by its shape alone."""
    keys = StepKeys(key, jnp.zeros((), jnp.int32))
    loss = eqx.filter_eval_shape(problem.objective, model, keys)
    if getattr(loss, "shape", None) != () or not jnp.issubdtype(loss.dtype, jnp.floating):
        raise ValueError(f"objective must return one real number, got {loss}.")


def averaged_model(state: TrainingState) -> Any:
    """The model with the moving average of its parameters in place of the last ones."""
    if state.average is None:
        raise ValueError("average_decay must be a number for an averaged model, got None.")
    return eqx.combine(state.average, partition_trainable(state.model)[1])


def save_state(path: str | Path, state: TrainingState) -> None:
    """Write a state, one replicate or a batch, to a file that is replaced whole or not at all."""
    save_tree(path, state, _shapes(state))


def load_state(path: str | Path, like: TrainingState) -> TrainingState:
    """Read a state, bit for bit; `like` is one of the same problem, say the state before the first step."""
    return load_tree(path, like, _shapes(like))


def _shapes(tree: PyTree) -> str:
    return " ".join(f"{leaf.dtype}{list(leaf.shape)}" for leaf in jax.tree.leaves(tree) if eqx.is_array(leaf))
