"""The figure of a store: panels side by side, one row per value of what they do not show themselves."""

import itertools
import math
import string
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from jaxmem import _checks as check
from jaxmem.describing.panels import Panel, Theory
from jaxmem.plotting.cells import MOST_FACETS, Cell, cell_title, cells_of
from jaxmem.plotting.choice import panels_named, panels_of, with_theory
from jaxmem.plotting.curves import draw_curves
from jaxmem.plotting.inline import InlineFigure
from jaxmem.plotting.legend import Entry, add_legend
from jaxmem.plotting.palette import Palette, palette_of
from jaxmem.plotting.phase_map import draw_map, has_contours
from jaxmem.plotting.pictures import draw_pictures
from jaxmem.plotting.quantity import configuration_of
from jaxmem.plotting.style import FONT_SIZE, GREY, dress, setting_text

PANEL_SIZE = (3.3, 2.6)
"""Inches; two panels fill a page's width."""

PANELS_PER_ROW = 3


def plot(
    dataset: xr.Dataset,
    *,
    panels: Sequence[Panel | str] | None = None,
    theory: Mapping[str, Theory] | None = None,
    size: Sequence[float] | None = None,
    confidence: float = 0.95,
) -> InlineFigure:
    """Draw a store: simulation as points with error bars, theory as lines.

    Bars are Wilson intervals of probabilities, intervals of medians and one standard error of means.
    Infinite means are arrows at the edge, and so are values beyond the declared limits of a panel. Points of
    one abscissa whose bars would hide each other are set a little apart. A colour means the same in every
    panel. A dimension that no panel shows gets rows of panels per value, of at most six values.

    Args:
        dataset: raw values per replicate, as `jaxmem.sweep` or `jaxmem.open_store` returns.
        panels: what to draw, each a `Panel` or the name of a variable; by default what the study declares, or
            else a panel per summarised variable.
        theory: predictions by variable, over those that the panels bring.
        size: width and height in inches, above 0; by default what the panels need.
        confidence: of the Wilson and bootstrap intervals, above 0 and below 1.

    Returns:
        A figure of its own canvas, which a notebook shows and `save` writes; pyplot and matplotlib's global
        settings are not touched.
    """
    check.real_number("confidence", confidence, above=0.0, below=1.0)
    chosen = panels_of(dataset) if panels is None else panels_named(dataset, panels)
    if not chosen:
        raise ValueError("panels must hold at least one panel, got none.")
    chosen = with_theory(chosen, theory or {})
    columns = [cells_of(dataset, panel, confidence) for panel in chosen]
    placed, rows, per_row = _places(columns)
    curved = [cell for *_, cell in placed if cell.panel.y is None and not cell.panel.pictures]
    palette = palette_of(dataset, ((cell.panel, cell.hue) for cell in curved))
    figure = InlineFigure(*_size(size, rows, per_row))
    letters = string.ascii_lowercase if 1 < len(placed) <= len(string.ascii_lowercase) else ""
    entries: list[Entry] = []
    for k, (row, column, cell) in enumerate(placed):
        axes = figure.add_subplot(rows, per_row, row * per_row + column + 1)
        entries += _draw_cell(axes, dataset, cell, letters[k : k + 1], palette)
    cells = [cell for *_, cell in placed]
    add_legend(figure, entries, list(dict.fromkeys(s for c in cells for s in _settings(dataset, c.panel))))
    note = _note(dataset, cells, confidence, contours=any(map(has_contours, figure.axes)))
    lines = textwrap.wrap(note, int(figure.get_size_inches()[0] * 20))
    figure.supxlabel("\n".join(lines), fontsize=FONT_SIZE - 2, color=GREY, x=0.01, ha="left")
    return figure


