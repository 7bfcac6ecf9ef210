"""Named random streams: which numbers a draw may depend on is written where it is drawn.

Invariant: the randomness of a replicate depends only on the seed, the replicate's index and the values of
its grid point, never on chunk size, padding, device count or order. A replicate has one key,
`replicate_key(seed, r)`; every draw inside it comes from `stream(key, name, *values)`, where `values` are
the coordinates that must get independent numbers. Coordinates left out share them: common random numbers.
"""

import zlib

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxmem._typing import Integer, Key


def replicate_key(seed: Integer, replicate: Integer) -> Key:
    """The key of replicate number `replicate` (from 0) under `seed` (0 to 2³² − 1)."""
    return jax.random.fold_in(jax.random.key(jnp.asarray(seed, jnp.uint32), impl="threefry2x32"), replicate)


def stream(key: Key, name: str, *values: Array | float) -> Key:
    """An independent key for the draw called `name` at the given coordinate values.

    Each value enters by the bits of its float32 form, so 100, 100.0 and a traced 100 give the same stream.
    """
    key = jax.random.fold_in(key, jnp.uint32(zlib.crc32(name.encode())))
    for value in values:
        bits = jax.lax.bitcast_convert_type(jnp.asarray(value, jnp.float32), jnp.uint32)
        key = jax.random.fold_in(key, bits)
    return key
