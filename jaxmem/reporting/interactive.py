"""The cells of a figure as interactive ones: values and intervals on hovering, zoom, curves to hide."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from matplotlib.colors import to_hex

from jaxmem.describing.panels import Panel
from jaxmem.plotting import palette
from jaxmem.plotting.cells import Cell, cell_title
from jaxmem.plotting.palette import Look, Palette, name_of
from jaxmem.plotting.quantity import Quantity, theory_line
from jaxmem.plotting.style import label_of, setting_text

SYMBOLS = {
    "o": "circle",
    "s": "square",
    "^": "triangle-up",
    "v": "triangle-down",
    "P": "cross",
    "X": "x",
    "<": "triangle-left",
    ">": "triangle-right",
}
FILLS = {
    "full": "",
    "none": "-open",
    "left": "-open-dot",
    "bottom": "-dot",
    "right": "-open-dot",
    "top": "-dot",
}
"""What the fills of a figure are here, which has no half-filled symbols."""

DASHES = dict(zip(palette.DASHES, ("solid", "dash", "dashdot", "dot"), strict=True))

HEIGHT, ROW = 370, 22
"""Pixels of a figure without its legend, and of a row of that."""

NARROW = 300
"""Pixels that a row of the legend has at least; a name takes eight a letter, and forty for its line."""


def interactive(dataset: xr.Dataset, cell: Cell, meanings: Palette) -> go.Figure:
    """A cell that is no picture: a map, or simulation as points with bars and theory as lines."""
    panel = cell.panel
    traces = [_map(dataset, cell)] if panel.y is not None else list(_curves(dataset, cell, meanings))
    figure = go.Figure(traces)
    below = ROW * _rows([trace.name for trace in traces if trace.name and trace.showlegend is not False])
    first = cell.quantities[0].estimate
    y_label = label_of(dataset[panel.y]) if panel.y is not None else panel.y_label or label_of(first)
    figure.update_layout(
        template="plotly_white",
        title={"text": _plain(cell_title(dataset, cell)), "font": {"size": 14}},
        xaxis={"title": {"text": _plain(label_of(dataset[panel.x]))}, "type": panel.x_scale},
        yaxis={"title": {"text": _plain(y_label)}, "type": panel.y_scale, "range": _range(panel)},
        height=HEIGHT + below,
        margin={"l": 60, "r": 10, "t": 75, "b": 60 + below},
        legend={"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
        hovermode="closest",
        font={"family": "system-ui, sans-serif"},
        updatemenus=_scales(panel),
    )
    for guide in panel.guides:
        if guide.x is not None:
            figure.add_vline(guide.x, line={"color": "grey", "dash": "dash", "width": 1})
        if guide.y is not None:
            figure.add_hline(guide.y, line={"color": "grey", "dash": "dash", "width": 1})
    return figure


def _rows(names: Sequence[str]) -> int:
    """Rows of a legend: columns are as wide as the longest name."""
    across = max(1, NARROW // max((40 + 8 * len(name) for name in names), default=NARROW))
    return -(-len(names) // across)


def _curves(dataset: xr.Dataset, cell: Cell, meanings: Palette) -> Iterator[go.Scatter]:
    panel, hue = cell.panel, cell.hue
    count = 1 if hue is None else dataset.sizes[hue]
    for i, quantity in enumerate(cell.quantities):
        for j in range(count):
            one = quantity.at({hue: j})
            look = meanings.look(panel, i, hue, j)
            colour, name = to_hex(look.colour), _name(dataset, panel, i, hue, j)
            group = f"{i} {j}"
            yield _simulation(dataset, panel, one, name, group, look)
            if panel.curves[i].theory is not None:
                line = theory_line(panel, i, dataset, one)
                if np.isfinite(line[1]).any():
                    yield go.Scatter(
                        x=line[0],
                        y=line[1],
                        mode="lines",
                        line={"color": colour, "width": 1.5},
                        name=f"{name}, theory",
                        legendgroup=group,
                        showlegend=False,
                        hovertemplate=f"theory: %{{y:.5g}}<extra>{name}</extra>",
                    )
    if cell.transitions is not None:
        yield from _transitions(cell.transitions, hue, count, meanings, panel)


def _simulation(
    dataset: xr.Dataset, panel: Panel, one: Quantity, name: str, group: str, look: Look
) -> go.Scatter:
    """Points with bars; hovering tells value, interval, n and replicates."""
    estimate, low, high = (np.asarray(each.values, np.float64) for each in (one.estimate, one.low, one.high))
    told = [low, high, _beside(dataset, one, "n"), _finished(dataset, one)]
    shown = np.where(np.isfinite(estimate), estimate, np.nan)
    bars = {
        "type": "data",
        "symmetric": False,
        "array": np.nan_to_num(high - estimate, posinf=0.0, neginf=0.0),
        "arrayminus": np.nan_to_num(estimate - low, posinf=0.0, neginf=0.0),
        "width": 2,
        "thickness": 1,
    }
    return go.Scatter(
        x=one.estimate[panel.x].values,
        y=shown,
        error_y=bars,
        mode="lines+markers" if panel.joined else "markers",
        marker={
            "color": to_hex(look.colour),
            "symbol": SYMBOLS.get(look.marker, "circle") + FILLS[look.fill],
            "size": 5 if panel.joined else 8,
        },
        line={"color": to_hex(look.colour), "width": 1.2, "dash": DASHES[look.dashes]},
        name=name,
        legendgroup=group,
        customdata=np.stack(np.broadcast_arrays(*told), -1),
        hovertemplate=(
            "%{x:.5g}: %{y:.5g} [%{customdata[0]:.5g}, %{customdata[1]:.5g}]<br>"
            f"n = %{{customdata[2]:.0f}}, %{{customdata[3]:.0f}} replicates<extra>{name}</extra>"
        ),
    )


def _transitions(
    transitions: xr.Dataset, hue: str | None, count: int, meanings: Palette, panel: Panel
) -> Iterator[go.Scatter]:
    """A diamond where P crosses its level, with the interval of the location."""
    for j in range(count):
        one = transitions.isel({hue: j}, missing_dims="ignore")
        x, low, high = (float(one[f"location{end}"]) for end in ("", "_low", "_high"))
        if not np.isfinite(x):
            continue
        bar = {"type": "data", "symmetric": False, "array": [high - x], "arrayminus": [x - low]}
        yield go.Scatter(
            x=[x],
            y=[transitions.attrs["level"]],
            error_x=bar if np.isfinite([low, high]).all() else None,
            mode="markers",
            marker={
                "symbol": "diamond-open",
                "size": 11,
                "color": to_hex(meanings.look(panel, 0, hue, j).colour),
            },
            name="transition",
            showlegend=False,
            hovertemplate=f"transition at {x:.4g} [{low:.4g}, {high:.4g}]<extra></extra>",
        )


def _map(dataset: xr.Dataset, cell: Cell) -> go.Heatmap:
    panel, quantity = cell.panel, cell.quantities[0]
    low, high = panel.limits
    return go.Heatmap(
        x=dataset[panel.x].values,
        y=dataset[panel.y].values,
        z=quantity.estimate.transpose(panel.y, panel.x).values,
        zmin=low,
        zmax=high,
        colorscale="Viridis",
        colorbar={"title": {"text": _plain(panel.y_label or label_of(quantity.estimate)), "side": "right"}},
        hovertemplate="%{x:.5g}, %{y:.5g}: %{z:.5g}<extra></extra>",
    )


def _name(dataset: xr.Dataset, panel: Panel, curve: int, hue: str | None, value: int) -> str:
    words = [name_of(panel, curve)] if len(panel.curves) > 1 or hue is None else []
    if hue is not None:
        words.append(setting_text(dataset[hue], value))
    return _plain(", ".join(words))


def _beside(dataset: xr.Dataset, one: Quantity, name: str) -> np.ndarray:
    """A further coordinate at each point, NaN where there is none."""
    estimate = one.estimate
    if name not in estimate.coords:
        name = "samples" if "samples" in estimate.coords else name
    if name not in estimate.coords:
        return np.full(estimate.shape, np.nan)
    return np.asarray(estimate[name].broadcast_like(estimate).values, np.float64)


def _finished(dataset: xr.Dataset, one: Quantity) -> np.ndarray:
    """Finished replicates at each point."""
    if "completed" not in dataset:
        return np.full(one.estimate.shape, float(dataset.sizes["replicate"]))
    done = dataset["completed"].sum("replicate")
    here = {
        dim: one.estimate[dim].item()
        for dim in done.dims
        if dim not in one.estimate.dims and dim in one.estimate.coords
    }
    return np.asarray(done.sel(here).broadcast_like(one.estimate).values, np.float64)


def _range(panel: Panel) -> list[float] | None:
    """The declared limits, where both are."""
    low, high = panel.limits
    return None if low is None or high is None or panel.y_scale == "log" else [low, high]


def _scales(panel: Panel) -> list[dict[str, Any]]:
    """A button per axis, above the figure, between linear and logarithmic."""
    if panel.y is not None:
        return []
    other = {"linear": "log", "log": "linear"}
    buttons = [
        {
            "label": f"{axis}: linear/log",
            "method": "relayout",
            "args": [{f"{axis}axis.type": other[scale]}],
            "args2": [{f"{axis}axis.type": scale}],  # a second click
        }
        for axis, scale in (("x", panel.x_scale), ("y", panel.y_scale))
    ]
    place = {"x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "pad": {"b": 6}}
    looks = {"type": "buttons", "direction": "right", "showactive": False, "font": {"size": 10}}
    return [{"buttons": buttons, **looks, **place}]


def _plain(text: str) -> str:
    """A label without the marks of mathematics, which the page does not typeset."""
    return text.replace("$", "").replace("{", "").replace("}", "")