def _places(columns: Sequence[Sequence[Cell]]) -> tuple[list[tuple[int, int, Cell]], int, int]:
    """(row, column, cell) of every cell, the number of rows and that of columns.

    Panels fill rows of three, four of them two rows of two; every value of what they do not show begins a
    row.
    """
    if max(map(len, columns)) == 1 or len(columns) == 1:
        groups = [list(itertools.chain(*columns))]
    else:
        groups = [[column[k] for column in columns if k < len(column)] for k in range(max(map(len, columns)))]
    per_row = _row_length(max(map(len, groups)))
    placed, row = [], 0
    for group in groups:
        placed += [(row + k // per_row, k % per_row, cell) for k, cell in enumerate(group)]
        row += -(-len(group) // per_row)
    return placed, row, per_row


def _row_length(count: int) -> int:
    """Panels in a row: three at most, two where that leaves one hole fewer."""
    if count <= PANELS_PER_ROW:
        return count
    return PANELS_PER_ROW if -count % PANELS_PER_ROW <= 1 or count % 2 else PANELS_PER_ROW - 1


def _size(size: Sequence[float] | None, rows: int, per_row: int) -> tuple[float, float]:
    if size is None:
        return PANEL_SIZE[0] * per_row, PANEL_SIZE[1] * rows + 0.6
    if np.shape(size) != (2,):
        raise ValueError(f"size must be a width and a height in inches, got {size!r}.")
    width, height = (check.real_number("size", one, above=0.0) for one in size)
    return width, height


def _draw_cell(axes: Axes, dataset: xr.Dataset, cell: Cell, letter: str, palette: Palette) -> list[Entry]:
    """A panel under its letter and the values of what it does not show; what the legend is to name."""
    dress(axes)
    named_above = any(guide.x is not None for guide in cell.panel.guides)
    pad = 13 if named_above else 6
    axes.set_title(cell_title(dataset, cell), fontsize=FONT_SIZE + 1, pad=pad)
    axes.set_title(letter, loc="left", fontsize=FONT_SIZE + 2, fontweight="bold", pad=pad)
    if cell.panel.pictures:
        draw_pictures(axes, dataset, cell.panel, cell.chosen)
        return []
    if cell.panel.y is not None:
        draw_map(axes, dataset, cell.panel, cell.quantities[0])
        return []
    shown = cell.panel, cell.quantities, cell.transitions, cell.hue
    return draw_curves(axes, dataset, *shown, palette, letter)


def _settings(dataset: xr.Dataset, panel: Panel) -> list[str]:
    """The configured numbers that a panel asks to show."""
    configuration = configuration_of(dataset)
    values = ((symbol, configuration.get(field)) for symbol, field in panel.settings)
    return [f"{symbol} = {value:,}" for symbol, value in values if isinstance(value, int | float)]


def _note(dataset: xr.Dataset, cells: list[Cell], confidence: float, *, contours: bool) -> str:
    """What a reader must know of the data: who made them, how many, what the bars are, what is left out."""
    made = [f"{name} {dataset.attrs[name]}" for name in ("study", "seed") if name in dataset.attrs]
    made.append(_replicates(dataset))
    kinds = {quantity.kind for cell in cells if cell.panel.y is None for quantity in cell.quantities}
    bars = [f"{confidence:.0%} Wilson intervals of probabilities"] if kinds & {"sign", "fraction"} else []
    bars += ["standard errors of means"] if "mean" in kinds else []
    bars += [f"{confidence:.0%} intervals of medians"] if "median" in kinds else []
    parts = [", ".join(made)] + ([f"bars: {', '.join(bars)}"] if bars else [])
    if contours:
        parts.append("contours: theory")
    facets = list(dict.fromkeys(dim for cell in cells for dim in cell.chosen))
    parts += [setting_text(dataset[d], 0) for d in facets if dataset.sizes[d] == 1]
    every = math.prod(dataset.sizes[dim] for dim in facets)
    if every > MOST_FACETS:
        long = ", ".join(str(dim) for dim in facets if dataset.sizes[dim] > 1)
        parts.append(f"{MOST_FACETS} of {every} values of {long} shown")
    return "; ".join(parts)


def _replicates(dataset: xr.Dataset) -> str:
    """How many replicates a point has."""
    finished = dataset["completed"].sum("replicate") if "completed" in dataset else dataset["replicate"].size
    least, most = int(np.min(finished)), int(np.max(finished))
    if least != most:
        return f"{least} to {most} replicates per point"
    return f"{most} replicate{'s' if most != 1 else ''}"
