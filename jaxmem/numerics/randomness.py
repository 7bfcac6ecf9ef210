"""Named random streams: which numbers a draw may depend on is written where it is drawn.

Invariant: the randomness of a replicate depends only on the seed, the replicate's index and the values of
its grid point, never on chunk size, padding, device count or order. A replicate has one key,
`replicate_key(seed, r)`; every draw inside it comes from `stream(key, name, *values)`, where `values` are
the coordinates that must get independent numbers. Coordinates left out share them: common random numbers.
"""

import zlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxmem import _checks
from jaxmem._typing import Key


def replicate_key(seed: Any, replicate: Any) -> Key:
    """The key of replicate number `replicate` under `seed`, whole numbers from 0 to 2³² − 1.

    Raises:
        ValueError: either is something else, or `jax_threefry_partitionable` is off.
    """
    refuse_old_streams()
    for name, value in {"seed": seed, "replicate": replicate}.items():
        if not _checks.is_traced(value):
            number = value.item() if isinstance(value, Array | np.ndarray) and value.ndim == 0 else value
            _checks.positive_integer(name, number, least=0, most=2**32 - 1)
    return jax.random.fold_in(
        jax.random.key(jnp.asarray(seed, jnp.uint32), impl="threefry2x32"), jnp.asarray(replicate, jnp.uint32)
    )


def refuse_old_streams() -> None:
    """Refuse JAX's older random numbers, of which the first n of a larger draw are not those of a smaller.

    Raises:
        ValueError: `jax_threefry_partitionable` is off, as JAX_THREEFRY_PARTITIONABLE=0 makes it.
    """
    if not getattr(jax.config, "jax_threefry_partitionable", True):
        raise ValueError(
            "jax_threefry_partitionable must be on, JAX's default, got off (by "
            "JAX_THREEFRY_PARTITIONABLE=0?): without it a sample depends on how many are drawn beside it."
        )


def stream(key: Key, name: str, *values: Array | float) -> Key:
    """An independent key for the draw called `name` at the given coordinate values.

    Each value enters by the bits of its float32 form, so 100, 100.0 and a traced 100 give the same stream.
    """
    key = jax.random.fold_in(key, jnp.uint32(zlib.crc32(name.encode())))
    for value in values:
        bits = jax.lax.bitcast_convert_type(jnp.asarray(value, jnp.float32), jnp.uint32)
        key = jax.random.fold_in(key, bits)
    return key
