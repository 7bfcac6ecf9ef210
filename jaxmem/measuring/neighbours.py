"""How near the samples of one set come to the train set, and which of them are copies by that."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64

from jaxmem.measuring.progress import PairProgress
from jaxmem.measuring.samples import Rows
from jaxmem.metrics.authenticity import authentic_of
from jaxmem.metrics.nearest_rows import NearestRows, nearest_rows


class Neighbours(NamedTuple):
    """Of every sample, its two nearest training samples and what follows from them."""

    nearest: NearestRows
    memorised: Bool[np.ndarray, "n"]
    authentic: Bool[np.ndarray, "n"]

    @property
    def distance(self) -> Float64[np.ndarray, "n"]:
        """To the nearest training sample."""
        return self.nearest.distance[:, 0]


def neighbours(name: str, rows: Rows, train: Rows, ratio: float, bar: PairProgress) -> Neighbours:
    """Of training samples that all differ."""
    nearest = nearest_rows(rows, train, 2, tick=bar.begin(f"nearest to {name}", len(rows) * len(train)))
    row, (first, second) = nearest.row[:, 0], nearest.distance.T
    tick = bar.begin(f"authentic of {name}", len(np.unique(row)) * len(train))
    return Neighbours(nearest, first < ratio * second, authentic_of(row, first, train, tick=tick).authentic)
