"""How the transition moves: its location and width over the dimension, with the fitted power laws."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from jaxmem.plotting.inline import InlineFigure
from jaxmem.plotting.quantity import dense
from jaxmem.plotting.style import (
    FONT_SIZE,
    GREY,
    LINE_WIDTH,
    MARKER_SIZE,
    OKABE_ITO,
    dress,
    label_of,
    own_ticks,
    plain_ticks,
    symbol_of,
)
from jaxmem.statistics import finite_size_scaling


def plot_transition(transitions: xr.Dataset, against: str = "dim") -> InlineFigure:
    """Draw location and width of a transition over one dimension, each with its power law.

    Bars are bootstrap intervals, to the edge where they are unbounded. Where a curve does not cross inside
    its grid, a triangle marks the bound and points to where the crossing is.

    Args:
        transitions: as `jaxmem.statistics.transition` returns, over `against` alone.
        against: a dimension with positive coordinate values, such as `dim` or `reference_size`.
    """
    if transitions["location"].dims != (against,):
        dims = transitions["location"].dims
        raise ValueError(f"transitions must have the dimension {against} only, got {dims}; select the rest.")
    law = finite_size_scaling(transitions, against, confidence=transitions.attrs["confidence"])
    figure = InlineFigure(6.6, 2.9)
    for axes, name, letter in zip(figure.subplots(1, 2), ("location", "width"), "ab", strict=True):
        dress(axes)
        axes.set_xscale("log")
        axes.set_yscale("log")
        _draw_estimates(axes, transitions, name, against)
        _draw_law(axes, transitions[against], law, name)
        axes.set_xlabel(label_of(transitions[against]))
        axes.set_ylabel(label_of(transitions[name]))
        axes.set_title(letter, loc="left", fontsize=FONT_SIZE + 2, fontweight="bold")
        plain_ticks(axes.xaxis)
        plain_ticks(axes.yaxis)
        own_ticks(axes.xaxis, transitions[against].values.astype(float))
    note = f"bars: {transitions.attrs['confidence']:.0%} bootstrap intervals; triangles: bounds"
    figure.supxlabel(note, fontsize=FONT_SIZE - 2, color=GREY, x=0.01, ha="left")
    return figure


def _draw_estimates(axes: Axes, transitions: xr.Dataset, name: str, against: str) -> None:
    x = transitions[against].values.astype(float)
    estimate, low, high = (transitions[f"{name}{end}"].values for end in ("", "_low", "_high"))
    style: dict[str, Any] = {"color": OKABE_ITO[0], "zorder": 3}
    bars = np.nan_to_num(np.abs([estimate - low, high - estimate]), posinf=0.0)
    axes.errorbar(
        x, estimate, yerr=bars, fmt="o", markersize=MARKER_SIZE, capsize=2.0, elinewidth=1.0, **style
    )
    for bound, marker, known in ((low, "^", low > 0), (high, "v", np.isfinite(high))):
        where = np.isnan(estimate) & known & (np.isinf(high) | (low <= 0))
        axes.plot(x[where], bound[where], marker, markerfacecolor="none", **style)
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom, top)
    axes.vlines(x[np.isinf(high)], estimate[np.isinf(high)], top, linewidth=1.0, **style)
    axes.vlines(x[low <= 0], bottom, estimate[low <= 0], linewidth=1.0, **style)


def _draw_law(axes: Axes, coordinate: xr.DataArray, law: xr.Dataset, name: str) -> None:
    """The fitted line, with its exponent and interval in the legend."""
    exponent, low, high = (law[f"{name}_exponent{end}"].item() for end in ("", "_low", "_high"))
    if np.isnan(exponent):
        return
    x = dense(coordinate.values.astype(float), "log")
    text = f"∝ ${symbol_of(coordinate)}^{{{exponent:.2f}}}$, exponent in [{low:.2f}, {high:.2f}]"
    axes.plot(x, law[f"{name}_prefactor"].item() * x**exponent, color=GREY, linewidth=LINE_WIDTH, label=text)
    axes.legend(fontsize=FONT_SIZE, frameon=False)
