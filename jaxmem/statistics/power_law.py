"""Power laws through Monte Carlo points, and how the transition moves with the size of the system."""

from typing import NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float, Int
from scipy.special import stdtrit

from jaxmem import _checks as check
from jaxmem.statistics.bootstrap import percentile_interval


class PowerLaw(NamedTuple):
    """y = prefactor · x^exponent, and an interval of the exponent.

    Attributes:
        exponent: NaN where fewer than two points can be used.
        exponent_low: lower end of the interval; NaN where there is none.
        exponent_high: upper end.
        prefactor: y at x = 1.
        points: values of x in the fit.
    """

    exponent: float
    exponent_low: float
    exponent_high: float
    prefactor: float
    points: int


def power_law_exponent(
    x: Float[np.ndarray, "x"], y: Float[np.ndarray, "points replicate"], *, confidence: float = 0.95
) -> PowerLaw:
    """Exponent b of y ~ x^b from replicates: a straight line through the means of log y over log x.

    Each x weighs as many replicates as it has. An x with an infinite or non-positive replicate is left out,
    since dropping only that replicate (say, a run that did not memorise within its budget) would bias the
    rest. With two points the fit is exact.

    The interval is Student's. Each replicate (column) is one draw of a whole curve, whose values over x may
    depend on each other in any way; with R complete replicates the exponent is the mean of those of the R
    curves, and the interval has R − 1 degrees of freedom: exact for normal log y, at any R ≥ 2. Where
    replicates are missing, the squared contributions of the curves are corrected for the means that were
    taken out of them, and the degrees of freedom are Satterthwaite's, both as for independent values of one
    variance. There is no interval where a point in the fit has one replicate only: the others do not say how
    uncertain it is.

    Args:
        x: positive values.
        y: positive values, a row of replicates for each x, NaN where missing.
        confidence: of the interval, above 0 and below 1.

    Source: Bell and McCaffrey, Survey Methodology 28 (2002) 169, with one cluster a replicate.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    check.shape("y", y, len(x), None)
    confidence = check.real_number("confidence", confidence, above=0.0, below=1.0)
    if np.any(~np.isfinite(x) | (x <= 0)):
        raise ValueError(f"x must hold finite values above 0, got {x}.")
    found = ~np.isnan(y)
    usable = found.any(axis=1) & (~found | (np.isfinite(y) & (y > 0))).all(axis=1)
    x, y, found = x[usable], y[usable], found[usable]
    log_x, log_y = np.log(x), np.log(np.where(found, y, 1.0))
    trials = found.sum(axis=1)
    means = log_y.sum(axis=1) / np.maximum(trials, 1)
    slope, intercept = (float(one[0]) for one in _weighted_line(log_x, means[None], trials[None]))
    half = np.nan
    if np.isfinite(slope) and (trials > 1).all():
        # The exponent is Σ_xr share_xr log y_xr.
        from_centre = log_x - trials @ log_x / trials.sum()
        share = found * (from_centre / (trials @ from_centre**2))[:, None]
        half = _half_width(share, log_y - means[:, None], trials, confidence)
    return PowerLaw(slope, slope - half, slope + half, float(np.exp(intercept)), len(x))


def _half_width(
    share: Float[np.ndarray, "x replicate"],
    residual: Float[np.ndarray, "x replicate"],
    trials: Int[np.ndarray, "x"],
    confidence: float,
) -> float:
    """Half the interval of Σ share · value, from what each replicate adds to it beyond the means."""
    added = (share * residual).sum(axis=0)
    # For independent values of variance 1 the covariance of `added` is diag(own) − shareᵀ share/trials.
    own, taken = (share**2).sum(axis=0), (share**2 / trials[:, None]).sum(axis=0)
    correction = own / np.where(own > taken, own - taken, 1.0)
    pairs = (share * correction) @ share.T / np.sqrt(np.outer(trials, trials))
    squares = correction**2 @ (own**2 - 2 * own * taken) + (pairs**2).sum()
    freedom = (correction @ (own - taken)) ** 2 / squares
    return float(stdtrit(freedom, (1 + confidence) / 2) * np.sqrt(correction @ added**2))


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
        for field in laws[0]:
            label = f"{field.replace('_', ' ')} of {name} ~ {against}^exponent"
            values = np.reshape([law[field] for law in laws], template.shape)
            key = f"{name}_{field}"
            result[key] = template.copy(data=values).assign_attrs(long_name=label, units="1")
    return xr.Dataset(result, attrs=transitions.attrs | {"against": against, "confidence": confidence})


def _scaling_of_one(
    log_x: Float[np.ndarray, "x"],
    estimates: Float[np.ndarray, "x"],
    resampled: Float[np.ndarray, "resample x"],
    confidence: float,
) -> dict[str, float]:
    """The fields of the law, and `share`, that of the resamples that could be fitted."""
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
    fitted = slopes[1:][np.isfinite(slopes[1:])]
    low, high = percentile_interval(fitted, fitted, confidence) if fitted.size else (np.nan, np.nan)
    law = PowerLaw(slopes[0], float(low), float(high), float(np.exp(intercepts[0])), len(log_x))
    return law._asdict() | {"share": fitted.size / max(len(resampled), 1)}


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
