"""A summary for other programs: CSV, a line per grid point, and JSON."""

import json
import math
from typing import Any

import numpy as np
import xarray as xr


def as_csv(summary: xr.Dataset) -> str:
    """A header and a line per point of the grid, and of the trajectories' own axes where there are any.

    Args:
        summary: as `jaxmem.summarise` returns it. What does not depend on an axis is repeated along it;
            NaN is an empty cell, infinity is inf. Coordinates along other dimensions are left out.
    """
    used = {dim for variable in summary.data_vars.values() for dim in variable.dims}
    summary = summary.drop_dims([dim for dim in summary.sizes if dim not in used])
    if not summary.dims:
        summary = summary.expand_dims("point")
    return summary.to_dataframe(dim_order=[str(dim) for dim in summary.sizes]).to_csv()


def as_json(summary: xr.Dataset) -> str:
    """One object: `attributes`, `coordinates` and `variables`, each with dims, labels and nested lists.

    Args:
        summary: as `jaxmem.summarise` returns it. JSON has neither NaN nor infinity: null, and the strings
            "inf" and "-inf", stand for them.
    """
    whole = {
        "attributes": {str(name): plain(value) for name, value in summary.attrs.items()},
        "coordinates": {str(name): _array(one) for name, one in summary.coords.items()},
        "variables": {str(name): _array(one) for name, one in summary.data_vars.items()},
    }
    return json.dumps(whole, ensure_ascii=False, allow_nan=False) + "\n"


def _array(array: xr.DataArray) -> dict[str, Any]:
    labels = {str(name): plain(value) for name, value in array.attrs.items()}
    return {"dims": [str(dim) for dim in array.dims], **labels, "values": plain(array.values)}


def plain(value: Any) -> Any:
    """Numbers and lists as JSON has them: null for NaN, "inf" and "-inf"."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value
