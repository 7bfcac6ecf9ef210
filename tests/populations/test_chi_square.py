"""χ² draws against SciPy's law."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxmem.populations import chi_square

DRAWS = 40_000


@pytest.mark.parametrize("degrees", [1, 2, 3, 5, 30, 1000])
def test_law(degrees):
    values = np.asarray(chi_square(jax.random.key(degrees), jnp.full(DRAWS, degrees)), np.float64)
    assert stats.kstest(values, stats.chi2(degrees).cdf).pvalue > 1e-4
    assert abs(values.mean() - degrees) < 4.5 * np.sqrt(2 * degrees / DRAWS)
    fourth = 12 * degrees * (degrees + 4)  # fourth central moment
    assert abs(values.var() - 2 * degrees) < 4.5 * np.sqrt((fourth - 4 * degrees**2) / DRAWS)


def test_no_degrees_no_sum():
    np.testing.assert_array_equal(chi_square(jax.random.key(0), jnp.array([0, -3, 0])), 0)


def test_neighbours_are_independent():
    x = np.asarray(chi_square(jax.random.key(3), jnp.full((DRAWS, 2), 4)), np.float64)
    assert abs(np.corrcoef(x.T)[0, 1]) < 4.5 / np.sqrt(DRAWS)


def test_batch_of_traced_degrees_equals_single_draws():
    """A slow neighbour in the batch does not change a draw that was accepted before."""
    keys = jax.random.split(jax.random.key(4), 50)
    degrees = jnp.arange(1, 51)[:, None] + jnp.zeros(20, jnp.int32)
    batch = jax.jit(jax.vmap(chi_square))(keys, degrees)
    single = [chi_square(key, row) for key, row in zip(keys, degrees, strict=True)]
    np.testing.assert_allclose(batch, single, rtol=2e-6)  # two programs, each with its rounding
    assert batch.dtype == np.float32
