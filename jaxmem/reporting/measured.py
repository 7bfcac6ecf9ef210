"""The page of one's own samples: the verdict, every number beside its baseline, the tests, nearest pairs."""

import csv
import html
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from jaxmem.describing.pictures import PICTURE_DIMS
from jaxmem.measuring import Measurement, measurement_table, read_pictures
from jaxmem.measuring.measurement import LEVEL
from jaxmem.plotting import plot_pictures
from jaxmem.plotting.style import OKABE_ITO
from jaxmem.reporting.document import figure, page_path, picture, table, write_page

HEIGHT = 360


def report_measurement(
    found: Measurement,
    output: str | os.PathLike[str],
    *,
    generated: Any = None,
    train: Any = None,
) -> Path:
    """Write what `jaxmem.measure` found as a page that opens offline.

    Args:
        found: the measurement.
        output: file to write (.html).
        generated: what was measured, as it was given to `measure`: where these are images, the nearest pairs
            are shown; None shows none.
        train: likewise.

    Returns:
        The path of the page.

    Raises:
        ValueError: the output is no .html file, or Plotly is not installed.
    """
    path = page_path(output)
    verdict, *rest = measurement_table(found).split("\n\n", 1)
    parts = ["<h1>Is it copying?</h1>", f"<p>{html.escape(verdict)}</p>"]
    parts += [
        '<div class="figures">',
        *map(figure, _figures(found)),
        *_pairs(found, generated, train),
        "</div>",
    ]
    parts += [f"<pre>{html.escape(text)}</pre>" for text in rest]
    parts += ["<h2>Every number</h2>", *table(_as_csv(found), "measured")]
    return write_page(path, "jaxmem: is it copying?", parts)


def _figures(found: Measurement) -> Iterator[Any]:
    """Shares beside those of held-out samples, the p-values of all tests, and z in the cells of C_T."""
    import plotly.graph_objects as go  # noqa: PLC0415 - an extra

    shares = {"memorised fraction": found.memorised, "authenticity": found.authentic}
    ends = {
        "generated": ("value", "low", "high"),
        "held out": ("held_out", "held_out_low", "held_out_high"),
    }
    traces = []
    for (name, words), colour in zip(ends.items(), OKABE_ITO, strict=False):
        value, low, high = (np.array([getattr(share, word) for share in shares.values()]) for word in words)
        if np.isfinite(value).any():
            bars = {"type": "data", "symmetric": False, "array": high - value, "arrayminus": value - low}
            look = {"mode": "markers", "marker": {"color": colour, "size": 9}, "name": name}
            traces.append(go.Scatter(x=list(shares), y=value, error_y=bars, **look))
    yield _dressed(go.Figure(traces), "Share of the samples", yaxis={"range": [-0.03, 1.03]})
    p_values = found.p_values
    if p_values:
        names = [name.replace("_", " ") for name in p_values]
        seen = [OKABE_ITO[1] if name in found.copying_seen_by else OKABE_ITO[0] for name in p_values]
        points = go.Scatter(
            x=list(p_values.values()), y=names, mode="markers", marker={"color": seen, "size": 9}
        )
        drawn = go.Figure(points)
        drawn.add_vline(LEVEL / len(p_values), line={"color": "grey", "dash": "dash", "width": 1})
        yield _dressed(
            drawn,
            "p-value of each test, and Bonferroni's line",
            xaxis={"type": "log", "exponentformat": "power"},
        )
    cells = [cell for cell in found.data_copying.cells if cell.used]
    if cells:
        colours = [OKABE_ITO[1] if cell.copied else OKABE_ITO[0] for cell in cells]
        told = [
            f"{cell.generated} generated, {cell.held_out} held out, p = {cell.p_value:.2g}" for cell in cells
        ]
        bars = go.Bar(y=[cell.z for cell in cells], marker={"color": colours}, hovertext=told)
        yield _dressed(
            go.Figure(bars), "z of the data-copying test, by cell", xaxis={"title": {"text": "cell"}}
        )


def _dressed(drawn: Any, title: str, **axes: Any) -> Any:
    drawn.update_layout(
        template="plotly_white",
        title={"text": title, "font": {"size": 13}},
        height=HEIGHT,
        margin={"l": 60, "r": 10, "t": 50, "b": 70},
        legend={"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
        font={"family": "system-ui, sans-serif"},
        **axes,
    )
    drawn.update_yaxes(automargin=True)
    return drawn


def _pairs(found: Measurement, generated: Any, train: Any) -> Iterator[str]:
    """The nearest pairs as pictures, where both are images of one shape."""
    if generated is None or train is None or not found.nearest_pairs:
        return
    images = [read_pictures(name, one) for name, one in (("generated", generated), ("train", train))]
    if any(one is None for one in images):
        return
    chosen = {
        "generated": [pair.generated for pair in found.nearest_pairs],
        "nearest training images": [pair.train for pair in found.nearest_pairs],
    }
    rows: dict[str, tuple[tuple[str, ...], Float[np.ndarray, "picture height width channel"]]] = {
        name: (PICTURE_DIMS, one[places])
        for (name, places), one in zip(chosen.items(), images, strict=True)
        if one is not None
    }
    yield picture(plot_pictures(xr.Dataset(rows)))


def _as_csv(found: Measurement) -> str:
    """Names and values; what is a list of its own, cells and pairs, is in the text above."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(["name", "value"])
    for name, value in found.as_dict().items():
        if isinstance(value, dict):
            for distance, gap in value.items():
                rows.writerows([f"{distance}_{word}", number] for word, number in gap.items())
        elif not isinstance(value, list):
            rows.writerow([name, value])
    return written.getvalue()
