"""Polynomials through values at Gauss–Legendre nodes of [0, 1]."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def legendre_nodes(count: int) -> tuple[Float[np.ndarray, "count"], Float[np.ndarray, "count"]]:
    """Nodes and weights of the quadrature on [0, 1] that is exact up to degree 2 · count − 1, float64."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1) / 2, weights / 2


def lagrange_basis(
    nodes: Float[np.ndarray, "nodes"], places: Any
) -> Float[Array | np.ndarray, "places nodes"]:
    """The polynomials that are 1 at one node and 0 at the others, at (places,).

    Of places in NumPy by NumPy, so that they are constants while a program is traced; others may be traced.
    """
    itself = np.eye(len(nodes), dtype=bool)
    apart = nodes[:, None] - nodes + itself
    array = np if isinstance(places, np.ndarray) else jnp
    factors = (array.asarray(places)[:, None, None] - nodes) / apart
    return array.where(itself, 1.0, factors).prod(-1)
