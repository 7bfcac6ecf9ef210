"""What a panel becomes on a store: a cell for every choice among the dimensions that it does not show."""

import itertools
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import xarray as xr

from jaxmem.describing.panels import Panel
from jaxmem.plotting.pictures import picture_choices
from jaxmem.plotting.quantity import Quantity, quantity_of
from jaxmem.plotting.style import evenly, setting_text
from jaxmem.statistics import transition

MOST_FACETS = 6


@dataclass(frozen=True)
class Cell:
    """One pair of axes to draw: a panel at chosen positions of the dimensions it does not show."""

    panel: Panel
    quantities: tuple[Quantity, ...]
    transitions: xr.Dataset | None
    hue: str | None
    chosen: Mapping[Hashable, int]


def cells_of(dataset: xr.Dataset, panel: Panel, confidence: float) -> list[Cell]:
    """A panel once for every choice among the dimensions it does not show."""
    if panel.pictures:
        choices = picture_choices(dataset, panel, MOST_FACETS)
        return [Cell(panel, (), None, None, chosen) for chosen in choices]
    quantities = [quantity_of(dataset, curve, confidence) for curve in panel.curves]
    sizes: dict[Hashable, int] = {}
    for quantity in quantities:
        sizes |= quantity.estimate.sizes
    shown = {dataset[panel.x].dims[-1]} | ({panel.y} if panel.y else set())
    rest = [dim for dim in sizes if dim not in shown]
    long = [dim for dim in rest if sizes[dim] > 1]
    hue = None
    if panel.y is None and rest:
        hue = panel.hue if panel.hue in (long or rest) else (long or rest)[0]
    transitions = None
    if panel.transition:
        transitions = transition(dataset, panel.curves[0].variable, panel.x, confidence=confidence)
    facets = [dim for dim in rest if dim != hue]
    every = list(itertools.product(*(range(sizes[dim]) for dim in facets)))
    cells = []
    for k in evenly(len(every), MOST_FACETS):
        chosen = dict(zip(facets, every[k], strict=True))
        at = tuple(quantity.at(chosen) for quantity in quantities)
        here = None if transitions is None else transitions.isel(chosen)
        cells.append(Cell(panel, at, here, None if hue is None else str(hue), chosen))
    return cells


def cell_title(dataset: xr.Dataset, cell: Cell) -> str:
    """The panel's title and the values of what it does not show."""
    values = (setting_text(dataset[dim], i) for dim, i in cell.chosen.items() if dataset.sizes[dim] > 1)
    return ", ".join(filter(None, [cell.panel.title, *values]))
