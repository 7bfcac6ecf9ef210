"""A page that opens offline: what it looks like, its parts, and writing it. Nothing is fetched."""

import base64
import html
import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 1200px; padding: 1em; color: #222; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 2em; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 340px), 1fr)); gap: 1em; }
.figures > div { min-width: 0; } .figures img { max-width: 100%; } .wide { grid-column: 1 / -1; }
.scroll { overflow: auto; max-height: 30em; border: 1px solid #ddd; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.15em 0.6em; text-align: right; white-space: nowrap; }
th { position: sticky; top: 0; background: #f4f4f4; cursor: pointer; }
pre { overflow: auto; background: #f7f7f7; padding: 0.7em; } button { font: inherit; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.1em 1em; } dd { margin: 0; }
dd { overflow-wrap: anywhere; }
"""

SCRIPT = """
document.querySelectorAll(".js-plotly-plot").forEach(one => Plotly.Plots.resize(one));
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


def page_path(output: str | os.PathLike[str]) -> Path:
    """Where a page is written, if it can be, before anything is computed for it.

    Raises:
        ValueError: the output is no .html file, or Plotly is not installed.
    """
    path = Path(output).expanduser()
    if path.suffix != ".html":
        raise ValueError(f"output must be a .html file, got {str(output)!r}.")
    try:
        import plotly  # noqa: F401, PLC0415 - an extra
    except ImportError:
        raise ValueError("a report needs Plotly: pip install 'jaxmem[report]'.") from None
    return path


def write_page(path: Path, title: str, sections: Sequence[str]) -> Path:
    """Write sections of HTML as one page, the library that draws within it."""
    from plotly.offline import get_plotlyjs  # noqa: PLC0415

    page = "\n".join(
        [
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{html.escape(title)}</title><style>{STYLE}</style>",
            f"<script>{get_plotlyjs()}</script></head><body>",
            *sections,
            f"<script>{SCRIPT}</script></body></html>",
        ]
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    return path


def figure(drawn: Any) -> str:
    """A figure of Plotly."""
    options = {"displaylogo": False, "responsive": True}
    return f"<div>{drawn.to_html(full_html=False, include_plotlyjs=False, config=options)}</div>"


def picture(drawn: Figure) -> str:
    """A figure of Matplotlib, as an image over the whole width."""
    written = io.BytesIO()
    drawn.savefig(written, format="png", dpi=120)
    data = base64.b64encode(written.getvalue()).decode()
    return f'<div class="wide"><img alt="pictures" src="data:image/png;base64,{data}"></div>'


def table(text: str, name: str) -> Iterator[str]:
    """Rows of CSV as a table that is sorted by a click on a column, and to download."""
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
