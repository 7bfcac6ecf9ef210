"""Polynomials through Gauss–Legendre nodes, against NumPy's own."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxmem.numerics.interpolation import lagrange_basis, legendre_nodes

COEFFICIENTS = np.array([0.3, -1.0, 2.0, 0.5, -0.7])


def test_quadrature_is_exact_up_to_its_degree():
    nodes, weights = legendre_nodes(3)
    for degree in range(7):
        found = (weights * nodes**degree).sum()
        assert (abs(found - 1 / (degree + 1)) < 1e-14) == (degree < 6)


def test_a_polynomial_is_the_one_through_its_values():
    nodes, _ = legendre_nodes(5)
    places = np.array([-0.2, 0.0, 0.31, float(nodes[2]), 1.0])
    with jax.enable_x64(True):
        basis = np.asarray(jax.jit(lambda s: lagrange_basis(nodes, s))(jnp.asarray(places)))
    np.testing.assert_allclose(
        basis @ np.polyval(COEFFICIENTS, nodes), np.polyval(COEFFICIENTS, places), rtol=1e-12
    )
