"""What a curve shows: its estimate over the grid, the ends of its error bars, and its theory."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from jaxmem.describing.panels import Curve, Panel
from jaxmem.statistics import summarise, summary_kind, summary_names

THEORY_POINTS = 400


@dataclass(frozen=True)
class Quantity:
    """A summarised variable: `low` and `high` end its interval, or lie one standard error from a mean."""

    estimate: xr.DataArray
    low: xr.DataArray
    high: xr.DataArray
    kind: str

    def at(self, chosen: Mapping[Any, Any]) -> "Quantity":
        """The quantity at given positions of those dimensions that it has."""
        arrays = [one.isel(chosen, missing_dims="ignore") for one in (self.estimate, self.low, self.high)]
        return Quantity(arrays[0], arrays[1], arrays[2], self.kind)


def quantity_of(dataset: xr.Dataset, curve: Curve, confidence: float) -> Quantity:
    """Summarise one curve's variable."""
    variable = dataset[curve.variable]
    if curve.transform is not None:
        variable = curve.transform(variable).rename(curve.variable)
    kind = summary_kind(variable)
    if kind == "none":
        raise ValueError(
            f"summary of {curve.variable} must be sign, mean, median or fraction to be drawn, got 'none'."
        )
    summary = summarise(variable.to_dataset(), confidence=confidence)
    estimate, low, high = (summary[name] for name in summary_names(variable))
    if kind == "mean":
        low, high = estimate - low, estimate + high
    return Quantity(estimate, low, high, kind)


def theory_along(curve: Curve, dataset: xr.Dataset, coordinates: Mapping[str, Any]) -> np.ndarray:
    """The prediction of a curve that has a theory, at `coordinates`."""
    assert curve.theory is not None
    point = configuration_of(dataset) | dict(coordinates)
    shape = np.broadcast_shapes(*(np.shape(value) for value in coordinates.values()))
    return np.broadcast_to(np.asarray(curve.theory(point), np.float64), shape)


def theory_line(
    panel: Panel, curve: int, dataset: xr.Dataset, quantity: Quantity
) -> Float[np.ndarray, "2 points"]:
    """The abscissa and the prediction of a panel's curve along it, NaN where it says nothing finite."""
    x = dense(quantity.estimate[panel.x].values.astype(float), panel.x_scale)
    y = theory_along(panel.curves[curve], dataset, fixed_coordinates(quantity.estimate) | {panel.x: x})
    return np.stack([x, np.where(np.isfinite(y), y, np.nan)])


def fixed_coordinates(array: xr.DataArray) -> dict[str, Any]:
    """The coordinates that are one number on the whole array."""
    return {str(name): one.item() for name, one in array.coords.items() if one.ndim == 0}


def dense(known: Float[np.ndarray, "x"], scale: str) -> Float[np.ndarray, "points"]:
    """Points over the range of `known`, close enough together to draw a smooth line."""
    span = np.geomspace if scale == "log" else np.linspace
    return span(known.min(), known.max(), THEORY_POINTS)


def configuration_of(dataset: xr.Dataset) -> dict[str, Any]:
    """The study's fields, as the store holds them."""
    return json.loads(dataset.attrs.get("configuration", "{}"))
