"""How well curves of several sizes lie on one when their abscissa is rescaled.

Of curves y_j over x_j, j along one axis, the distance is the root mean square of y_j(x) − y_k(x) over all
pairs j < k and, on a grid in log x, over the abscissas that both reach, curves interpolated in log x. It is 0
where they collapse. Means of R replicates differ by their noise alone: the floor is the root of the mean of
s_j² + s_k² over the same points, s the standard errors of what is interpolated.
"""

import itertools
from typing import NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float

from jaxmem import _checks as check
from jaxmem.statistics.bootstrap import percentile_interval, resample_counts

POINTS = 200


class CurveCollapse(NamedTuple):
    """Distance between curves in the units of the variable, its bootstrap interval, and what noise leaves.

    Attributes:
        distance: of the means over replicates.
        low: end of the bootstrap interval over replicates.
        high: the other end.
        floor: the distance that curves of one mean would have.
    """

    distance: float
    low: float
    high: float
    floor: float


def curve_collapse(
    variable: xr.DataArray,
    over: str,
    abscissa: xr.DataArray,
    *,
    resamples: int = 400,
    seed: int = 0,
    confidence: float = 0.95,
) -> CurveCollapse:
    """The distance between the curves of a stored variable along one axis, over a given abscissa.

    The noise of the means adds to the distance, so that its interval may lie above 0 where curves collapse:
    compare it with `floor`, and with the distance over an abscissa that is not rescaled.

    Args:
        variable: raw values with the dimensions `over`, one more, and `replicate`.
        over: the axis whose curves are compared, of at least two values.
        abscissa: x > 0 on `over` and the other dimension, or on the other alone, rising along it.
        resamples: of the bootstrap over replicates.
        seed: of the bootstrap.
        confidence: of its interval, above 0 and below 1.

    Raises:
        ValueError: a dimension is missing, or two curves share no abscissa.
    """
    check.real_number("confidence", confidence, above=0.0, below=1.0)
    inner = [str(dim) for dim in variable.dims if dim not in (over, "replicate")]
    if over not in variable.dims or "replicate" not in variable.dims or len(inner) != 1:
        found = ", ".join(map(str, variable.dims))
        raise ValueError(f"variable must have the dimensions {over}, replicate and one more, got {found}.")
    if variable.sizes[over] < 2:
        raise ValueError(
            f"over must be an axis of two values at least, got {over} of {variable.sizes[over]}."
        )
    along = inner[0]
    values = variable.transpose("replicate", over, along).values.astype(np.float64)
    x = abscissa.broadcast_like(variable.isel(replicate=0, drop=True)).transpose(over, along).values
    if not (x > 0).all() or not (np.diff(x, axis=1) > 0).all():
        raise ValueError("abscissa must be above 0 and rise along the curve.")
    weights = _interpolations(np.log(x))
    replicates = len(values)
    counts = resample_counts(replicates, resamples, seed)
    means = np.einsum("br,rsp->bsp", counts / replicates, values)
    drawn = np.array([_distance(weights, one) for one in means])
    errors = values.std(0, ddof=1) / replicates**0.5 if replicates > 1 else np.full(x.shape, np.nan)
    floor = _floor(weights, errors)
    interval = percentile_interval(drawn, drawn, confidence, replicates if replicates > 1 else None)
    return CurveCollapse(_distance(weights, values.mean(0)), float(interval.low), float(interval.high), floor)


Pair = tuple[int, int, Float[np.ndarray, "points p"], Float[np.ndarray, "points p"]]


def _interpolations(x: Float[np.ndarray, "s p"]) -> list[Pair]:
    """For each pair of curves the matrices that interpolate them to the abscissas they share."""
    found = []
    for j, k in itertools.combinations(range(len(x)), 2):
        low, high = max(x[j][0], x[k][0]), min(x[j][-1], x[k][-1])
        if low >= high:
            raise ValueError(f"abscissa must overlap for all curves, got none for curves {j} and {k}.")
        grid = np.linspace(low, high, POINTS)
        unit = np.eye(x.shape[1])
        left, right = (np.stack([np.interp(grid, x[i], row) for row in unit], 1) for i in (j, k))
        found.append((j, k, left, right))
    return found


def _distance(pairs: list[Pair], values: Float[np.ndarray, "s p"]) -> float:
    """Root mean square over pairs and points of y_j − y_k."""
    apart = [left @ values[j] - right @ values[k] for j, k, left, right in pairs]
    return float(np.sqrt(np.mean(np.square(apart))))


def _floor(pairs: list[Pair], errors: Float[np.ndarray, "s p"]) -> float:
    """The same of independent errors, whose variance interpolation lowers."""
    variances = [left**2 @ errors[j] ** 2 + right**2 @ errors[k] ** 2 for j, k, left, right in pairs]
    return float(np.sqrt(np.mean(variances)))
