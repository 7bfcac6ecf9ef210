"""The one legend of a figure, above its panels, where it covers nothing."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from jaxmem.plotting.style import FONT_SIZE

HUE, CURVE, THEORY, MARK = range(4)
"""The order of what a legend names."""

LETTER_WIDTH, HANDLE_WIDTH = 0.062, 0.45
"""Inches of a letter, and of a handle with the space around it."""


@dataclass(frozen=True)
class Entry:
    """A name and what it names; `letter` says in which panel, where it is not in all."""

    name: str
    handle: Line2D
    rank: int
    letter: str = ""


def add_legend(figure: Figure, entries: Sequence[Entry], settings: Sequence[str]) -> None:
    """Name everything once: hues, curves with the panels that they are in, theory, marks.

    Args:
        figure: where.
        entries: of all panels.
        settings: configured numbers to show above.
    """
    alike: dict[Hashable, list[Entry]] = {}
    for entry in sorted(entries, key=lambda one: one.rank):
        alike.setdefault(_identity(entry), []).append(entry)
    if not alike:
        return
    names = [_name(group) for group in alike.values()]
    figure.legend(
        [group[0].handle for group in alike.values()],
        names,
        loc="outside upper center",
        ncols=columns_that_fit(names, figure.get_size_inches()[0]),
        title=", ".join(settings),
        fontsize=FONT_SIZE,
        title_fontsize=FONT_SIZE,
        frameon=False,
        handletextpad=0.4,
        columnspacing=1.2,
    )


def _identity(entry: Entry) -> Hashable:
    """Entries are the same if they are called the same; a curve also has its marker and dashes."""
    look = (entry.handle.get_marker(), str(entry.handle.get_linestyle())) if entry.rank == CURVE else ()
    return entry.name, look


def _name(group: Sequence[Entry]) -> str:
    letters = ", ".join(dict.fromkeys(entry.letter for entry in group if entry.letter))
    return f"{group[0].name} ({letters})" if letters else group[0].name


def columns_that_fit(names: Sequence[str], width: float) -> int:
    """The most columns whose names fit into `width` inches, in rows of about equal length."""
    for rows in range(1, len(names) + 1):
        count = -(-len(names) // rows)
        columns = np.array_split([len(name) for name in names], count)  # as matplotlib fills them
        if sum(LETTER_WIDTH * column.max() + HANDLE_WIDTH for column in columns) < width:
            return count
    return 1
