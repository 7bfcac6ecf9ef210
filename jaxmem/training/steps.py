"""The step loop: one replicate, pure, compiled once for any number of steps; vmap makes it a batch."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import PyTree

from jaxmem import _checks
from jaxmem._typing import Integer
from jaxmem.scores.score_model import partition_trainable
from jaxmem.training.problem import Training
from jaxmem.training.state import TrainingState
from jaxmem.training.step_keys import StepKeys

Observe = Callable[[TrainingState], PyTree]
"""What is kept of a state at a snapshot."""


class Trajectory(NamedTuple):
    """The last state, and what was observed at each snapshot, along a new axis."""

    state: TrainingState
    observations: PyTree


def trained_arrays(state: TrainingState) -> PyTree:
    """The trained arrays of the model: the default observation."""
    return partition_trainable(state.model)[0]


def log_spaced_steps(last: int, snapshots: int, *, first: int = 1) -> tuple[int, ...]:
    """At most `snapshots` different whole numbers from `first` to `last`, in about geometric progression."""
    _checks.positive_integer("first", first)
    _checks.positive_integer("last", last, least=first)
    _checks.positive_integer("snapshots", snapshots)
    numbers = np.unique(np.rint(np.geomspace(first, last, snapshots)).astype(int))
    return tuple(map(int, numbers)) if snapshots > 1 else (last,)


def train_step(problem: Training, state: TrainingState) -> TrainingState:
    """One step: minibatch loss, gradient, update, average. A diverged replicate goes on as NaN, alone."""
    trained, rest = partition_trainable(state.model)
    keys = StepKeys(state.key, state.step)

    def loss_of(trained: PyTree) -> jax.Array:
        return problem.objective(eqx.combine(trained, rest), keys)

    loss, gradient = jax.value_and_grad(loss_of)(trained)
    gradient = jax.tree.map(lambda slope, leaf: slope + 2 * problem.ridge * leaf, gradient, trained)
    optimiser = problem.optimiser(problem.learning_rate)
    updates, optimiser_state = optimiser.update(gradient, state.optimiser_state, trained)
    trained = optax.apply_updates(trained, updates)
    average = state.average
    keep = problem.average_decay
    if keep is not None:
        average = jax.tree.map(lambda old, new: keep * old + (1 - keep) * new, average, trained)
    first = (state.diverged_at < 0) & ~jnp.isfinite(loss)
    return TrainingState(
        model=eqx.combine(trained, rest),
        average=average,
        optimiser_state=optimiser_state,
        step=state.step + 1,
        loss=loss.astype(jnp.float32),
        diverged_at=jnp.where(first, state.step, state.diverged_at),
        key=state.key,
    )


def advance(problem: Training, state: TrainingState, steps: Integer) -> TrainingState:
    """Take `steps` steps, traced or not: step k is the same however the steps are divided into calls.

    Under vmap leave `steps` unbatched: with a batched number all replicates run as long as the longest.
    """
    arrays, static = eqx.partition(state, eqx.is_array)

    def body(_: jax.Array, arrays: PyTree) -> PyTree:
        new = eqx.filter(train_step(problem, eqx.combine(arrays, static)), eqx.is_array)
        # An optimiser may widen its state where the caller has 64-bit types on.
        return jax.tree.map(lambda leaf, old: leaf.astype(old.dtype), new, arrays)

    arrays = jax.lax.fori_loop(0, jnp.asarray(steps, jnp.int32), body, arrays)
    return eqx.combine(arrays, static)


def train_trajectory(
    problem: Training,
    state: TrainingState,
    steps: Sequence[int],
    observe: Observe = trained_arrays,
) -> Trajectory:
    """Train one replicate from step 0 and observe it after each of `steps` (increasing, 0 allowed).

    One compilation of the step whatever the snapshots are: a scan over segments, each a loop of its own
    length. Call it under jit and vmap; for runs that take hours see `train`.
    """
    lengths = segment_lengths(steps)
    arrays, static = eqx.partition(state, eqx.is_array)

    def segment(arrays: PyTree, length: jax.Array) -> tuple[PyTree, PyTree]:
        state = advance(problem, eqx.combine(arrays, static), length)
        return eqx.filter(state, eqx.is_array), observe(state)

    arrays, observations = jax.lax.scan(segment, arrays, jnp.asarray(lengths, jnp.int32))
    return Trajectory(eqx.combine(arrays, static), observations)


def segment_lengths(steps: Sequence[int]) -> np.ndarray:
    """How many steps lead from each snapshot to the next."""
    _checks.increasing("steps", steps)
    _checks.positive_integer("steps", steps[0], least=0)
    return np.diff([0, *steps])


def advance_batch(
    problem: Training, state: TrainingState, steps: Integer, *, width: int | None = None
) -> TrainingState:
    """`advance` for a batch: every array of `problem` and `state` has a leading axis of replicates.

    Replicates are vectorised `width` at a time, all by default. On a CPU a width whose activations fit the
    cache keeps the time per replicate from growing with the batch.
    """
    replicates = len(state.step)
    chunks = 1 if width is None else -(-replicates // width)
    together = -(-replicates // chunks)
    order = jnp.arange(chunks * together) % replicates  # the last chunk is filled up: one program, not two
    (problem_arrays, state_arrays), static = eqx.partition((problem, state), eqx.is_array)

    def one(arrays: PyTree) -> PyTree:
        problem, state = eqx.combine(arrays, static)
        return eqx.filter(advance(problem, state, steps), eqx.is_array)

    if chunks == 1:
        return eqx.combine(jax.vmap(one)((problem_arrays, state_arrays)), static[1])
    cut = jax.tree.map(
        lambda leaf: leaf[order].reshape(chunks, together, *leaf.shape[1:]), (problem_arrays, state_arrays)
    )
    done = jax.lax.map(jax.vmap(one), cut)
    joined = jax.tree.map(lambda leaf: leaf.reshape(chunks * together, *leaf.shape[2:])[:replicates], done)
    return eqx.combine(joined, static[1])
