"""The figure of a store: panels side by side, one row per value of what they do not show themselves."""

import itertools
import math
import string
import textwrap
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from jaxmem.describing.panels import Panel, Theory
from jaxmem.plotting.choice import panels_of, with_theory
from jaxmem.plotting.curves import Legend, draw_curves
from jaxmem.plotting.phase_map import draw_map
from jaxmem.plotting.quantity import Quantity, configuration_of, quantity_of
from jaxmem.plotting.style import FONT_SIZE, GREY, dress, evenly, plain_ticks, symbol_of, value_text
from jaxmem.statistics import transition

PANEL_SIZE = (3.3, 2.6)
"""Inches; two panels fill a page's width."""

PANELS_PER_ROW = 3
MOST_FACETS = 6
MOST_IN_COLUMN = 5


@dataclass(frozen=True)
class Cell:
    """One pair of axes to draw: a panel at chosen positions of the dimensions it does not show."""

    panel: Panel
    quantities: tuple[Quantity, ...]
    transitions: xr.Dataset | None
    hue: str | None
    chosen: Mapping[Hashable, int]


def plot(
    dataset: xr.Dataset,
    *,
    panels: Sequence[Panel] | None = None,
    theory: Mapping[str, Theory] | None = None,
    confidence: float = 0.95,
) -> Figure:
    """Draw a store: simulation as points with error bars, theory as lines.

    Bars are Wilson intervals of probabilities and one standard error of means. Infinite means are arrows at
    the edge. A dimension that no panel shows gets a row of panels per value, of at most six values.

    Args:
        dataset: raw values per replicate, as `jaxmem.sweep` or `jaxmem.open_store` returns.
        panels: what to draw; by default what the study declares, or else a panel per summarised variable.
        theory: predictions by variable, over those that the panels bring.
        confidence: of the Wilson and bootstrap intervals, above 0 and below 1.

    Returns:
        A figure of its own canvas, to `save`; pyplot and matplotlib's global settings are not touched.
    """
    chosen = panels_of(dataset) if panels is None else tuple(panels)
    if not chosen:
        raise ValueError("panels must hold at least one panel, got none.")
    chosen = with_theory(chosen, theory or {})
    columns = [_cells(dataset, panel, confidence) for panel in chosen]
    faceted = any(len(column) > 1 for column in columns)
    if faceted and len(columns) > 1:
        rows, per_row = max(map(len, columns)), len(columns)
        placed = [(i, j, cell) for j, column in enumerate(columns) for i, cell in enumerate(column)]
        placed.sort(key=lambda one: one[:2])
    else:
        cells = list(itertools.chain(*columns))
        per_row = min(len(cells), PANELS_PER_ROW)
        rows = -(-len(cells) // per_row)
        placed = [(*divmod(k, per_row), cell) for k, cell in enumerate(cells)]
    figure = Figure(figsize=(PANEL_SIZE[0] * per_row, PANEL_SIZE[1] * rows + 0.6), layout="constrained")
    FigureCanvasAgg(figure)
    drawn = []
    for k, (row, column, cell) in enumerate(placed):
        axes = figure.add_subplot(rows, per_row, row * per_row + column + 1)
        letter = string.ascii_lowercase[k] if 1 < len(placed) <= len(string.ascii_lowercase) else ""
        drawn.append((axes, cell, _draw_cell(axes, dataset, cell, letter)))
    _add_legends(figure, dataset, drawn)
    note = _note(dataset, [cell for _, cell, _ in drawn], confidence)
    lines = textwrap.wrap(note, int(PANEL_SIZE[0] * per_row * 20))
    figure.supxlabel("\n".join(lines), fontsize=FONT_SIZE - 2, color=GREY, x=0.01, ha="left")
    return figure


def _cells(dataset: xr.Dataset, panel: Panel, confidence: float) -> list[Cell]:
    """A panel once for every choice among the dimensions it does not show."""
    quantities = [quantity_of(dataset, curve, confidence) for curve in panel.curves]
    sizes: dict[Hashable, int] = {}
    for quantity in quantities:
        sizes |= quantity.estimate.sizes
    shown = {dataset[panel.x].dims[-1]} | ({panel.y} if panel.y else set())
    rest = [dim for dim in sizes if dim not in shown]
    long = [dim for dim in rest if sizes[dim] > 1]
    hue = None
    if panel.y is None and rest:
        hue = panel.hue if panel.hue in (long or rest) else (long or rest)[0]
    transitions = None
    if panel.transition:
        transitions = transition(dataset, panel.curves[0].variable, panel.x, confidence=confidence)
    facets = [dim for dim in rest if dim != hue]
    every = list(itertools.product(*(range(sizes[dim]) for dim in facets)))
    cells = []
    for k in evenly(len(every), MOST_FACETS):
        chosen = dict(zip(facets, every[k], strict=True))
        at = tuple(quantity.at(chosen) for quantity in quantities)
        here = None if transitions is None else transitions.isel(chosen)
        cells.append(Cell(panel, at, here, None if hue is None else str(hue), chosen))
    return cells


def _draw_cell(axes: Axes, dataset: xr.Dataset, cell: Cell, letter: str) -> Legend:
    dress(axes)
    values = (
        f"{symbol_of(dataset[dim])} = {value_text(dataset[dim].values[i])}"
        for dim, i in cell.chosen.items()
        if dataset.sizes[dim] > 1
    )
    named_above = any(guide.x is not None for guide in cell.panel.guides)
    title = ", ".join(filter(None, [cell.panel.title, *values]))
    pad = 13 if named_above else 6
    axes.set_title(title, fontsize=FONT_SIZE + 1, pad=pad)
    axes.set_title(letter, loc="left", fontsize=FONT_SIZE + 2, fontweight="bold", pad=pad)
    legend: Legend = {}
    if cell.panel.y is not None:
        draw_map(axes, dataset, cell.panel, cell.quantities[0])
    else:
        legend = draw_curves(axes, dataset, cell.panel, cell.quantities, cell.transitions, cell.hue)
    plain_ticks(axes.xaxis)
    plain_ticks(axes.yaxis)
    return legend


def _add_legends(figure: Figure, dataset: xr.Dataset, drawn: list[tuple[Axes, Cell, Legend]]) -> None:
    """One legend above all panels where colours mean the same in each, else one in each."""
    style: dict[str, Any] = {"title_fontsize": FONT_SIZE, "handletextpad": 0.4, "columnspacing": 1.2}
    meanings = {
        (cell.hue, tuple(c.variable for c in cell.panel.curves) if len(cell.panel.curves) > 1 else ())
        for _, cell, legend in drawn
        if legend
    }
    if len(meanings) == 1:
        together: Legend = {}
        settings: dict[str, None] = {}
        for _, cell, legend in drawn:
            together |= legend
            settings |= dict.fromkeys(_settings(dataset, cell.panel))
        if together:
            columns = min(len(together), 3 * figure.get_size_inches()[0] // PANEL_SIZE[0])
            figure.legend(
                list(together.values()),
                list(together),
                loc="outside upper center",
                ncols=int(columns),
                title=", ".join(settings),
                fontsize=FONT_SIZE,
                frameon=False,
                **style,
            )
        return
    for axes, cell, legend in drawn:
        if legend:
            title = ", ".join(_settings(dataset, cell.panel))
            columns = 1 if len(legend) <= MOST_IN_COLUMN else 2
            axes.legend(list(legend.values()), list(legend), title=title, ncols=columns, fontsize=6, **style)
    figure.draw_without_rendering()  # only then does a legend know its place
    for axes, cell, legend in drawn:
        if legend and cell.panel.limits[1] is None:
            _make_room_for_legend(axes)


def _make_room_for_legend(axes: Axes) -> None:
    """Raise the upper limit by the legend's height where even its best place covers a curve."""
    legend = axes.get_legend()
    assert legend is not None
    box, frame = legend.get_window_extent(), axes.get_window_extent()
    curves = (line.get_path().transformed(line.get_transform()) for line in axes.lines)
    if any(curve.intersects_bbox(box, filled=False) for curve in curves):
        height = frame.height / (1 - 1.05 * box.height / frame.height)
        axes.set_ylim(top=axes.transData.inverted().transform((frame.x0, frame.y0 + height))[1])


def _settings(dataset: xr.Dataset, panel: Panel) -> list[str]:
    """The configured numbers that a panel asks to show."""
    configuration = configuration_of(dataset)
    values = ((symbol, configuration.get(field)) for symbol, field in panel.settings)
    return [f"{symbol} = {value:,}" for symbol, value in values if isinstance(value, int | float)]


def _note(dataset: xr.Dataset, cells: list[Cell], confidence: float) -> str:
    """What a reader must know of the data: who made them, how many, what the bars are, what is left out."""
    made = [f"{name} {dataset.attrs[name]}" for name in ("study", "seed") if name in dataset.attrs]
    made.append(_replicates(dataset))
    kinds = {quantity.kind for cell in cells if cell.panel.y is None for quantity in cell.quantities}
    bars = [f"{confidence:.0%} Wilson intervals of probabilities"] if kinds & {"sign", "fraction"} else []
    bars += ["standard errors of means"] if "mean" in kinds else []
    parts = [", ".join(made)] + ([f"bars: {', '.join(bars)}"] if bars else [])
    if any(cell.panel.y is not None and cell.panel.curves[0].theory is not None for cell in cells):
        parts.append("contours: theory")
    facets = list(dict.fromkeys(dim for cell in cells for dim in cell.chosen))
    parts += [
        f"{symbol_of(dataset[d])} = {value_text(dataset[d].item())}" for d in facets if dataset.sizes[d] == 1
    ]
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
