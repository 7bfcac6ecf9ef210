"""Cells of the data-copying test: k-means of the train set, or a user's own partition."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Int64
from scipy.cluster.vq import kmeans2
from scipy.spatial.distance import cdist

from jaxmem import _checks
from jaxmem.measuring.samples import Rows

FITTED_ROWS = 4_000
"""Train samples that k-means looks at."""

MOST_CELLS, SAMPLES_PER_CELL = 10, 50

Partition = Callable[[Rows], Any]
"""From samples (b, d) to the number of the cell that each is in, from 0."""


def default_cells(*sizes: int) -> int:
    """As many cells as leave 50 samples of the smaller set in each, ten at most."""
    return max(1, min(MOST_CELLS, min(sizes) // SAMPLES_PER_CELL))


def partition_of(cells: "int | Partition", train: Rows, seed: int) -> Partition:
    """A function of samples to cells: a user's own, or the nearest of `cells` centres of k-means."""
    if callable(cells):
        return cells
    cells = _checks.positive_integer("cells", cells, most=len(train))
    random = np.random.default_rng(seed)
    chosen = np.sort(random.permutation(len(train))[:FITTED_ROWS])
    if cells == 1:
        return lambda rows: np.zeros(len(rows), np.int64)
    some = np.asarray(train[chosen], np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # an empty cell keeps its centre, which is as well
        centres, _ = kmeans2(some, min(cells, len(some)), minit="++", seed=random)
    return lambda rows: cdist(rows, centres, "sqeuclidean").argmin(1)


def cells_of(rows: Rows, partition: Partition) -> Int64[np.ndarray, "n"]:
    """The cell of every sample, some at a time."""
    parts = [np.asarray(partition(rows[at : at + 1024])) for at in range(0, len(rows), 1024)]
    found = _checks.whole_numbers("cells", np.concatenate(parts), least=0).astype(np.int64)
    _checks.shape("cells", found, len(rows))
    return found
