"""The progress bar: on a terminal a line that moves, in a file one now and then, in a notebook a widget."""

import sys
from typing import Any

import tqdm
import tqdm.notebook

ON_A_TERMINAL, ELSEWHERE = 0.5, 2.0
"""Seconds between two states of the bar."""


def progress_bar(name: str, total: int, done: int, *, shown: bool) -> "tqdm.tqdm[Any]":
    """A bar over the replicates of a sweep, `done` of which exist already, on standard error."""
    return bar_class()(
        total=total,
        initial=done,
        unit="replicate",
        desc=name,
        file=sys.stderr,
        disable=not shown,
        mininterval=ON_A_TERMINAL if sys.stderr.isatty() else ELSEWHERE,
        smoothing=0.1,
    )


def bar_class() -> "type[tqdm.tqdm[Any]]":
    """The widget in a notebook's kernel, where ipywidgets can show it; else text."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    in_kernel = shell is not None and "IPKernelApp" in shell.config
    return tqdm.notebook.tqdm if in_kernel and tqdm.notebook.IProgress is not None else tqdm.tqdm
