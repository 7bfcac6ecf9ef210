"""What was seen at one moment of a run: named arrays in one file."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from jaxmem.checkpoints.trees import replace_file


def save_snapshot(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays; a file at `path` is replaced whole or not at all."""
    written = io.BytesIO()
    np.savez(written, allow_pickle=False, **arrays)
    replace_file(path, written.getbuffer())


def load_snapshot(path: Path) -> dict[str, np.ndarray] | None:
    """The arrays in a file that `save_snapshot` wrote; None where there is none, or it is damaged."""
    try:
        with np.load(path, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except Exception:  # a zip file damaged anywhere, each part of which carries a checksum
        return None
