"""The summary of a store: probabilities, means and their intervals, from raw values per replicate."""

import numpy as np
import xarray as xr

from jaxmem.statistics.intervals import mean_and_standard_error, median_and_interval, wilson_interval
from jaxmem.statistics.power_law import power_law_exponent


def summary_kind(variable: xr.DataArray) -> str:
    """How a variable's replicates are summarised: "sign", "mean", "median", "fraction" or "none".

    The attribute `summary` says so; without it a variable named `delta` is an order parameter whose sign
    counts, and any other is left alone.
    """
    return variable.attrs.get("summary", "sign" if variable.name == "delta" else "none")


def summarise(dataset: xr.Dataset, *, confidence: float = 0.95) -> xr.Dataset:
    """Reduce the dimension `replicate` of a store.

    What becomes of a variable follows from its attribute `summary`:

    - "sign": P(value > 0) with its Wilson interval. `delta` becomes `p_positive`, `p_positive_low` and
      `p_positive_high`; `delta_energy` becomes `p_positive_energy` and so on.
    - "fraction" (0 or 1 per replicate): the share NAME with its Wilson interval `NAME_low`, `NAME_high`.
    - "mean": the mean NAME and its standard error `NAME_standard_error`. Where some replicates are infinite
      so is the mean, the standard error is NaN, and `NAME_infinite_fraction` says how many they are.
    - "median", for heavy tails: `NAME_median` and its distribution-free interval `NAME_low`, `NAME_high`, NaN
      below 6 replicates; `NAME_infinite_fraction` as for a mean.
    - "none": left out.

    A variable with an attribute `power_law_over` also gets the exponent of NAME ~ (that axis)^exponent and
    its interval: `NAME_exponent`, `NAME_exponent_low`, `NAME_exponent_high`, as
    `jaxmem.statistics.power_law_exponent` fits them through the replicates.

    NaN is a replicate that has not been computed, or one that came out undefined. Both are left out of
    probabilities and means; `replicates` counts those computed at each grid point, and
    `NAME_undefined_fraction`, present where there are any, says which share of them was undefined.

    Args:
        dataset: as returned by `jaxmem.sweep`, `jaxmem.open_store` or `xarray.open_zarr`.
        confidence: of the intervals, above 0 and below 1.

    Returns:
        Dataset without `replicate`, with the store's coordinates and attributes and `confidence` beside them.

    Raises:
        ValueError: `dataset` has no dimension `replicate`.
    """
    if not isinstance(dataset, xr.Dataset):
        raise ValueError(f"dataset must be an xarray.Dataset, got {dataset!r}.")
    if "replicate" not in dataset.dims:
        raise ValueError(f"dataset must have a dimension replicate, got {tuple(map(str, dataset.dims))}.")
    completed = _completed(dataset)
    replicates = completed.sum("replicate").assign_attrs(long_name="finished replicates", units="1")
    summary = {"replicates": replicates}
    for name, variable in dataset.data_vars.items():
        if summary_kind(variable) != "none":
            summary |= _summarise_one(str(name), variable, completed, confidence)
        if "power_law_over" in variable.attrs:
            summary |= _power_law(variable, variable.attrs["power_law_over"], confidence)
    coordinates = {name: c for name, c in dataset.coords.items() if "replicate" not in c.dims}
    return xr.Dataset(summary, coordinates, dataset.attrs | {"confidence": confidence})


def summary_names(variable: xr.DataArray) -> tuple[str, str, str]:
    """What `summarise` calls a variable's estimate and its bounds; for a mean, its standard error twice."""
    name, kind = str(variable.name), summary_kind(variable)
    if kind == "mean":
        return name, f"{name}_standard_error", f"{name}_standard_error"
    if kind == "median":
        return f"{name}_median", f"{name}_low", f"{name}_high"
    if kind == "sign":
        name = f"p_positive{name.removeprefix('delta')}" if name.startswith("delta") else f"p_positive_{name}"
    return name, f"{name}_low", f"{name}_high"


