"""The state of a run in one file: any tree of arrays, keys included, bit for bit."""

import hashlib
import io
import os
import platform
import threading
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PyTree


def save_tree(path: str | Path, tree: PyTree, header: str) -> None:
    """Write the arrays of `tree` after one line of text; a file at `path` is replaced whole or not at all."""
    written = io.BytesIO()
    eqx.tree_serialise_leaves(written, _without_keys(tree))
    replace_file(path, f"{_digest(written)} {header}\n".encode(), written.getbuffer())


def load_tree(path: str | Path, like: PyTree, header: str) -> PyTree:
    """Read what `save_tree` wrote, into the structure and shapes of `like`.

    Raises:
        ValueError: the file's line of text is another, or its bytes are not those that were written.
    """
    with Path(path).open("rb") as file:
        digest, _, found = file.readline().decode(errors="replace").rstrip("\n").partition(" ")
        if found != header:
            raise ValueError(f"{path} must be of the same run: it holds {found}, not {header}.")
        content = io.BytesIO(file.read())
    if _digest(content) != digest:
        raise ValueError(f"{path} must be as it was written: it is damaged.")
    arrays = eqx.tree_deserialise_leaves(content, _without_keys(like))
    return jax.tree.map(_as_key, like, arrays)


def replace_file(path: str | Path, *parts: Any) -> None:
    """Write bytes to a file beside `path`, then put it in its place: no reader ever sees half of it."""
    path = Path(path)
    writer = f"{platform.node()}-{os.getpid()}-{threading.get_ident()}"  # two may write the same file
    partial = path.with_name(f"{path.name}.{writer}.partial")
    try:
        with partial.open("wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _digest(content: io.BytesIO) -> str:
    return hashlib.sha256(content.getbuffer()).hexdigest()


def _is_key(leaf: Any) -> bool:
    return eqx.is_array(leaf) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _without_keys(tree: PyTree) -> PyTree:
    return jax.tree.map(lambda leaf: jax.random.key_data(leaf) if _is_key(leaf) else leaf, tree)


def _as_key(like: Any, leaf: Any) -> Any:
    return jax.random.wrap_key_data(leaf, impl=jax.random.key_impl(like)) if _is_key(like) else leaf
