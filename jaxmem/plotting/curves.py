"""A panel of curves: simulation as points with error bars or as bands, theory as lines."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D

from jaxmem.describing.panels import Panel
from jaxmem.plotting.dodge import dodged
from jaxmem.plotting.legend import CURVE, HUE, MARK, THEORY, Entry
from jaxmem.plotting.marks import (
    draw_beyond,
    draw_guides,
    draw_infinities,
    draw_transition,
    draw_unbounded,
)
from jaxmem.plotting.palette import DASHES, DOTS, NEUTRAL, Look, Palette
from jaxmem.plotting.quantity import Quantity, theory_line
from jaxmem.plotting.style import (
    GREY,
    LINE_WIDTH,
    MARKER_SIZE,
    evenly,
    in_lines,
    label_of,
    own_ticks,
    plain_ticks,
    setting_text,
)

MOST_LABELS = 8
"""Of a hue with more values than this, only so many are named."""

MARGIN = 0.03
"""Share of the axis that a marker at a declared limit needs beyond it."""


def draw_curves(
    axes: Axes,
    dataset: xr.Dataset,
    panel: Panel,
    quantities: tuple[Quantity, ...],
    transitions: xr.Dataset | None,
    hue: str | None,
    palette: Palette,
    letter: str = "",
) -> list[Entry]:
    """Draw every curve of a panel for every value of `hue`; returns the entries of its legend.

    Args:
        axes: where.
        dataset: the store.
        panel: what.
        quantities: one per curve, over the abscissa's dimension and `hue` alone.
        transitions: `transition` of the first curve, over `hue` alone, if the panel asks for it.
        hue: dimension told apart by colour and marker, if any.
        palette: what colours mean in the whole figure.
        letter: what the panel is called, to say in the legend whose curves are meant.
    """
    axes.set_xscale(panel.x_scale)
    axes.set_yscale(panel.y_scale)
    count = 1 if hue is None else dataset.sizes[hue]
    looks = [[palette.look(panel, i, hue, j) for j in range(count)] for i in range(len(quantities))]
    predicted = [
        _draw_theory(axes, dataset, panel, i, [quantity.at({hue: j}) for j in range(count)], looks[i])
        for i, quantity in enumerate(quantities)
    ]
    every = [(i, j, quantity.at({hue: j})) for i, quantity in enumerate(quantities) for j in range(count)]
    places = _places(panel, [one for _, _, one in every])
    for (i, j, one), x in zip(every, places, strict=True):
        _draw_simulation(axes, panel, one, x, looks[i][j], joined=not predicted[i])
        draw_infinities(axes, one, panel.x, looks[i][j].colour, row=i * count + j)
    _set_limits(axes, panel, [one for _, _, one in every])
    for (i, j, one), x in zip(every, places, strict=True):
        draw_unbounded(axes, one, x, looks[i][j].colour)
    beyond = [draw_beyond(axes, one, panel.x, looks[i][j].colour, joined=panel.joined) for i, j, one in every]
    if transitions is not None:
        for j in range(count):
            draw_transition(axes, transitions.isel({hue: j}, missing_dims="ignore"), looks[0][j].colour)
    draw_guides(axes, panel.guides, panel.x_scale)
    axes.set_xlabel(label_of(dataset[panel.x]))
    axes.set_ylabel(in_lines(panel.y_label or label_of(quantities[0].estimate)))
    plain_ticks(axes.xaxis)
    plain_ticks(axes.yaxis)
    own_ticks(axes.xaxis, np.concatenate([one.estimate[panel.x].values for _, _, one in every]).astype(float))
    entries = [*_of_hue(dataset, panel, hue, palette), *_of_curves(panel, quantities, hue, palette, letter)]
    if any(predicted):
        line: dict[str, Any] = {"linewidth": LINE_WIDTH, "linestyle": DOTS if panel.joined else "-"}
        entries.append(Entry("theory", Line2D([], [], color=GREY, **line), THEORY))
    return [*entries, *_of_marks(quantities, transitions, beyond=any(beyond))]


def _of_hue(dataset: xr.Dataset, panel: Panel, hue: str | None, palette: Palette) -> Iterator[Entry]:
    """Values of the hue, unless it has one only and the curves have the colours."""
    if hue is None or (len(panel.curves) > 1 and hue not in palette.hues):
        return
    for j in evenly(dataset.sizes[hue], MOST_LABELS):
        look = palette.look(panel, 0, hue, j)
        name = setting_text(dataset[hue], j)
        yield Entry(name, _handle(Look(look.colour, look.marker, "full", "-"), joined=panel.joined), HUE)


def _of_curves(
    panel: Panel, quantities: tuple[Quantity, ...], hue: str | None, palette: Palette, letter: str
) -> Iterator[Entry]:
    """Curves, where there are several; grey wherever colour has another meaning."""
    if len(panel.curves) > 1:
        for i, (curve, quantity) in enumerate(zip(panel.curves, quantities, strict=True)):
            handle = _handle(palette.glyph(panel, i, hue), joined=panel.joined)
            yield Entry(curve.label or label_of(quantity.estimate), handle, CURVE, letter)


def _handle(look: Look, *, joined: bool) -> Line2D:
    if joined:
        return Line2D([], [], color=look.colour, linewidth=LINE_WIDTH, linestyle=look.dashes)
    marker: dict[str, Any] = {"marker": look.marker, "markersize": MARKER_SIZE, "fillstyle": look.fill}
    return Line2D([], [], color=look.colour, linestyle="none", markerfacecoloralt="white", **marker)


def _of_marks(
    quantities: tuple[Quantity, ...], transitions: xr.Dataset | None, *, beyond: bool
) -> Iterator[Entry]:
    hollow: dict[str, Any] = {"linestyle": "none", "markerfacecolor": "white", "color": GREY}
    filled: dict[str, Any] = {"linestyle": "none", "color": GREY}
    if transitions is not None and transitions["location"].notnull().any():
        name = f"P = {transitions.attrs['level']:g}, {transitions.attrs['confidence']:.0%} interval"
        yield Entry(name, Line2D([], [], marker="D", markersize=MARKER_SIZE + 1, **hollow), MARK)
    for sign, marker, name in ((1, "^", "infinite"), (-1, "v", "minus infinite")):
        if any((quantity.estimate == sign * np.inf).any() for quantity in quantities):
            yield Entry(name, Line2D([], [], marker=marker, markersize=MARKER_SIZE, **hollow), MARK)
    if beyond:
        yield Entry("beyond the axis", Line2D([], [], marker="^", markersize=MARKER_SIZE, **filled), MARK)


def _places(panel: Panel, quantities: list[Quantity]) -> list[Float[np.ndarray, "x"]]:
    """Where along the abscissa each is drawn."""
    ends = [
        tuple(np.asarray(one.values, np.float64) for one in (each.estimate[panel.x], each.low, each.high))
        for each in quantities
    ]
    if panel.joined:
        return [x for x, _, _ in ends]
    return dodged([(x, low, high) for x, low, high in ends], panel.x_scale, panel.y_scale)


def _set_limits(axes: Axes, panel: Panel, quantities: list[Quantity]) -> None:
    """The declared limits, with room for markers that lie on them; where none is, guides are in view."""
    axes.set_ylim(*panel.limits)
    for guide in panel.guides:
        bottom, top = axes.get_ylim()
        if guide.y is not None and guide.y < bottom and panel.limits[0] is None:
            axes.set_ylim(
                bottom=guide.y - MARGIN * (top - guide.y) if panel.y_scale == "linear" else guide.y / 1.2
            )
        if guide.y is not None and guide.y > top and panel.limits[1] is None:
            axes.set_ylim(
                top=guide.y + MARGIN * (guide.y - bottom) if panel.y_scale == "linear" else guide.y * 1.2
            )
    if panel.y_scale != "linear":
        return
    bottom, top = axes.get_ylim()
    values = np.concatenate([one.estimate.values.ravel() for one in quantities])
    room = MARGIN * (top - bottom)
    if panel.limits[0] is not None and ((values >= bottom) & (values < bottom + room * 0.7)).any():
        axes.set_ylim(bottom=bottom - room)
    if panel.limits[1] is not None and ((values <= top) & (values > top - room * 0.7)).any():
        axes.set_ylim(top=top + room)


def _draw_theory(
    axes: Axes, dataset: xr.Dataset, panel: Panel, curve: int, quantities: list[Quantity], looks: list[Look]
) -> bool:
    """A line per hue, or one dark line where the prediction does not depend on it; whether any was drawn."""
    if panel.curves[curve].theory is None:
        return False
    lines = [theory_line(panel, curve, dataset, quantity) for quantity in quantities]
    colours = [look.colour for look in looks]
    if len(lines) > 1 and all(np.array_equal(line, lines[0], equal_nan=True) for line in lines):
        lines, colours = lines[:1], [to_rgb(NEUTRAL)]
    predicted = [k for k, one in enumerate(panel.curves) if one.theory is not None]
    dashes = DOTS if panel.joined else DASHES[predicted.index(curve) % len(DASHES)]
    for line, colour in zip(lines, colours, strict=True):
        if np.isfinite(line[1]).any():
            axes.plot(*line, color=colour, linewidth=LINE_WIDTH, linestyle=dashes, zorder=2)
    return any(np.isfinite(line[1]).any() for line in lines)


def _draw_simulation(
    axes: Axes, panel: Panel, quantity: Quantity, x: Float[np.ndarray, "x"], look: Look, *, joined: bool
) -> None:
    """Points with bars, or a line in a band; faintly joined where no theory leads the eye."""
    estimate, low, high = (one.values for one in (quantity.estimate, quantity.low, quantity.high))
    finite = np.isfinite(estimate)
    if panel.joined:
        axes.fill_between(x, low, high, where=finite, color=look.colour, alpha=0.25, linewidth=0)
        line: dict[str, Any] = {"linewidth": LINE_WIDTH, "linestyle": look.dashes}
        axes.plot(x[finite], estimate[finite], color=look.colour, **line)
        return
    if joined:
        axes.plot(x[finite], estimate[finite], color=look.colour, linewidth=0.8, alpha=0.5, zorder=2)
    full = look.fill == "full"
    axes.errorbar(
        x[finite],
        estimate[finite],
        yerr=np.nan_to_num(np.abs([estimate - low, high - estimate])[:, finite], posinf=0.0),
        fmt=look.marker,
        color=look.colour,
        fillstyle=look.fill,
        markerfacecolor="white" if look.fill == "none" else look.colour,
        markerfacecoloralt="white",
        markersize=MARKER_SIZE,
        markeredgecolor="white" if full else look.colour,
        markeredgewidth=0.4 if full else 0.9,
        elinewidth=1.0,
        capsize=1.5,
        capthick=0.8,
        zorder=3,
    )
