"""One self-contained page of one store or several: figures, tables, configuration; nothing is fetched."""

import html
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from jaxmem import _checks as check
from jaxmem.describing.settings import flattened
from jaxmem.plotting import plot_pictures
from jaxmem.plotting.cells import cells_of
from jaxmem.plotting.choice import panels_of
from jaxmem.plotting.palette import palette_of
from jaxmem.plotting.pictures import generic_pictures
from jaxmem.plotting.quantity import configuration_of
from jaxmem.reporting.document import figure, page_path, picture, table, write_page
from jaxmem.statistics import summarise
from jaxmem.statistics.export import as_csv
from jaxmem.statistics.table import fit_lines
from jaxmem.sweeping import open_store


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
    path = page_path(output)
    every: list[Any] = [stores] if isinstance(stores, str | os.PathLike | xr.Dataset) else list(stores)
    if not every:
        raise ValueError("stores must hold at least one store, got none.")
    sections = [_section(one, number, confidence) for number, one in enumerate(every)]
    return write_page(path, f"jaxmem: {', '.join(map(_title, every))}", sections)


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
    parts += ["<h2>Summary</h2>", *table(as_csv(summary), f"summary-{number + 1}")]
    parts += ["<h2>How it was made</h2>", *_origin(dataset, None if given else Path(store))]
    return "\n".join(parts)


def _figures(dataset: xr.Dataset, confidence: float) -> Iterator[str]:
    """Every cell of every panel; pictures as images."""
    from jaxmem.reporting.interactive import interactive  # noqa: PLC0415 - needs Plotly

    panels = panels_of(dataset)
    cells = [cell for panel in panels if not panel.pictures for cell in cells_of(dataset, panel, confidence)]
    curved = [cell for cell in cells if cell.panel.y is None]
    palette = palette_of(dataset, ((cell.panel, cell.hue) for cell in curved))
    for cell in cells:
        yield figure(interactive(dataset, cell, palette))
    pictures = tuple(panel for panel in panels if panel.pictures) or generic_pictures(dataset)
    if pictures:
        yield picture(plot_pictures(dataset, pictures))


def _origin(dataset: xr.Dataset, store: Path | None) -> Iterator[str]:
    """Command, configuration, seed, device and versions."""
    study = dataset.attrs.get("study")
    written = None if store is None else store.with_name(f"{store.name.removesuffix('.zarr')}.toml")
    if study and written is not None and written.is_file():
        command = f"jaxmem run {study} --config {written} --store {store}"
        text = written.read_text(encoding="utf-8")
        yield f"<pre>{html.escape(command)}</pre><pre>{html.escape(text)}</pre>"
    attributes = dataset.attrs
    facts = {
        key: attributes[key]
        for key in ("seed", "device", "float64", "image_products", "created")
        if key in attributes
    }
    facts |= json.loads(dataset.attrs.get("versions", "{}"))
    facts |= flattened(configuration_of(dataset))
    yield "<dl>"
    for key, value in facts.items():
        yield f"<dt>{html.escape(str(key))}</dt><dd>{html.escape(str(value))}</dd>"
    yield "</dl>"
