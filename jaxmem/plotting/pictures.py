"""A panel of pictures: rows of images that belong together, column by column, over a coordinate."""

import itertools
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from jaxmem.describing.panels import Curve, Panel
from jaxmem.describing.pictures import PICTURE_DIMS
from jaxmem.plotting.style import FONT_SIZE, dress, evenly, label_of, setting_text, value_text

MOST_PICTURES = 6
"""Pictures of one point that are shown."""

MOST_BLOCKS = 8
"""Values of the coordinate that are shown."""

MISSING = 0.85
"""Grey of a picture that is not finished, and of what lies between pictures white."""

INCHES_PER_PICTURE = 0.42
"""Side of a picture in a figure of its own."""


def is_pictures(variable: xr.DataArray) -> bool:
    """Whether a variable holds images."""
    return set(PICTURE_DIMS) <= set(variable.dims)


def generic_pictures(dataset: xr.Dataset) -> tuple[Panel, ...]:
    """One panel of all variables that hold images, over their first dimension of more than one value."""
    found = [str(name) for name, variable in dataset.data_vars.items() if is_pictures(variable)]
    if not found:
        return ()
    sizes = {
        dim: size
        for dim, size in dataset[found[0]].sizes.items()
        if dim not in (*PICTURE_DIMS, "replicate") and dim in dataset.coords
    }
    over = next((dim for dim, size in sizes.items() if size > 1), next(iter(sizes), "picture"))
    return (Panel(tuple(Curve(name) for name in found), x=str(over), pictures=True),)


def picture_choices(dataset: xr.Dataset, panel: Panel, most: int) -> list[dict[Hashable, int]]:
    """Positions of the dimensions that the panel does not show, at most this many of them."""
    sizes: dict[Hashable, int] = {}
    for curve in panel.curves:
        variable = dataset[curve.variable]
        if not is_pictures(variable):
            raise ValueError(
                f"{curve.variable} must have the dimensions {', '.join(PICTURE_DIMS)} to be drawn as "
                f"pictures, got {', '.join(map(str, variable.dims))}."
            )
        sizes |= variable.sizes
    facets = [dim for dim in sizes if dim not in (*PICTURE_DIMS, "replicate", panel.x)]
    every = list(itertools.product(*(range(sizes[dim]) for dim in facets)))
    return [dict(zip(facets, every[k], strict=True)) for k in evenly(len(every), most)]


def draw_pictures(axes: Axes, dataset: xr.Dataset, panel: Panel, chosen: Mapping[Hashable, int]) -> None:
    """Draw the panel's variables as rows of pictures, a block of columns per value of `x`."""
    rows = [_row(dataset, panel, curve, chosen) for curve in panel.curves]
    low, high = _range(panel, rows)
    shown = np.stack([(row - low) / (high - low) for row in rows])
    strips, blocks, count, height, width, channels = shown.shape
    shown = np.where(np.isfinite(shown).all((-3, -2, -1), keepdims=True), shown.clip(0, 1), MISSING)
    colours = shown if channels >= 3 else np.repeat(shown[..., :1], 3, -1)
    gap = max(1, round(height / 8))
    block = count * (width + gap) + gap  # two gaps between blocks
    canvas = np.ones((strips * (height + gap) - gap, blocks * block - 2 * gap, 3))
    for i, j, k in itertools.product(range(strips), range(blocks), range(count)):
        top, left = i * (height + gap), j * block + k * (width + gap)
        canvas[top : top + height, left : left + width] = colours[i, j, k, ..., :3]
    axes.imshow(canvas, interpolation="nearest", extent=(0, canvas.shape[1], canvas.shape[0], 0))
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    labels = [curve.label or label_of(dataset[curve.variable]) for curve in panel.curves]
    axes.set_yticks([i * (height + gap) + height / 2 for i in range(strips)], labels, fontsize=FONT_SIZE)
    if panel.x in PICTURE_DIMS:
        axes.set_xticks([])
        return
    coordinate = dataset[panel.x]
    values = [value_text(coordinate.values[j]) for j in evenly(coordinate.size, MOST_BLOCKS)]
    middle = (block - 2 * gap) / 2
    axes.set_xticks([j * block + middle for j in range(blocks)], values, fontsize=FONT_SIZE)
    axes.set_xlabel(label_of(coordinate), fontsize=FONT_SIZE + 1)


def plot_pictures(dataset: xr.Dataset, panels: Sequence[Panel] | None = None) -> Figure:
    """A figure of pictures alone, as large as they need.

    Args:
        dataset: as `jaxmem.sweep` or `jaxmem.open_store` returns.
        panels: panels of pictures, one below the other; by default one of all variables that hold images.

    Returns:
        A figure of its own canvas, to `save`.

    Raises:
        ValueError: there are no pictures.
    """
    chosen = generic_pictures(dataset) if panels is None else tuple(panels)
    if not chosen:
        raise ValueError(f"dataset must hold variables with the dimensions {', '.join(PICTURE_DIMS)}.")
    cells = [(panel, choice) for panel in chosen for choice in picture_choices(dataset, panel, MOST_BLOCKS)]
    across = max(_columns(dataset, panel) for panel in chosen)
    down = [len(panel.curves) for panel, _ in cells]
    size = (INCHES_PER_PICTURE * across + 1.6, sum(INCHES_PER_PICTURE * rows + 0.6 for rows in down))
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(len(cells), 1, height_ratios=[rows + 1 for rows in down])
    for k, (panel, choice) in enumerate(cells):
        axes = figure.add_subplot(grid[k])
        dress(axes)
        named = [setting_text(dataset[dim], i) for dim, i in choice.items() if dim in dataset.coords]
        axes.set_title(", ".join(filter(None, [panel.title, *named])), fontsize=FONT_SIZE + 1)
        draw_pictures(axes, dataset, panel, choice)
    return figure


def _columns(dataset: xr.Dataset, panel: Panel) -> int:
    sizes = dataset[panel.curves[0].variable].sizes
    blocks = 1 if panel.x in PICTURE_DIMS else min(sizes.get(panel.x, 1), MOST_BLOCKS)
    return blocks * min(sizes["picture"], MOST_PICTURES)


def _row(
    dataset: xr.Dataset, panel: Panel, curve: Curve, chosen: Mapping[Hashable, int]
) -> Float[np.ndarray, "block picture h w c"]:
    """One variable at the shown values of x: of the first replicate that is finished there."""
    variable = dataset[curve.variable].isel(dict(chosen), missing_dims="ignore")
    for dim in ("replicate", panel.x):
        if dim not in variable.dims:
            variable = variable.expand_dims(dim)
    if panel.x in PICTURE_DIMS:
        variable = variable.expand_dims("block")
        over = "block"
    else:
        over = panel.x
    variable = variable.transpose(over, "replicate", *PICTURE_DIMS)
    blocks = evenly(variable.sizes[over], MOST_BLOCKS)
    few = slice(0, MOST_PICTURES)
    found = []
    for j in blocks:
        here = np.asarray(variable[j, :, few].values, np.float64)
        finished = np.isfinite(here).all((1, 2, 3, 4))
        found.append(here[np.argmax(finished)])
    return np.stack(found)


def _range(panel: Panel, rows: Sequence[Any]) -> tuple[float, float]:
    """What is black and what is white: the panel's limits, else the least and greatest pixel of all."""
    known = np.concatenate([row[np.isfinite(row)] for row in rows])
    low, high = panel.limits
    low = (known.min() if known.size else 0.0) if low is None else low
    high = (known.max() if known.size else 1.0) if high is None else high
    return float(low), float(high) if high > low else float(low) + 1.0