def _completed(dataset: xr.Dataset) -> xr.DataArray:
    """Which replicates have been computed: what the store says, else where any variable has a value."""
    if "completed" in dataset:
        return dataset["completed"].astype(bool)
    found = [v.notnull() for v in dataset.data_vars.values() if summary_kind(v) != "none"]
    if not found:
        return xr.zeros_like(dataset["replicate"], dtype=bool)
    grid = set.intersection(*(set(one.dims) for one in found))
    reduced = [one.any(set(one.dims) - grid) for one in found]
    return xr.concat(reduced, "variable").any("variable")


def _summarise_one(
    name: str, variable: xr.DataArray, completed: xr.DataArray, confidence: float
) -> dict[str, xr.DataArray]:
    """Name → array of everything said about one variable."""
    variable = variable.transpose(..., "replicate")
    values = np.asarray(variable.values, np.float64)
    kind = summary_kind(variable)
    label, units = variable.attrs.get("long_name", name), variable.attrs.get("units", "1")
    trials = (~np.isnan(values)).sum(axis=-1)
    estimate, low, high = summary_names(variable)
    found: dict[str, xr.DataArray] = {}

    def put(key: str, array: np.ndarray | float, long_name: str, units: str = "1") -> None:
        attributes = {"long_name": long_name, "units": units}
        found[key] = variable.isel(replicate=0, drop=True).copy(data=array).assign_attrs(attributes)
        found[key].attrs.pop("summary", None)

    if kind == "mean":
        mean = mean_and_standard_error(values)
        put(estimate, mean.value, label, units)
        put(low, mean.standard_error, f"standard error of {label}", units)
    elif kind == "median":
        median = median_and_interval(values, confidence)
        put(estimate, median.value, f"median {label}", units)
        put(low, median.low, f"median {label}, lower {confidence:.0%} bound", units)
        put(high, median.high, f"median {label}, upper {confidence:.0%} bound", units)
    else:
        successes = (values > 0).sum(axis=-1) if kind == "sign" else np.nansum(values, axis=-1)
        if kind == "sign":
            label = f"P({'Δ' if name == 'delta' else label} > 0)"
        interval = wilson_interval(successes, trials, confidence)
        with np.errstate(invalid="ignore"):
            put(estimate, successes / trials, label)
        put(low, interval.low, f"{label}, lower {confidence:.0%} bound")
        put(high, interval.high, f"{label}, upper {confidence:.0%} bound")

    counted = {"infinite": np.isinf(values)} if kind in ("mean", "median") else {}
    finished = np.broadcast_to(completed.broadcast_like(variable).transpose(*variable.dims), values.shape)
    counted["undefined"] = np.isnan(values) & finished
    for word, where in counted.items():
        if where.any():
            with np.errstate(invalid="ignore"):
                share = where.sum(axis=-1) / finished.sum(axis=-1)
            put(
                f"{estimate if kind == 'sign' else name}_{word}_fraction",
                share,
                f"share of replicates with {word} {label}",
            )
    return found


def _power_law(variable: xr.DataArray, over: str, confidence: float) -> dict[str, xr.DataArray]:
    """The exponent along the dimension `over` and its bounds, over the remaining dimensions."""
    variable = variable.transpose(..., over, "replicate")
    x = np.asarray(variable[over].values, np.float64)
    values = np.asarray(variable.values, np.float64)
    laws = [
        power_law_exponent(x, rows, confidence=confidence) for rows in values.reshape(-1, *values.shape[-2:])
    ]
    template = variable.isel({over: 0, "replicate": 0}, drop=True)
    label = f"exponent of {variable.attrs.get('long_name', variable.name)} over {over}"
    fields = {
        "exponent": label,
        "exponent_low": f"{label}, lower {confidence:.0%} bound",
        "exponent_high": f"{label}, upper {confidence:.0%} bound",
    }
    found = {}
    for field, long_name in fields.items():
        array = np.reshape([getattr(law, field) for law in laws], template.shape)
        found[f"{variable.name}_{field}"] = template.copy(data=array)
        found[f"{variable.name}_{field}"].attrs = {"long_name": long_name, "units": "1"}
    return found
