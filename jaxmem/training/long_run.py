"""Runs that take minutes to days: progress, a store, and resuming to the same bits."""

import hashlib
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree
from tqdm import tqdm

from jaxmem import _checks
from jaxmem.checkpoints import digest_of_numbers, digest_of_program, load_tree, save_tree
from jaxmem.training.observations import observations_in_memory, observations_in_store
from jaxmem.training.problem import Training
from jaxmem.training.state import TrainingState
from jaxmem.training.steps import Observe, Trajectory, advance_batch, segment_lengths, trained_arrays


def train(
    problem: Training,
    state: TrainingState,
    steps: Sequence[int],
    *,
    observe: Observe = trained_arrays,
    store: str | os.PathLike[str] | None = None,
    steps_per_call: int = 10_000,
    width: int | None = None,
    progress: bool = True,
) -> Trajectory:
    """Train a batch of replicates from step 0 and observe it after each of `steps`.

    Stopped at any moment and called again with the same arguments, it continues from `store` and returns bit
    for bit what an uninterrupted call returns.

    Args:
        problem: every array with a leading axis of replicates, say from `eqx.filter_vmap`.
        state: likewise, before the first step; it is left as it is.
        steps: snapshots, increasing, 0 allowed; the last one ends the run.
        observe: one replicate's state → arrays to keep of it; the trained arrays by default.
        store: a directory for the last state, saved after every call, and for the observations, which are
            written as they are made and never gathered in memory; none by default.
        steps_per_call: steps between saves and between updates of the progress bar.
        width: replicates vectorised together, see `advance_batch`.
        progress: whether to show a bar on standard error.

    Returns:
        The last state and the observations, with axes (replicate, snapshot, ...): NumPy arrays, or the Zarr
        arrays in `store`/observations, which are read where they are indexed.

    Raises:
        ValueError: if `store` is of another run.

    One compilation of the step loop for all snapshots. Memory: the state twice, and one snapshot's
    observations, or all of them without a store.
    """
    segment_lengths(steps)
    _checks.positive_integer("steps_per_call", steps_per_call)
    shapes = eqx.filter_eval_shape(eqx.filter_vmap(observe), state)
    header = f"jaxmem training {_fingerprint(problem, state, steps, observe)}"
    state = jax.tree.map(lambda leaf: jnp.copy(leaf) if eqx.is_array(leaf) else leaf, state)  # donated below
    if store is None:
        last, kept = None, observations_in_memory(shapes, len(steps))
    else:
        last = Path(store) / "state.eqx"
        if resume := last.exists():
            state = load_tree(last, state, header)
        last.parent.mkdir(parents=True, exist_ok=True)
        kept = observations_in_store(last.with_name("observations"), shapes, steps, resume=resume)
    step = int(state.step[0])
    bar = tqdm(
        total=steps[-1], initial=step, unit="step", unit_scale=True, file=sys.stderr, disable=not progress
    )
    with bar:
        for snapshot, target in enumerate(steps):
            if target < step:
                continue
            while step < target:
                ahead = min(steps_per_call, target - step)
                state = _advance(problem, state, jnp.int32(ahead), width)
                step += ahead
                if last is not None and step < target:
                    save_tree(last, state, header)
                bar.update(ahead)
                bar.set_postfix(diverged=int((state.diverged_at >= 0).sum()), refresh=False)
            for array, value in zip(
                jax.tree.leaves(kept), jax.tree.leaves(_observe(observe, state)), strict=True
            ):
                array[:, snapshot] = value
            if last is not None:
                save_tree(last, state, header)  # after the observations: a run killed here makes them again
    return Trajectory(state, kept)


@eqx.filter_jit(donate="all-except-first")
def _advance(problem: Training, state: TrainingState, steps: Array, width: int | None) -> TrainingState:
    return advance_batch(problem, state, steps, width=width)


@eqx.filter_jit
def _observe(observe: Observe, state: TrainingState) -> PyTree:
    return eqx.filter_vmap(observe)(state)


def _fingerprint(problem: Training, state: TrainingState, steps: Sequence[int], observe: Observe) -> str:
    """A digest of all that decides the result: numbers, snapshots, the programs of a step and of a look."""
    one_step = partial(advance_batch, steps=jnp.int32(1))
    parts = [
        repr([int(step) for step in steps]),
        digest_of_numbers((problem, state)),
        digest_of_program(one_step, problem, state),
        digest_of_program(eqx.filter_vmap(observe), state),
    ]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()
