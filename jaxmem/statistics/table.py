"""A store as text: one line per grid point, and where the transition is."""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr

from jaxmem.statistics.power_law import finite_size_scaling
from jaxmem.statistics.summary import summarise, summary_kind, summary_names
from jaxmem.statistics.transition import transition

MOST_COLUMNS = 4
"""A variable of more values than this per grid point, such as a trajectory, shows its last one only."""

MOST_DECIMALS = 6
"""A mean known better than this is cut, so that a Hellinger distance near 1 does not stretch its column."""


def summary_table(dataset: xr.Dataset, *, confidence: float = 0.95) -> str:
    """Compact text of a store: a line per grid point, then fitted exponents and transitions over `load`.

    A probability or a median is followed by its interval in brackets, a mean by ± its standard error; a
    trajectory shows its last step. Cost: that of `summarise` and `transition`.

    Args:
        dataset: raw values per replicate, as `jaxmem.sweep` or `jaxmem.open_store` returns.
        confidence: of the intervals, above 0 and below 1.
    """
    summary = summarise(dataset, confidence=confidence)
    grid = summary["replicates"].dims
    points = summary.stack(point=grid, create_index=False) if grid else summary.expand_dims("point")
    named = [
        *grid,
        *(name for name, one in points.coords.items() if name not in grid and one.dims == ("point",)),
    ]
    columns = [[str(name), *map(_plain, points[name].values)] for name in named]
    columns.append(["replicates", *map(_plain, points["replicates"].values)])
    order_parameters_first = sorted(dataset.data_vars.values(), key=lambda one: summary_kind(one) != "sign")
    for variable in order_parameters_first:
        if summary_kind(variable) != "none":
            columns.extend(_columns(points, variable))
    lines = [_headline(dataset), "", *aligned(columns)]
    return "\n".join([*lines, *fit_lines(dataset, summary)])


def fit_lines(dataset: xr.Dataset, summary: xr.Dataset) -> list[str]:
    """Exponents and transitions with their intervals, a line each under a headline each."""
    return [*_power_law_lines(dataset, summary), *_transition_lines(dataset, summary.attrs["confidence"])]


def _headline(dataset: xr.Dataset) -> str:
    """Study, seed and number of replicates."""
    attributes = [f"{name} {dataset.attrs[name]}" for name in ("study", "seed") if name in dataset.attrs]
    return ", ".join([*attributes, f"up to {dataset.sizes['replicate']} replicates per point"])


def _columns(points: xr.Dataset, variable: xr.DataArray) -> Iterator[list[str]]:
    """A column per value that a grid point has of this variable, its name on top."""
    name, low, high = summary_names(variable)
    inner = [dim for dim in points[name].dims if dim != "point"]
    places = list(itertools.product(*(range(points.sizes[dim]) for dim in inner)))
    for place in places if len(places) <= MOST_COLUMNS else places[-1:]:
        chosen = points.isel(dict(zip(inner, place, strict=True)))
        where = ", ".join(f"{dim} {_plain(chosen[dim].item())}" for dim in inner if dim in chosen.coords)
        values = zip(chosen[name].values, chosen[low].values, chosen[high].values, strict=True)
        write = {"mean": _with_error, "median": _with_bounds}.get(summary_kind(variable), _with_interval)
        yield [f"{name} at {where}" if where else name, *(write(*one) for one in values)]


def _plain(value: object) -> str:
    """A coordinate or a count."""
    return f"{value:g}" if isinstance(value, int | float | np.number) else str(value)


def _with_interval(value: float, low: float, high: float) -> str:
    """A probability and its interval."""
    return "-" if np.isnan(value) else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def _with_bounds(value: float, low: float, high: float) -> str:
    """A median and its interval, if there is one."""
    return "-" if np.isnan(value) else f"{value:.4g} {_bounds(low, high)}"


def _with_error(value: float, error: float, _: float) -> str:
    """A mean to the digits that two digits of its standard error allow, six decimals at most."""
    if np.isnan(value):
        return "-"
    if not (np.isfinite(error) and error > 0):
        return f"{value:.4g}"
    decimals = 1 - int(np.floor(np.log10(error)))
    size = np.log10(max(abs(value), error))
    if size >= 6 or size < -3:
        return f"{value:.{max(int(np.floor(size)) + decimals, 0)}e} ± {error:.1e}"
    if decimals > MOST_DECIMALS:
        return f"{value:.{MOST_DECIMALS}f} ± {error:.1e}"
    return f"{value:.{max(decimals, 0)}f} ± {error:.{max(decimals, 0)}f}"


def aligned(columns: Sequence[Sequence[str]]) -> list[str]:
    """Columns as lines, right-aligned under their names."""
    padded = [[cell.rjust(max(map(len, column))) for cell in column] for column in columns]
    return ["  ".join(row).rstrip() for row in zip(*padded, strict=True)]


