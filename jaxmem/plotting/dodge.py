"""Points of one abscissa set apart, where their bars would hide each other."""

import itertools
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

Series = tuple[Float[np.ndarray, "x"], Float[np.ndarray, "x"], Float[np.ndarray, "x"]]
"""Abscissas, lower and upper ends of the bars."""

STEP, MOST = 0.02, 0.06
"""Largest distance between neighbours, about the width of a marker, and between the first and the last of one
abscissa, as shares of the axis."""

MOST_OF_A_GAP = 0.5
"""All points of one abscissa together take at most this share of the way to the next one."""

MARKER = 0.03
"""Height of a marker, as a share of what all bars span."""


def dodged(series: Sequence[Series], x_scale: str, y_scale: str) -> list[Float[np.ndarray, "x"]]:
    """Where to draw each series: at its own abscissas, or a little beside them, all by the same distance.

    Args:
        series: one per curve and hue.
        x_scale: "linear" or "log".
        y_scale: likewise.
    """
    if len(series) < 2 or not _overlap(series, y_scale):
        return [x for x, _, _ in series]
    forward, back = (np.log, np.exp) if x_scale == "log" else (np.asarray, np.asarray)
    known = np.unique(np.concatenate([forward(x) for x, _, _ in series]))
    width = np.ptp(known) or 1.0
    gap = np.diff(known).min() if len(known) > 1 else width
    step = min(STEP * width, MOST * width / (len(series) - 1), MOST_OF_A_GAP * gap / len(series))
    middle = (len(series) - 1) / 2
    return [back(forward(x) + (i - middle) * step) for i, (x, _, _) in enumerate(series)]


def _overlap(series: Sequence[Series], y_scale: str) -> bool:
    """Whether anywhere two bars of one abscissa meet."""
    ends = [tuple(_height(end, y_scale) for end in one[1:]) for one in series]
    finite = np.concatenate([end[np.isfinite(end)] for pair in ends for end in pair])
    if not finite.size:
        return False
    margin = MARKER * np.ptp(finite) / 2
    for (i, first), (j, second) in itertools.combinations(enumerate(ends), 2):
        at = np.isin(series[i][0], series[j][0]), np.isin(series[j][0], series[i][0])
        low, high = (np.stack([first[k][at[0]], second[k][at[1]]]) for k in (0, 1))
        if (low.max(axis=0, initial=-np.inf) - margin <= high.min(axis=0, initial=np.inf) + margin).any():
            return True
    return False


def _height(ends: Float[np.ndarray, "x"], y_scale: str) -> Float[np.ndarray, "x"]:
    if y_scale == "linear":
        return ends
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(ends)
