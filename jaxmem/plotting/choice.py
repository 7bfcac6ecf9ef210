"""Which panels a store gets: those its study declares, or one per summarised variable."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from jaxmem.describing.panels import Curve, Panel, Theory
from jaxmem.plotting.pictures import generic_pictures
from jaxmem.statistics import summary_kind

LOG_FROM = 10.0
"""Coordinates that span more than this factor are drawn on a logarithmic axis."""

MOST_POINTS = 24
"""Curves of more points are drawn as a line in a band."""


def panels_of(dataset: xr.Dataset) -> tuple[Panel, ...]:
    """The panels of the study that made the store, without those whose variables it lacks."""
    from jaxmem import studies  # noqa: PLC0415 - loads jax, which no other figure needs

    study = studies.STUDIES.get(dataset.attrs.get("study", ""))
    declared = tuple(panel for panel in getattr(study, "panels", ()) if _can_draw(panel, dataset))
    return declared or generic_panels(dataset)


def generic_panels(dataset: xr.Dataset) -> tuple[Panel, ...]:
    """A panel per summarised variable: over a dimension of its own, else the load, else the longest axis."""
    shown = [name for name, variable in dataset.data_vars.items() if summary_kind(variable) != "none"]
    pictures = generic_pictures(dataset)
    if not shown and not pictures:
        raise ValueError("dataset must hold a variable with a summary to draw, got none.")
    grid = set(dataset["completed"].dims) if "completed" in dataset else set()
    return tuple(_generic_panel(dataset, str(name), grid) for name in shown) + pictures


def panels_named(dataset: xr.Dataset, panels: Sequence[Panel | str]) -> tuple[Panel, ...]:
    """Panels, or names of variables: of each the declared panel that begins with it, else one of its own.

    Raises:
        ValueError: there is no such variable, or it has no summary.
    """
    known = panels_of(dataset)
    found = []
    for one in [panels] if isinstance(panels, Panel | str) else panels:
        if isinstance(one, Panel):
            found.append(one)
            continue
        shown = [str(name) for name in dataset.data_vars if summary_kind(dataset[name]) != "none"]
        declared = [panel for panel in known if panel.curves[0].variable == one]
        if not declared and one not in shown:
            raise ValueError(f"panels must name variables among {', '.join(shown)}, got {one!r}.")
        grid = set(dataset["completed"].dims) if "completed" in dataset else set()
        found.append(declared[0] if declared else _generic_panel(dataset, one, grid))
    return tuple(found)


def with_theory(panels: Sequence[Panel], theory: Mapping[str, Theory]) -> tuple[Panel, ...]:
    """The panels with these predictions, by variable."""
    unknown = set(theory) - {curve.variable for panel in panels for curve in panel.curves}
    if unknown:
        raise ValueError(f"theory must name variables that are drawn, got {', '.join(sorted(unknown))}.")
    return tuple(
        replace(
            panel,
            curves=tuple(replace(c, theory=theory.get(c.variable, c.theory)) for c in panel.curves),
        )
        for panel in panels
    )


def _can_draw(panel: Panel, dataset: xr.Dataset) -> bool:
    if any(curve.variable not in dataset for curve in panel.curves) or panel.x not in dataset.coords:
        return False
    return panel.y is None or panel.y in dataset.coords


def _generic_panel(dataset: xr.Dataset, name: str, grid: set) -> Panel:
    variable = dataset[name]
    dims = [dim for dim in variable.dims if dim != "replicate"]
    if not dims:
        raise ValueError(f"{name} must have an axis to be drawn over, got replicates only.")
    own = [dim for dim in dims if grid and dim not in grid]
    longest = max(dims, key=lambda dim: variable.sizes[dim])
    x = str(own[-1] if own else "load" if "load" in dims else longest)
    along = np.asarray(dataset[x].values, np.float64)
    wide = along.min() > 0 and along.max() >= LOG_FROM * along.min()
    joined = variable.sizes[x] > MOST_POINTS
    return Panel((Curve(name),), x=x, x_scale="log" if wide else "linear", joined=joined)
