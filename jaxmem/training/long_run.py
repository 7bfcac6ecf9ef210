"""Runs that take minutes to days: progress, checkpoints, and resuming to the same bits."""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree
from tqdm import tqdm

from jaxmem import _checks
from jaxmem.training.score_matching import ScoreMatching
from jaxmem.training.state import TrainingState, load_tree, save_tree
from jaxmem.training.steps import Observe, Trajectory, advance_batch, segment_lengths, trained_arrays


def train(
    problem: ScoreMatching,
    state: TrainingState,
    steps: Sequence[int],
    *,
    observe: Observe = trained_arrays,
    checkpoint: str | Path | None = None,
    steps_per_call: int = 10_000,
    width: int | None = None,
    progress: bool = True,
) -> Trajectory:
    """Train a batch of replicates from step 0 and observe it after each of `steps`.

    Stopped at any moment and called again with the same arguments, it continues from `checkpoint` and
    returns bit for bit what an uninterrupted call returns.

    Args:
        problem: every array with a leading axis of replicates, say from `eqx.filter_vmap`.
        state: likewise, before the first step; it is left as it is.
        steps: snapshots, increasing, 0 allowed; the last one ends the run.
        observe: one replicate's state → arrays to keep of it; the trained arrays by default.
        checkpoint: a file that holds the state and the observations so far, replaced after every call;
            none by default.
        steps_per_call: steps between checkpoints and between updates of the progress bar.
        width: replicates vectorised together, see `advance_batch`.
        progress: whether to show a bar on standard error.

    Returns:
        The last state and the observations, with axes (replicate, snapshot, ...) as NumPy arrays.

    Raises:
        ValueError: if `checkpoint` is of another run.

    One compilation of the step loop for all snapshots. Memory: the state twice, and the observations.
    """
    segment_lengths(steps)
    _checks.positive_integer("steps_per_call", steps_per_call)
    shapes = eqx.filter_eval_shape(eqx.filter_vmap(observe), state)
    kept = jax.tree.map(lambda s: np.zeros((s.shape[0], len(steps), *s.shape[1:]), s.dtype), shapes)
    header = f"jaxmem training {_fingerprint(problem, state, steps, kept)}"
    state = jax.tree.map(lambda leaf: jnp.copy(leaf) if eqx.is_array(leaf) else leaf, state)  # donated below
    if checkpoint is not None and Path(checkpoint).exists():
        state, kept = load_tree(checkpoint, (state, kept), header)
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
                if checkpoint is not None and step < target:
                    save_tree(checkpoint, (state, kept), header)
                bar.update(ahead)
                bar.set_postfix(diverged=int((state.diverged_at >= 0).sum()), refresh=False)
            for array, value in zip(
                jax.tree.leaves(kept), jax.tree.leaves(_observe(observe, state)), strict=True
            ):
                array[:, snapshot] = value
            if checkpoint is not None:
                save_tree(checkpoint, (state, kept), header)
    return Trajectory(state, kept)


@eqx.filter_jit(donate="all-except-first")
def _advance(problem: ScoreMatching, state: TrainingState, steps: Array, width: int | None) -> TrainingState:
    return advance_batch(problem, state, steps, width=width)


@eqx.filter_jit
def _observe(observe: Observe, state: TrainingState) -> PyTree:
    return eqx.filter_vmap(observe)(state)


def _fingerprint(problem: ScoreMatching, state: TrainingState, steps: Sequence[int], kept: PyTree) -> str:
    """A digest of all numbers that the run starts from, of its snapshots, and of the shapes it keeps."""
    digest = hashlib.sha256(repr([int(step) for step in steps]).encode())
    for leaf in jax.tree.leaves((problem, state)):
        if eqx.is_array(leaf):
            key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
            array = np.asarray(jax.random.key_data(leaf) if key else leaf)
            digest.update(f"{array.dtype}{array.shape}".encode() + array.tobytes())
    digest.update(repr([(array.dtype, array.shape) for array in jax.tree.leaves(kept)]).encode())
    digest.update(repr(problem.batch_size).encode())
    return digest.hexdigest()
