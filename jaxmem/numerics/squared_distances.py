"""All squared distances between two sets, in float64, by products where these keep the digits."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64
from scipy.spatial.distance import cdist

from jaxmem.numerics.branching import DIGITS_LOST

MOST_DIFFERENCED = 16
"""Dimensions up to which differences cost no more than a matrix product."""


def squared_distances(
    *sets: Float64[np.ndarray, "_ d"], resolved: float = 0.0
) -> Callable[[np.ndarray, np.ndarray], Float64[np.ndarray, "rows columns"]]:
    """A function of rows of the sets, their pairwise |x − y|².

    Args:
        sets: all samples that will be asked for, about their common centre.
        resolved: squared distance that must have its digits. Products, whose rounding is ε times the largest
            |x|², give way to differences where that would not be so; where 0, coincident points may come out
            as far apart as √ε |x|.

    Cost of a pair: d multiplications, of differences several times that.
    """
    largest = max(float(np.einsum("nd,nd->n", each, each).max()) for each in sets)
    rounding = float(np.finfo(np.float64).eps) * largest
    if sets[0].shape[1] <= MOST_DIFFERENCED or rounding > DIGITS_LOST * resolved > 0:
        return lambda x, y: cdist(x, y, "sqeuclidean")

    def by_products(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        norms = (np.einsum("nd,nd->n", each, each) for each in (x, y))
        squares = next(norms)[:, None] + next(norms) - 2 * (x @ y.T)
        return np.maximum(squares, 0, out=squares)

    return by_products
