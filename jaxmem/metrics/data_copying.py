"""The data-copying test C_T: are generated samples closer to the train set than held-out ones are?

Source: Meehan, Chaudhuri & Dasgupta, AISTATS 2020 (arXiv 2004.05675). With d(x) the distance of x from its
nearest training sample, the Mann–Whitney statistic U counts the pairs of a generated x̂ and a held-out x with
d(x̂) > d(x), ties half. If both have one law of distance, U has mean m n/2 and variance

    m n/12 [(m + n + 1) − Σ_t (t³ − t)/((m + n)(m + n − 1))],

t over the sizes of groups of equal distances, and Z = (U − mean)/√variance is about standard normal; copying
makes it negative. In cells π of a partition of space, Z(π) compares the samples that fall into π, and

    C_T = Σ_π P(π) Z(π) / Σ_π P(π)

over the cells that hold enough generated samples, P(π) the share of held-out samples in π. Given how many
samples fall into which cell, the Z(π) are independent, so C_T has standard deviation √(Σ P²)/Σ P without
copying: `z` is C_T in units of it. Distances here are to the whole train set, so that no border hides a copy;
the authors' script takes only the training samples of the cell.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int, Int64
from scipy.stats import rankdata

from jaxmem import _checks


class DataCopying(NamedTuple):
    """C_T with its cells.

    Attributes:
        value: C_T; below 0 where copying, above 0 where underfitting. NaN where no cell is used.
        z: C_T over its standard deviation without copying: standard normal for a perfect model.
        cell_z: Z of every cell, NaN where it lacks generated or held-out samples.
        cell_used: whether a cell counts in C_T.
        cell_generated: generated samples in every cell.
        cell_held_out: held-out samples in every cell.
    """

    value: float
    z: float
    cell_z: Float64[np.ndarray, "cells"]
    cell_used: np.ndarray
    cell_generated: Int64[np.ndarray, "cells"]
    cell_held_out: Int64[np.ndarray, "cells"]


def data_copying(
    generated_distance: Float[np.ndarray, "generated"],
    held_out_distance: Float[np.ndarray, "held_out"],
    *,
    generated_cell: Int[np.ndarray, "generated"] | None = None,
    held_out_cell: Int[np.ndarray, "held_out"] | None = None,
    least: int = 20,
) -> DataCopying:
    """C_T from distances to the nearest training sample.

    Args:
        generated_distance: of generated samples, as `nearest_rows` gives them.
        held_out_distance: of samples of the population that were not trained on.
        generated_cell: the number, from 0, of the cell that each generated sample is in; one by default.
        held_out_cell: likewise.
        least: generated samples that a cell must hold to count, 20 in the source.

    Raises:
        ValueError: NaN among the distances, or cells that do not fit them.
    """
    least = _checks.positive_integer("least", least)
    found = []
    for name, distances, cells in (
        ("generated", generated_distance, generated_cell),
        ("held_out", held_out_distance, held_out_cell),
    ):
        values = _checks.real_numbers(f"{name}_distance", distances, least=0.0)
        _checks.shape(f"{name}_distance", values, None)
        labels = np.zeros(len(values), np.int64) if cells is None else _cells(f"{name}_cell", cells)
        _checks.shape(f"{name}_cell", labels, len(values))
        found.append((values, labels))
    (near, cell), (far, far_cell) = found
    number = int(max(cell.max(), far_cell.max())) + 1
    inside = np.bincount(cell, minlength=number), np.bincount(far_cell, minlength=number)
    z = np.array([mann_whitney_z(near[cell == i], far[far_cell == i]) for i in range(number)])
    used = (inside[0] >= least) & (inside[1] > 0)
    weight = np.where(used, inside[1], 0) / len(far)
    if not used.any():
        return DataCopying(np.nan, np.nan, z, used, *inside)
    total = float((weight * np.where(used, z, 0)).sum())
    return DataCopying(
        total / float(weight.sum()), total / float(np.sqrt((weight**2).sum())), z, used, *inside
    )


def mann_whitney_z(x: Float[np.ndarray, "m"], y: Float[np.ndarray, "n"]) -> float:
    """Z of the number of pairs with x > y, ties half; 0 where all are equal, NaN of an empty sample."""
    m, n = len(x), len(y)
    if not (m and n):
        return np.nan
    ranks = rankdata(np.concatenate([x, y]))
    statistic = ranks[:m].sum() - m * (m + 1) / 2
    _, ties = np.unique(ranks, return_counts=True)
    lost = (ties.astype(float) ** 3 - ties).sum() / ((m + n) * (m + n - 1))
    variance = m * n / 12 * (m + n + 1 - lost)
    return float((statistic - m * n / 2) / np.sqrt(variance)) if variance > 0 else 0.0


def _cells(name: str, cells: Int[np.ndarray, "n"]) -> Int64[np.ndarray, "n"]:
    return _checks.whole_numbers(name, cells, least=0).astype(np.int64)
