"""Whether a model can be trained as a score: told before anything is compiled."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from jaxmem.scores.score_model import scores_at

POINTS = 5
"""Points that a model is tried on, by shapes alone; not 1, which would hide a missing axis."""

STATEFUL = (eqx.nn.BatchNorm, eqx.nn.SpectralNorm, eqx.nn.StateIndex)


def refuse_untrainable(model: Any, dim: int, *, time_input: bool, outputs: int | None = None) -> None:
    """Refuse a model that is no deterministic real map of points (d,), or (t, (d,)), to (outputs,) or (d,).

    Raises:
        ValueError: its weights are complex, it draws random numbers or keeps statistics, or its output has
            another shape, which would broadcast against the target.
    """
    refuse_random_or_stateful(model)
    outputs = dim if outputs is None else outputs
    points = jax.ShapeDtypeStruct((POINTS, dim), jnp.float32)
    times = jax.ShapeDtypeStruct((POINTS,), jnp.float32) if time_input else None
    out = eqx.filter_eval_shape(scores_at, model, points, times)
    if out.shape != (POINTS, outputs) or not jnp.issubdtype(out.dtype, jnp.floating):
        raise ValueError(
            f"model must map a point ({dim},) to ({outputs},) real numbers, got {out.shape[1:]} of "
            f"{out.dtype}."
        )


def refuse_random_or_stateful(model: Any) -> None:
    """Refuse complex weights, random numbers and statistics of batches.

    Raises:
        ValueError: the model has any of them.
    """
    for leaf in jax.tree.leaves(eqx.filter(model, eqx.is_array)):
        if jnp.issubdtype(leaf.dtype, jnp.complexfloating):
            raise ValueError(f"model must have real weights, got an array of {leaf.dtype}: part them in two.")
    parts = jax.tree.leaves(model, is_leaf=lambda node: isinstance(node, (eqx.nn.Dropout, *STATEFUL)))
    for part in parts:
        if isinstance(part, eqx.nn.Dropout) and not part.inference and part.p > 0:
            raise ValueError(
                f"model must be a function of its inputs alone, got Dropout({part.p:g}): "
                "make it inference=True."
            )
        if isinstance(part, STATEFUL):
            raise ValueError(
                f"model must be a function of its inputs alone, got {type(part).__name__}, which keeps a "
                "state; take GroupNorm or LayerNorm."
            )
