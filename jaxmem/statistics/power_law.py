"""Power laws through Monte Carlo points, and how the transition moves with the size of the system."""

from typing import NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float

from jaxmem import _checks as check
from jaxmem.statistics.bootstrap import percentile_interval, resample_counts


class PowerLaw(NamedTuple):
    """y = prefactor · x^exponent, with a bootstrap interval of the exponent and what it rests on.

    Attributes:
        exponent: NaN where fewer than two points can be used.
        exponent_low: lower end of the interval; NaN where a point in the fit has one replicate only.
        exponent_high: upper end.
        prefactor: y at x = 1.
        points: values of x in the fit.
        share: share of resamples that could be fitted; the interval is theirs, NaN where it is 0.
    """

    exponent: float
    exponent_low: float
    exponent_high: float
    prefactor: float
    points: int
    share: float


def power_law_exponent(
    x: Float[np.ndarray, "x"],
    y: Float[np.ndarray, "points replicate"],
    *,
    resamples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> PowerLaw:
    """Exponent b of y ~ x^b from replicates: a straight line through the means of log y over log x.

    Each x weighs as many replicates as it has; replicates (columns) are resampled jointly over all x. An x
    with an infinite or non-positive replicate is left out, since dropping only that replicate (say, a run
    that did not memorise within its budget) would bias the rest. With two points the fit is exact.

    Args:
        x: positive values.
        y: positive values, a row of replicates for each x, NaN where missing.
        resamples: bootstrap resamples, at least 1.
        seed: of the resampling.
        confidence: of the interval, above 0 and below 1.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    check.shape("y", y, len(x), None)
    check.positive_integer("resamples", resamples)
    confidence = check.real_number("confidence", confidence, above=0.0, below=1.0)
    if np.any(~np.isfinite(x) | (x <= 0)):
        raise ValueError(f"x must hold finite values above 0, got {x}.")
    found = ~np.isnan(y)
    usable = found.any(axis=1) & (~found | (np.isfinite(y) & (y > 0))).all(axis=1)
    x, y, found = x[usable], y[usable], found[usable]
    log_y = np.log(np.where(found, y, 1.0))
    # A single replicate never varies under resampling: an interval would leave out what it does not know.
    resamples = resamples if (found.sum(axis=1) > 1).all() else 0
    counts = np.vstack([np.ones(y.shape[1], int), resample_counts(y.shape[1], resamples, seed)])
    trials = counts @ found.T
    means = counts @ log_y.T / np.maximum(trials, 1)
    slopes, intercepts = _weighted_line(np.log(x), means, trials)
    return _power_law(slopes, intercepts, len(x), confidence)


def finite_size_scaling(
    transitions: xr.Dataset, against: str = "dim", *, confidence: float = 0.95
) -> xr.Dataset:
    """How the transition's location and width move with `against`: location ~ d^a, width ~ d^b.

    A line through log estimate over log d, each d weighted by one over the bootstrap variance of its
    logarithm, repeated for every resample. A d whose curve does not cross inside the grid is left out; a
    resample that loses the crossing of a d that is used is left out of the interval, and `…_share` tells how
    many remain.

    Args:
        transitions: as `jaxmem.statistics.transition` returns.
        against: a dimension of it with positive coordinate values.
        confidence: of the intervals, above 0 and below 1.

    Returns:
        `location_exponent`, `…_low`, `…_high`, `location_prefactor`, `location_points`, `location_share` and
        the same of `width`, over the remaining dimensions. NaN where fewer than two d have an estimate.
    """
    check.one_of("against", against, transitions["location"].dims)
    confidence = check.real_number("confidence", confidence, above=0.0, below=1.0)
    log_x = np.log(np.asarray(transitions[against].values, np.float64))
    result: dict[str, xr.DataArray] = {}
    for name in ("location", "width"):
        estimates = transitions[name].transpose(..., against)
        resampled = transitions[f"{name}_resamples"].transpose(..., "resample", against)
        laws = [
            _scaling_of_one(log_x, one, many, confidence)
            for one, many in zip(
                estimates.values.reshape(-1, len(log_x)),
                resampled.values.reshape(-1, *resampled.shape[-2:]),
                strict=True,
            )
        ]
        template = estimates.isel({against: 0}, drop=True)
        for i, field in enumerate(PowerLaw._fields):
            label = f"{field.replace('_', ' ')} of {name} ~ {against}^exponent"
            values = np.reshape([law[i] for law in laws], template.shape)
            key = f"{name}_{field}"
            result[key] = template.copy(data=values).assign_attrs(long_name=label, units="1")
    return xr.Dataset(result, attrs=transitions.attrs | {"against": against, "confidence": confidence})


def _scaling_of_one(
    log_x: Float[np.ndarray, "x"],
    estimates: Float[np.ndarray, "x"],
    resampled: Float[np.ndarray, "resample x"],
    confidence: float,
) -> PowerLaw:
    usable = estimates > 0  # False for NaN
    log_x, estimates, resampled = log_x[usable], estimates[usable], resampled[:, usable]
    with np.errstate(divide="ignore", invalid="ignore"):
        rows = np.log(np.vstack([estimates, resampled]))
    rows = rows[np.isfinite(rows).all(axis=1)]
    variance = rows[1:].var(axis=0) if len(rows) > 1 else np.zeros(len(log_x))
    positive = variance[variance > 0]
    # Where every resample crosses at the same place the variance is 0: no better known than the best.
    weights = 1 / np.where(variance > 0, variance, positive.min() if positive.size else 1.0)
    slopes, intercepts = _weighted_line(log_x, rows, np.broadcast_to(weights, rows.shape))
    return _power_law(
        slopes, intercepts, len(log_x), confidence, kept=(len(rows) - 1) / max(len(resampled), 1)
    )


def _power_law(
    slopes: np.ndarray, intercepts: np.ndarray, points: int, confidence: float, kept: float = 1.0
) -> PowerLaw:
    """The law from row 0, its interval from the resamples behind it."""
    fitted = slopes[1:][np.isfinite(slopes[1:])]
    interval = percentile_interval(fitted, fitted, confidence) if fitted.size else (np.nan, np.nan)
    share = kept * fitted.size / max(len(slopes) - 1, 1)
    return PowerLaw(
        float(slopes[0]), float(interval[0]), float(interval[1]), float(np.exp(intercepts[0])), points, share
    )


def _weighted_line(
    x: Float[np.ndarray, "x"], y: Float[np.ndarray, "row x"], weights: np.ndarray
) -> tuple[Float[np.ndarray, "row"], Float[np.ndarray, "row"]]:
    """Slope and intercept of the weighted least-squares line through each row; NaN below two distinct x."""
    total = weights.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre_x, centre_y = weights @ x / total, (weights * y).sum(axis=1) / total
        from_centre = x - centre_x[:, None]
        spread = (weights * from_centre**2).sum(axis=1)
        slope = (weights * from_centre * (y - centre_y[:, None])).sum(axis=1) / spread
    slope = np.where(np.count_nonzero(weights, axis=1) > 1, slope, np.nan)
    return slope, centre_y - slope * centre_x
