"""A bar over pairs of samples, whose total grows as the parts of a measurement become known."""

import sys
from typing import Any

import tqdm

from jaxmem.metrics.nearest_rows import Tick


class PairProgress:
    """On standard error, or nowhere."""

    def __init__(self, *, shown: bool):
        self._bar: Any = tqdm.tqdm(
            total=0,
            unit="pair",
            unit_scale=True,
            file=sys.stderr,
            disable=not shown,
            mininterval=0.5 if sys.stderr.isatty() else 2.0,
        )

    def begin(self, what: str, pairs: int) -> Tick:
        """The next part, and how many pairs it has."""
        if not self._bar.disable:
            self._bar.total += pairs
            self._bar.set_description(what)
        return self._bar.update

    def __enter__(self) -> "PairProgress":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()
