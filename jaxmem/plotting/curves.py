"""A panel of curves: simulation as points with error bars or as bands, theory as lines."""

from typing import Any, Literal

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D

from jaxmem.describing.panels import Curve, Panel
from jaxmem.plotting.marks import draw_guides, draw_infinities, draw_transition
from jaxmem.plotting.quantity import Quantity, dense, fixed_coordinates, theory_along
from jaxmem.plotting.style import (
    GREY,
    LINE_WIDTH,
    MARKER_SIZE,
    MARKERS,
    OKABE_ITO,
    Colour,
    colours_of,
    evenly,
    label_of,
    shades_of,
    symbol_of,
    value_text,
)

Legend = dict[str, Line2D]
"""Label → what it names."""

MOST_LABELS = 8
"""Of a hue with more values than this, only so many are named."""


def draw_curves(
    axes: Axes,
    dataset: xr.Dataset,
    panel: Panel,
    quantities: tuple[Quantity, ...],
    transitions: xr.Dataset | None,
    hue: str | None,
) -> Legend:
    """Draw every curve of a panel for every value of `hue`; returns the entries of its legend.

    Several curves have a colour each, pale to full along the hue; a single one has a colour per hue.

    Args:
        axes: where.
        dataset: the store.
        panel: what.
        quantities: one per curve, over the abscissa's dimension and `hue` alone.
        transitions: `transition` of the first curve, over `hue` alone, if the panel asks for it.
        hue: dimension told apart by colour and marker, if any.
    """
    axes.set_xscale(panel.x_scale)
    axes.set_yscale(panel.y_scale)
    count = 1 if hue is None else dataset.sizes[hue]
    several = len(panel.curves) > 1
    for i, (curve, quantity) in enumerate(zip(panel.curves, quantities, strict=True)):
        colours = shades_of(OKABE_ITO[i % len(OKABE_ITO)], count) if several else colours_of(count)
        if curve.theory is not None:
            _draw_theory(axes, dataset, panel, curve, [quantity.at({hue: j}) for j in range(count)], colours)
        for j, colour in enumerate(colours):
            one = quantity.at({hue: j})
            _draw_simulation(axes, panel, curve, one, colour, MARKERS[j % len(MARKERS)])
            draw_infinities(axes, one, panel.x, colour, row=i * count + j)
    axes.set_ylim(*panel.limits)
    if transitions is not None:
        for j, colour in enumerate(shades_of(OKABE_ITO[0], count) if several else colours_of(count)):
            draw_transition(axes, transitions.isel({hue: j}, missing_dims="ignore"), colour)
    draw_guides(axes, panel.guides, panel.x_scale)
    axes.set_xlabel(label_of(dataset[panel.x]))
    axes.set_ylabel(panel.y_label or label_of(quantities[0].estimate))
    return _legend(dataset, panel, quantities, transitions, hue)


def _legend(
    dataset: xr.Dataset,
    panel: Panel,
    quantities: tuple[Quantity, ...],
    transitions: xr.Dataset | None,
    hue: str | None,
) -> Legend:
    """Curves, then hues, then what else is drawn; grey wherever colour has another meaning."""
    legend: Legend = {}
    several = len(panel.curves) > 1
    if several:
        for curve, quantity, colour in zip(panel.curves, quantities, OKABE_ITO, strict=False):
            legend[curve.label or label_of(quantity.estimate)] = Line2D([], [], color=colour, linewidth=3)
    if hue is not None:
        count = dataset.sizes[hue]
        colours = shades_of("0.25", count) if several else colours_of(count)
        line: dict[str, Any] = {"linewidth": LINE_WIDTH} if panel.joined else {"linestyle": "none"}
        for j in evenly(count, MOST_LABELS):
            name = f"{symbol_of(dataset[hue])} = {value_text(dataset[hue].values[j])}"
            marker = "" if panel.joined else MARKERS[j % len(MARKERS)]
            legend[name] = Line2D([], [], color=colours[j], marker=marker, markersize=MARKER_SIZE, **line)
    if any(curve.theory is not None for curve in panel.curves):
        legend["theory"] = Line2D([], [], color=GREY, linewidth=LINE_WIDTH, linestyle=_theory_dashes(panel))
    hollow: dict[str, Any] = {"linestyle": "none", "markerfacecolor": "white", "color": GREY}
    for sign, marker, name in ((1, "^", "infinite"), (-1, "v", "minus infinite")):
        if any((quantity.estimate == sign * np.inf).any() for quantity in quantities):
            legend[name] = Line2D([], [], marker=marker, markersize=MARKER_SIZE, **hollow)
    if transitions is not None and transitions["location"].notnull().any():
        name = f"P = {transitions.attrs['level']:g}, {transitions.attrs['confidence']:.0%} interval"
        legend[name] = Line2D([], [], marker="D", markersize=MARKER_SIZE + 1, **hollow)
    return legend


def _draw_theory(
    axes: Axes,
    dataset: xr.Dataset,
    panel: Panel,
    curve: Curve,
    quantities: list[Quantity],
    colours: list[Colour],
) -> None:
    """A line per hue; one dark line where the prediction does not depend on it."""
    lines = []
    for quantity in quantities:
        x = dense(quantity.estimate[panel.x].values.astype(float), panel.x_scale)
        y = theory_along(curve, dataset, fixed_coordinates(quantity.estimate) | {panel.x: x})
        lines.append(np.stack([x, np.where(np.isfinite(y), y, np.nan)]))
    if len(lines) > 1 and all(np.array_equal(line, lines[0], equal_nan=True) for line in lines):
        lines, colours = lines[:1], colours[-1:] if len(panel.curves) > 1 else [to_rgb("0.25")]
    for line, colour in zip(lines, colours, strict=True):
        axes.plot(*line, _theory_dashes(panel), color=colour, linewidth=LINE_WIDTH, zorder=2)


def _theory_dashes(panel: Panel) -> Literal["-", "--"]:
    """Theory is the solid line, except beside trajectories."""
    return "--" if panel.joined else "-"


def _draw_simulation(
    axes: Axes, panel: Panel, curve: Curve, quantity: Quantity, colour: Colour, marker: str
) -> None:
    """Points with bars, or a line in a band; faintly joined where no theory leads the eye."""
    x = quantity.estimate[panel.x].values
    estimate, low, high = (one.values for one in (quantity.estimate, quantity.low, quantity.high))
    finite = np.isfinite(estimate)
    if panel.joined:
        axes.fill_between(x, low, high, where=finite, color=colour, alpha=0.25, linewidth=0)
        axes.plot(x[finite], estimate[finite], color=colour, linewidth=LINE_WIDTH)
        return
    if curve.theory is None:
        axes.plot(x[finite], estimate[finite], color=colour, linewidth=0.8, alpha=0.5, zorder=2)
    axes.errorbar(
        x[finite],
        estimate[finite],
        yerr=np.nan_to_num(np.abs([estimate - low, high - estimate])[:, finite]),
        fmt=marker,
        color=colour,
        markersize=MARKER_SIZE,
        markeredgecolor="white",
        markeredgewidth=0.4,
        elinewidth=1.0,
        capsize=1.5,
        capthick=0.8,
        zorder=3,
    )