def _power_law_lines(dataset: xr.Dataset, summary: xr.Dataset) -> list[str]:
    """The fitted exponent of each variable that asks for one, at every point of the remaining axes."""
    lines: list[str] = []
    for name, variable in dataset.data_vars.items():
        over = variable.attrs.get("power_law_over")
        if over is None:
            continue
        exponent = summary[f"{name}_exponent"]
        lines += ["", f"{name} ~ {over}^exponent, {summary.attrs['confidence']:.0%} intervals:"]
        for place in itertools.product(*(range(exponent.sizes[dim]) for dim in exponent.dims)):
            one = summary.isel(dict(zip(exponent.dims, place, strict=True)))
            where = ", ".join(f"{dim} {_plain(one[dim].item())}: " for dim in exponent.dims)
            value, low, high = (one[f"{name}_exponent{end}"].item() for end in ("", "_low", "_high"))
            found = "no fit" if np.isnan(value) else f"exponent {value:.3f} {_bounds(low, high, '.3f')}"
            lines.append(f"  {where}{found}")
    return lines


def _transition_lines(dataset: xr.Dataset, confidence: float) -> list[str]:
    """Where each sign variable crosses 1/2 along the load, and how that moves with the dimension."""
    lines: list[str] = []
    for name, variable in dataset.data_vars.items():
        if (
            summary_kind(variable) != "sign"
            or dataset.sizes.get("load", 1) < 2
            or "load" not in variable.dims
        ):
            continue
        found = transition(dataset, str(name), confidence=confidence)
        probability = summary_names(variable)[0]
        lines += ["", f"transition of {probability} along the load, {confidence:.0%} bootstrap intervals:"]
        dims = found["location"].dims
        for place in itertools.product(*(range(found.sizes[dim]) for dim in dims)):
            one = found.isel(dict(zip(dims, place, strict=True)))
            where = ", ".join(f"{dim} {_plain(one[dim].item())}" for dim in dims)
            lines.append(f"  {where}: {_location(one)}; {_width(one)}".replace("  : ", "  "))
            if one["monotone"] == 0:
                lines.append(
                    "    P is not monotone beyond its errors: this is where its monotone fit crosses"
                )
        if "dim" in dims and dataset.sizes["dim"] > 2:
            lines += _scaling_lines(found, confidence)
    return lines


def _location(one: xr.Dataset) -> str:
    """Where P crosses 1/2, or on which side of the grid."""
    bounds = _positive_bounds(one["location_low"].item(), one["location_high"].item())
    if np.isnan(one["location"]):
        crosses = one["location_share"].item()
        share = "" if np.isnan(crosses) else f" ({crosses:.0%} of resamples cross)"
        return f"no crossing of 1/2 on the grid, {bounds}{share}"
    bracket = f"{one['bracket_low'].item():g} and {one['bracket_high'].item():g}"
    return f"1/2 at load {one['location'].item():.3g} {bounds}, between the grid's {bracket}"


def _width(one: xr.Dataset) -> str:
    """The width in decades, or its bounds."""
    bounds = _positive_bounds(one["width_low"].item(), one["width_high"].item())
    if np.isnan(one["width"]):
        return f"10 % and 90 % not both on the grid, width in decades {bounds}"
    ends = f"{one['start'].item():.3g} to {one['end'].item():.3g}"
    return f"10 % to 90 % from {ends}, width {one['width'].item():.2g} {bounds} decades"


def _bounds(low: float, high: float, digits: str = ".3g") -> str:
    """An interval, if there is one."""
    return "[no interval]" if np.isnan(low) else f"[{low:{digits}}, {high:{digits}}]"


def _positive_bounds(low: float, high: float) -> str:
    """An interval of a positive number, one-sided where an end is 0 or ∞."""
    if low <= 0 and np.isinf(high):
        return "[unbounded]"
    if np.isinf(high):
        return f"[above {low:.3g}]"
    return f"[below {high:.3g}]" if low <= 0 else _bounds(low, high)


def _scaling_lines(found: xr.Dataset, confidence: float) -> list[str]:
    """Exponents of location and width over the dimension, where three or more dimensions have them."""
    law = finite_size_scaling(found, confidence=confidence)
    lines = []
    for name in ("location", "width"):
        exponent = law[f"{name}_exponent"]
        if exponent.ndim == 0 and law[f"{name}_points"] > 2:
            low, high = (law[f"{name}_exponent_{end}"].item() for end in ("low", "high"))
            lines.append(f"  {name} ~ d^{exponent.item():.2f} {_bounds(low, high, '.2f')}")
    return lines
