"""Colours, markers and labels: the same in every figure, and none of matplotlib's global settings."""

import textwrap
from collections.abc import Sequence

import matplotlib
import numpy as np
import xarray as xr
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_rgb
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

Colour = tuple[float, float, float]

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Told apart with any colour vision. Source: Okabe and Ito, Color Universal Design (2008)."""

MARKERS = ("o", "s", "^", "v", "P", "X", "<", ">")

FONT_SIZE = 8.0
LINE_WIDTH = 1.3
MARKER_SIZE = 4.5
GREY = "0.45"
LONGEST_SYMBOL = 3
LONGEST_LABEL = 30
MOST_PLAIN_DECADES = 4.0
MOST_TICKED_DECADES = 2.4
"""A narrower axis has ticks at 1, 2 and 5 in each decade, not at 1 alone."""

MOST_OWN_TICKS = 7
LETTER = 0.022
"""Width of a tick label's letter as a share of a panel's axis."""


def colours_of(count: int, other: int = 0) -> list[Colour]:
    """A colour for each of `count` ordered values: distinct for three, along a perceptual scale for more.

    Args:
        count: how many.
        other: how many dimensions of the same figure have colours already, which these differ from.
    """
    if count <= 3:
        first = 3 * (other % 2)
        return [to_rgb(name) for name in OKABE_ITO[first : first + count]]
    scale = matplotlib.colormaps[("viridis", "Reds_r", "Greys_r")[other % 3]]
    return [
        to_rgb(scale(fraction)) for fraction in np.linspace(0.0, 0.88 if other == 0 else 0.65, count)
    ]  # their other end is too pale


def symbol_of(coordinate: xr.DataArray) -> str:
    """The symbol that ends a long name, as d in "dimension d"; the coordinate's name where there is none."""
    last = str(coordinate.attrs.get("long_name", "")).split(" ")[-1]
    return last if 0 < len(last) <= LONGEST_SYMBOL else str(coordinate.name)


def setting_text(coordinate: xr.DataArray, position: int) -> str:
    """One of a coordinate's values with its symbol, such as d = 16."""
    return f"{symbol_of(coordinate)} = {value_text(coordinate.values[position])}"


def label_of(array: xr.DataArray) -> str:
    """An array's long name as an axis label, with its unit."""
    name = str(array.attrs.get("long_name", array.name))
    first = name.split(" ", maxsplit=1)[0]
    if first.isalpha() and len(first) > 1:
        name = name[0].upper() + name[1:]
    units = str(array.attrs.get("units", "1"))
    return name if units in ("", "1") else f"{name} ({units})"


def in_lines(label: str) -> str:
    """A label in lines that fit beside a panel; one with mathematics as it is."""
    return label if "$" in label else textwrap.fill(label, LONGEST_LABEL, break_long_words=False)


def value_text(value: object) -> str:
    """A coordinate's value in a legend."""
    return f"{value:g}" if isinstance(value, int | float | np.number) else str(value)


def evenly(count: int, most: int) -> Sequence[int]:
    """At most `most` of `count` positions, evenly spread, first and last among them."""
    return [int(i) for i in np.unique(np.linspace(0, count - 1, min(count, most)).round())]


def plain_ticks(axis: Axis) -> None:
    """Label a logarithmic axis of a few decades 0.5, 1, 2 rather than in powers of ten."""
    low, high = axis.get_view_interval()
    if axis.get_scale() == "log" and np.log10(high / low) < MOST_PLAIN_DECADES:
        subs = (1.0, 2.0, 5.0) if np.log10(high / low) < MOST_TICKED_DECADES else (1.0,)
        axis.set_major_locator(LogLocator(subs=subs))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())


def own_ticks(axis: Axis, values: Float[np.ndarray, "x"]) -> None:
    """Ticks at the data's own values, where these are few and their labels have room."""
    known = np.unique(values[np.isfinite(values)])
    low, high = axis.get_view_interval()
    place = np.log if axis.get_scale() == "log" else np.asarray
    if not 1 <= len(known) <= MOST_OWN_TICKS or not low < high:
        return
    room = np.diff(place(known)) / (place(high) - place(low))
    widest = max(len(f"{value:g}") for value in known)
    if (room < LETTER * (widest + 1)).any():
        return
    axis.set_major_locator(FixedLocator(known.tolist()))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def dress(axes: Axes) -> None:
    """Spines, ticks and grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=FONT_SIZE, width=0.6, length=3)
    axes.tick_params(which="minor", width=0.4, length=1.8)
    for spine in axes.spines.values():
        spine.set_linewidth(0.6)
    axes.grid(visible=True, linewidth=0.4, color="0.9")
    axes.set_axisbelow(True)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set_fontsize(FONT_SIZE + 1)
