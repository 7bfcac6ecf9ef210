"""How many replicates at a time fit a device: by the compiler's own report, and by what happens."""

from collections.abc import Callable, Hashable
from typing import Any

import jax

_FITTING: dict[Hashable, int] = {}
"""Widths that were found to fit, by what they are of: no later task asks, or fails, again."""


def fitting_width(
    what: Hashable, lower: Callable[..., Any], width: int, most: int, budget: int, *more: Any
) -> int:
    """As many replicates at a time as the compiler says fit `budget` bytes.

    The estimate of a study is where it begins; a program that takes too much, or less than half, is followed
    by one of the width that its report leads to. The last one is what then runs: it is not compiled again.

    Args:
        what: the width is remembered by.
        lower: (width, *more) → the lowered program.
        width: the first guess.
        most: the largest width that says something.
        budget: bytes for the working arrays and the results.
        more: arguments of the program.
    """
    if what in _FITTING:
        return min(most, _FITTING[what])
    width, shrunk = min(width, most), False
    while True:
        report = lower(width, *more).compile().memory_analysis()
        if report is None:  # a backend that says nothing
            break
        share = budget / max(1, report.temp_size_in_bytes + report.output_size_in_bytes)
        if share < 1 and width > 1:
            width, shrunk = max(1, min(width - 1, int(width * share))), True
        elif share >= 2 and width < most and not shrunk:
            width = min(most, int(width * share))
        else:
            break
    _FITTING[what] = width
    return width


def within_memory(what: Hashable, program: Callable[..., Any], width: int, *more: Any) -> Any:
    """What the program gives, half as many replicates at a time whenever the device has no memory left."""
    width = min(width, _FITTING.get(what, width))
    while True:
        try:
            return jax.block_until_ready(program(width, *more))
        except jax.errors.JaxRuntimeError as error:
            if width == 1 or "RESOURCE_EXHAUSTED" not in str(error):
                raise
            width //= 2
            _FITTING[what] = width
