"""What is drawn over the curves: infinite values, transitions, lines to compare with."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float
from matplotlib.axes import Axes

from jaxmem.describing.panels import Guide
from jaxmem.plotting.quantity import Quantity, dense
from jaxmem.plotting.style import FONT_SIZE, GREY, LINE_WIDTH, MARKER_SIZE, Colour

DASHES = (0, (4, 2))


def draw_infinities(axes: Axes, quantity: Quantity, x: str, colour: Colour, row: int) -> None:
    """Arrows along the upper or lower edge where a mean is infinite; each curve has its own row."""
    positions, estimate = quantity.estimate[x].values, quantity.estimate.values
    for value, marker, edge, step in ((np.inf, "^", 0.985, -0.04), (-np.inf, "v", 0.015, 0.04)):
        where = estimate == value
        if not where.any():
            continue  # an empty line would take room at the figure's corner
        axes.plot(
            positions[where],
            np.full(where.sum(), edge + step * row),
            linestyle="none",
            marker=marker,
            markersize=MARKER_SIZE,
            markerfacecolor="none",
            markeredgecolor=colour,
            transform=axes.get_xaxis_transform(),
            clip_on=False,
        )


def draw_unbounded(axes: Axes, quantity: Quantity, x: Float[np.ndarray, "x"], colour: Colour) -> None:
    """Bars to the edge where the interval of a finite estimate has an infinite end."""
    bottom, top = axes.get_ylim()
    estimate = quantity.estimate.values
    for edge, end in ((top, quantity.high.values), (bottom, quantity.low.values)):
        where = np.isfinite(estimate) & np.isinf(end)
        if where.any():
            axes.vlines(x[where], estimate[where], edge, color=colour, linewidth=1.0, zorder=3)


def draw_beyond(axes: Axes, quantity: Quantity, x: str, colour: Colour, *, joined: bool) -> bool:
    """Triangles on the edge that finite estimates lie beyond, a trajectory's only where it leaves the view.

    What a logarithmic axis cannot hold, 0 and below, lies beyond its lower edge. Returns whether any does.
    """
    bottom, top = axes.get_ylim()
    estimate = quantity.estimate.values
    positions = quantity.estimate[x].values
    found = False
    for edge, marker, outside in ((0.0, "v", estimate < bottom), (1.0, "^", estimate > top)):
        where = outside & np.isfinite(estimate)
        if joined:
            where &= ~np.concatenate([[False], where[:-1]]) if where.size else where
        if where.any():
            found = True
            axes.plot(
                positions[where],
                np.full(where.sum(), edge),
                linestyle="none",
                marker=marker,
                markersize=MARKER_SIZE,
                color=colour,
                transform=axes.get_xaxis_transform(),
                clip_on=False,
                zorder=6,
            )
    return found


def draw_transition(axes: Axes, transition: xr.Dataset, colour: Colour) -> None:
    """A diamond where a curve crosses the level, its interval as a bar; nothing where it does not cross."""
    location, low, high = (transition[f"location{end}"].item() for end in ("", "_low", "_high"))
    if np.isnan(location):
        return
    left, right = axes.get_xlim()  # an unbounded interval runs to the edge
    axes.errorbar(
        [location],
        [transition.attrs["level"]],
        xerr=[[location - max(low, left)], [min(high, right) - location]],
        fmt="D",
        color=colour,
        markersize=MARKER_SIZE + 1,
        markerfacecolor="white",
        markeredgewidth=1.2,
        elinewidth=1.6,
        capsize=3,
        zorder=5,
    )
    axes.set_xlim(left, right)


def draw_guides(axes: Axes, guides: Sequence[Guide], x_scale: str, colour: str = GREY) -> None:
    """Thin dashed lines, named outside the frame, clear of the data; the view stays as the data set it."""
    line: dict[str, Any] = {"color": colour, "linewidth": 0.8, "linestyle": DASHES, "zorder": 1}
    text: dict[str, Any] = {"color": colour, "fontsize": FONT_SIZE - 1, "textcoords": "offset points"}
    bottom, top = axes.get_ylim()
    for guide in guides:
        if guide.x is not None:
            axes.axvline(guide.x, **line)
            place, name = ("data", "axes fraction"), guide.label
            axes.annotate(name, (guide.x, 1.0), (0, 2), xycoords=place, ha="center", va="bottom", **text)
        if guide.y is not None and bottom <= guide.y <= top:
            axes.axhline(guide.y, **line)
            place, name = ("axes fraction", "data"), guide.label
            height = axes.transAxes.inverted().transform(axes.transData.transform((1.0, guide.y)))[1]
            where = "top" if height > 0.8 else "bottom" if height < 0.2 else "center"
            side: dict[str, Any] = {"rotation": -90, "ha": "left", "va": where}
            axes.annotate(name, (1.0, guide.y), (2, 0), xycoords=place, **side, **text)
        if guide.curve is not None:
            _draw_guide_curve(axes, guide.curve, guide.label, x_scale, colour)


def _draw_guide_curve(
    axes: Axes, curve: Callable[[np.ndarray], Any], label: str, x_scale: str, colour: str
) -> None:
    """A line across the panel, named at the middle of what is seen of it."""
    wide, tall = axes.get_xlim(), axes.get_ylim()
    x = dense(np.array(wide), x_scale)
    y = np.asarray(curve(x), np.float64)
    axes.plot(x, y, color=colour, linewidth=LINE_WIDTH, linestyle=DASHES, zorder=4)
    axes.set_xlim(wide)
    axes.set_ylim(tall)
    seen = np.flatnonzero((y > tall[0]) & (y < tall[1]))
    if seen.size:
        middle = (x[seen[seen.size // 2]], y[seen[seen.size // 2]])
        axes.annotate(label, middle, (4, 4), color=colour, fontsize=FONT_SIZE, textcoords="offset points")
