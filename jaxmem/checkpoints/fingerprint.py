"""What decides the result of a run, as a digest: its numbers, and the programs that it is computed by."""

import hashlib
import re
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree


def digest_of_numbers(tree: PyTree) -> str:
    """A digest of the arrays of a tree, with their types and shapes."""
    digest = hashlib.sha256()
    for leaf in jax.tree.leaves(tree):
        if eqx.is_array(leaf):
            key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
            array = np.asarray(jax.random.key_data(leaf) if key else leaf)
            digest.update(f"{array.dtype}{array.shape}".encode() + array.tobytes())
    return digest.hexdigest()


def digest_of_program(function: Callable[..., Any], *arguments: Any) -> str:
    """A digest of the traced program of a function, whatever the function is called; nothing is compiled.

    It says which loss, network, activation and optimiser there are, and which constants.
    """
    program = eqx.filter_make_jaxpr(function)(*arguments)[0]
    digest = hashlib.sha256(re.sub(r"0x[0-9a-f]+", "", str(program)).encode())  # addresses change
    for constant in program.consts:
        digest.update(
            digest_of_numbers(constant if eqx.is_array(constant) else np.asarray(constant)).encode()
        )
    return digest.hexdigest()
