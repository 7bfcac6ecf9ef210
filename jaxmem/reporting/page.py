"""One self-contained page of one store or several: figures, tables, configuration; nothing is fetched."""

import base64
import html
import io
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from jaxmem import _checks as check
from jaxmem.describing.settings import flattened
from jaxmem.plotting import plot_pictures
from jaxmem.plotting.cells import cells_of
from jaxmem.plotting.choice import panels_of
from jaxmem.plotting.palette import palette_of
from jaxmem.plotting.pictures import generic_pictures
from jaxmem.plotting.quantity import configuration_of
from jaxmem.statistics import summarise
from jaxmem.statistics.export import as_csv
from jaxmem.statistics.table import fit_lines
from jaxmem.sweeping import open_store

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 1200px; padding: 1em; color: #222; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 2em; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: 1em; }
.figures img { max-width: 100%; } .wide { grid-column: 1 / -1; }
.scroll { overflow: auto; max-height: 30em; border: 1px solid #ddd; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.15em 0.6em; text-align: right; white-space: nowrap; }
th { position: sticky; top: 0; background: #f4f4f4; cursor: pointer; }
pre { overflow: auto; background: #f7f7f7; padding: 0.7em; } button { font: inherit; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.1em 1em; } dd { margin: 0; }
dd { overflow-wrap: anywhere; }
"""

SCRIPT = """
document.querySelectorAll("table").forEach(table => table.querySelectorAll("th").forEach((head, column) => {
  let rising = false;
  head.addEventListener("click", () => {
    rising = !rising;
    const body = table.tBodies[0], value = row => row.cells[column].dataset.value;
    [...body.rows].sort((a, b) => {
      const x = parseFloat(value(a)), y = parseFloat(value(b));
      const order = isNaN(x) || isNaN(y) ? isNaN(x) - isNaN(y) : x - y;
      return rising ? order : -order;
    }).forEach(row => body.appendChild(row));
  });
}));
document.querySelectorAll("button[data-csv]").forEach(button => button.addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([document.getElementById(button.dataset.csv).textContent]));
  link.download = button.dataset.csv + ".csv";
  link.click();
}));
"""


def report(
    stores: str | os.PathLike[str] | xr.Dataset | Sequence[Any],
    output: str | os.PathLike[str],
    *,
    confidence: float = 0.95,
) -> Path:
    """Write a page of stores that opens offline.

    The panels are those of `jaxmem.plotting.plot`, with the same estimates, intervals, theory and colours, to
    hover over, zoom, and hide curves in; then exponents and transitions, the summary as a table that sorts
    and downloads, pictures where there are any, and what made the store.

    Args:
        stores: a path, a dataset, or several.
        output: file to write (.html).
        confidence: of the intervals, above 0 and below 1.

    Returns:
        The path of the page.

    Raises:
        ValueError: the output is no .html file, or Plotly is not installed.
        StoreError: a store cannot be read.
    """
    check.real_number("confidence", confidence, above=0.0, below=1.0)
    path = Path(output).expanduser()
    if path.suffix != ".html":
        raise ValueError(f"output must be a .html file, got {str(output)!r}.")
    every: list[Any] = [stores] if isinstance(stores, str | os.PathLike | xr.Dataset) else list(stores)
    if not every:
        raise ValueError("stores must hold at least one store, got none.")
    try:
        from plotly.offline import get_plotlyjs  # noqa: PLC0415 - an extra
    except ImportError:
        raise ValueError("a report needs Plotly: pip install 'jaxmem[report]'.") from None
    sections = [_section(one, number, confidence) for number, one in enumerate(every)]
    page = "\n".join(
        [
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>jaxmem: {html.escape(', '.join(map(_title, every)))}</title><style>{STYLE}</style>",
            f"<script>{get_plotlyjs()}</script></head><body>",
            *sections,
            f"<script>{SCRIPT}</script></body></html>",
        ]
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    return path


def _title(store: Any) -> str:
    return str(store.attrs.get("study", "")) if isinstance(store, xr.Dataset) else Path(store).name


def _section(store: Any, number: int, confidence: float) -> str:
    given = isinstance(store, xr.Dataset)
    dataset = store.load() if given else open_store(store, load=True)
    summary = summarise(dataset, confidence=confidence)
    name = dataset.attrs.get("study", "results")
    parts = [f"<h1>{html.escape(str(name))}</h1>"]
    parts += ['<div class="figures">', *_figures(dataset, confidence), "</div>"]
    fits = fit_lines(dataset, summary)
    if fits:
        said = "\n".join(fits).strip()
        parts += ["<h2>Exponents and transitions</h2>", f"<pre>{html.escape(said)}</pre>"]
    parts += ["<h2>Summary</h2>", *_table(summary, f"summary-{number + 1}")]
    parts += ["<h2>How it was made</h2>", *_origin(dataset, None if given else Path(store))]
    return "\n".join(parts)


def _figures(dataset: xr.Dataset, confidence: float) -> Iterator[str]:
    """Every cell of every panel; pictures as images."""
    from jaxmem.reporting.interactive import interactive  # noqa: PLC0415 - needs Plotly

    panels = panels_of(dataset)
    cells = [cell for panel in panels if not panel.pictures for cell in cells_of(dataset, panel, confidence)]
    curved = [cell for cell in cells if cell.panel.y is None]
    palette = palette_of(dataset, ((cell.panel, cell.hue) for cell in curved))
    options = {"displaylogo": False, "responsive": True}
    for cell in cells:
        figure = interactive(dataset, cell, palette)
        yield f"<div>{figure.to_html(full_html=False, include_plotlyjs=False, config=options)}</div>"
    pictures = tuple(panel for panel in panels if panel.pictures) or generic_pictures(dataset)
    if pictures:
        drawn = io.BytesIO()
        plot_pictures(dataset, pictures).savefig(drawn, format="png", dpi=120)
        data = base64.b64encode(drawn.getvalue()).decode()
        yield f'<div class="wide"><img alt="pictures" src="data:image/png;base64,{data}"></div>'


def _table(summary: xr.Dataset, name: str) -> Iterator[str]:
    """A row per point, sorted by a click on a column, and the same as CSV."""
    text = as_csv(summary)
    head, *rows = (line.split(",") for line in text.splitlines())
    yield f'<button data-csv="{name}">Download CSV</button>'
    yield f'<script type="text/csv" id="{name}">{text}</script>'
    yield '<div class="scroll"><table><thead><tr>'
    yield "".join(f"<th>{html.escape(one)}</th>" for one in head)
    yield "</tr></thead><tbody>"
    for row in rows:
        cells = (f'<td data-value="{html.escape(one)}">{html.escape(_short(one))}</td>' for one in row)
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody></table></div>"


def _short(text: str) -> str:
    """A number to five digits."""
    try:
        value = float(text)
    except ValueError:
        return text
    return f"{value:.5g}" if np.isfinite(value) else text


def _origin(dataset: xr.Dataset, store: Path | None) -> Iterator[str]:
    """Command, configuration, seed, device and versions."""
    study = dataset.attrs.get("study")
    written = None if store is None else store.with_name(f"{store.name.removesuffix('.zarr')}.toml")
    if study and written is not None and written.is_file():
        command = f"jaxmem run {study} --config {written} --store {store}"
        text = written.read_text(encoding="utf-8")
        yield f"<pre>{html.escape(command)}</pre><pre>{html.escape(text)}</pre>"
    attributes = dataset.attrs
    facts = {key: attributes[key] for key in ("seed", "device", "float64", "created") if key in attributes}
    facts |= json.loads(dataset.attrs.get("versions", "{}"))
    facts |= flattened(configuration_of(dataset))
    yield "<dl>"
    for key, value in facts.items():
        yield f"<dt>{html.escape(str(key))}</dt><dd>{html.escape(str(value))}</dd>"
    yield "</dl>"
