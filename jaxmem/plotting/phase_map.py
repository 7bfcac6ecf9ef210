"""A panel that is a map: a quantity in colour over two coordinates, theory as contours."""

import matplotlib
import numpy as np
import xarray as xr
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.contour import QuadContourSet
from matplotlib.patheffects import AbstractPathEffect, withStroke

from jaxmem.describing.panels import Panel
from jaxmem.plotting.marks import draw_guides
from jaxmem.plotting.quantity import Quantity, dense, fixed_coordinates, theory_along
from jaxmem.plotting.style import FONT_SIZE, label_of, plain_ticks


def draw_map(axes: Axes, dataset: xr.Dataset, panel: Panel, quantity: Quantity) -> None:
    """Draw a quantity over (panel.x, panel.y): missing points grey, infinite ones white."""
    assert panel.y is not None
    values = quantity.estimate.transpose(panel.y, panel.x).values
    x, y = (np.asarray(dataset[name].values, np.float64) for name in (panel.x, panel.y))
    infinite = np.isposinf(values)
    known = values[np.isfinite(values)] if np.isfinite(values).any() else np.array([0.0, 1.0])
    low, high = panel.limits
    low = known.min() if low is None else low
    high = known.max() if high is None else high
    colours = matplotlib.colormaps["viridis"].with_extremes(bad="0.85", over="white")
    shown = np.where(infinite, high + 1.0, values.clip(low, high))
    mesh = axes.pcolormesh(
        cell_edges(x, panel.x_scale), cell_edges(y, panel.y_scale), shown, cmap=colours, vmin=low, vmax=high
    )
    axes.set_xscale(panel.x_scale)
    axes.set_yscale(panel.y_scale)
    beyond = bool((known < low).any()), bool(infinite.any() or (known > high).any())
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}
    bar = axes.figure.colorbar(mesh, ax=axes, extend=extend[beyond], pad=0.02)
    bar.set_label(panel.y_label or label_of(quantity.estimate), size=FONT_SIZE + 1)
    bar.ax.tick_params(labelsize=FONT_SIZE, width=0.6, length=3)
    bar.outline.set_linewidth(0.6)
    _draw_contours(axes, dataset, panel, quantity, x, y, bar.get_ticks()[1:-1])
    draw_guides(axes, panel.guides, panel.x_scale, "white")
    axes.set_xlabel(label_of(dataset[panel.x]))
    axes.set_ylabel(label_of(dataset[panel.y]))
    plain_ticks(axes.xaxis)
    plain_ticks(axes.yaxis)
    axes.grid(visible=False)


def has_contours(axes: Axes) -> bool:
    """Whether theory was drawn on a map."""
    return any(isinstance(drawn, QuadContourSet) for drawn in axes.collections)


def _draw_contours(
    axes: Axes,
    dataset: xr.Dataset,
    panel: Panel,
    quantity: Quantity,
    x: Float[np.ndarray, "x"],
    y: Float[np.ndarray, "y"],
    levels: Float[np.ndarray, "level"],
) -> None:
    """Theory as contours at those levels that it reaches."""
    curve = panel.curves[0]
    if curve.theory is None:
        return
    x, y = dense(x, panel.x_scale), dense(y, panel.y_scale)
    along = {panel.x: x[None, :], str(panel.y): y[:, None]}
    prediction = theory_along(curve, dataset, fixed_coordinates(quantity.estimate) | along)
    known = prediction[np.isfinite(prediction)]
    if known.size:
        levels = levels[(levels > known.min()) & (levels < known.max())]
    if not known.size or not levels.size:
        return
    contours = axes.contour(x, y, prediction, levels=levels, colors="black", linewidths=0.8)
    halo: list[AbstractPathEffect] = [
        withStroke(linewidth=2.0, foreground="white")
    ]  # black alone is lost on the dark end
    contours.set(path_effects=halo)
    for text in axes.clabel(contours, fontsize=FONT_SIZE - 1, fmt="%g"):
        text.set_path_effects(halo)


def cell_edges(centres: Float[np.ndarray, "x"], scale: str) -> Float[np.ndarray, "x+1"]:
    """Edges half-way between centres, on the axis's own scale."""
    if scale == "log":
        return np.exp(cell_edges(np.log(centres), "linear"))
    gaps = np.diff(centres) if len(centres) > 1 else np.ones(1)
    first, last = centres[0] - gaps[0] / 2, centres[-1] + gaps[-1] / 2
    return np.concatenate([[first], (centres[1:] + centres[:-1]) / 2, [last]])
