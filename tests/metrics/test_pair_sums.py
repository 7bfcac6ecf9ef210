"""Tiled pair sums against scipy's distances, in both forms of the exponent, with and without padding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist
from scipy.special import logsumexp

from jaxmem.metrics.pair_sums import log_sum_exp_within, mean_of, points, sum_between, sum_within
from jaxmem.numerics.branching import choose

CENTRE = 50.0
ROWS = 70


def samples(seed, dim, rows=ROWS):
    return CENTRE + np.random.default_rng(seed).standard_normal((rows, dim))


def prepared(x, count, unit):
    return points(x, jnp.asarray(count, jnp.float64), centre=np.full(x.shape[1], CENTRE), unit=unit)


@pytest.mark.parametrize("dim", [2, 6])
@pytest.mark.parametrize("tile", [None, 16])
def test_sums_against_scipy(dim, tile):
    x, y = samples(0, dim), samples(1, dim, 45)
    with jax.enable_x64(True):
        for count in (ROWS, 33, 1):
            half_squares = pdist(x[:count], "sqeuclidean") / 2 / 0.7**2
            between = cdist(x[:count], y, "sqeuclidean") / 2 / 0.7**2
            a, b = prepared(x, count, 0.7), prepared(y, 45, 0.7)
            assert float(sum_within(jnp.exp, a, tile=tile)) == pytest.approx(
                np.exp(-half_squares).sum(), rel=1e-6
            )
            assert float(sum_between(jnp.exp, a, b, tile=tile)) == pytest.approx(
                np.exp(-between).sum(), rel=1e-6
            )
            expected = logsumexp(-half_squares) if count > 1 else -np.inf
            assert float(log_sum_exp_within(a, tile=tile)) == pytest.approx(float(expected), abs=2e-6)


def test_exponents_far_below_the_smallest_number():
    x = samples(0, 6)
    with jax.enable_x64(True):
        found = float(log_sum_exp_within(prepared(x, ROWS, 1e-3), tile=16))
    closest = pdist(x, "sqeuclidean").min()
    assert found == pytest.approx(-closest / 2e-6, rel=1e-5)


@pytest.mark.parametrize("apart", [0.0, 30.0, 3e3, 1e7])
def test_exponents_that_lose_their_digits_are_taken_in_another_form(apart):
    """Two clusters of spread 1 in units of 1: float32, float64 and differences have to take turns."""
    rng = np.random.default_rng(0)
    x, y = (
        CENTRE + rng.standard_normal((n, 6)) + apart * np.sign(rng.standard_normal((n, 1)))
        for n in (ROWS, 45)
    )
    with jax.enable_x64(True):
        a, b = prepared(x, ROWS, 1.0), prepared(y, 45, 1.0)
        expected = np.exp(-cdist(x, y, "sqeuclidean") / 2).sum(), np.exp(-pdist(x, "sqeuclidean") / 2).sum()
        assert float(sum_between(jnp.exp, a, b)) == pytest.approx(expected[0], rel=2e-5)
        assert float(sum_within(jnp.exp, a)) == pytest.approx(expected[1], rel=2e-5)
        assert float(log_sum_exp_within(a)) == pytest.approx(np.log(expected[1]), abs=2e-5)


def test_a_batch_takes_one_branch_for_all():
    taken = []

    def branch(name):
        def at(level, x):
            jax.debug.callback(lambda: taken.append(name))
            return x + (level - level)

        return at

    def chosen(level, x):
        return choose(level, (branch("first"), branch("last")), x)

    x = jnp.arange(6.0).reshape(3, 2)
    for levels, expected in (([[0, 0]] * 3, {"first"}), ([[0, 0], [0, 1], [0, 0]], {"last"})):
        taken.clear()
        nested = jax.vmap(jax.jit(jax.vmap(chosen)))(jnp.array(levels), x)
        jax.effects_barrier()
        np.testing.assert_array_equal(nested, x)
        assert set(taken) == expected


def test_mean_takes_float64_and_ignores_padding():
    x = samples(0, 3)
    with jax.enable_x64(True):
        np.testing.assert_allclose(mean_of(x, jnp.asarray(33.0)), x[:33].mean(0), rtol=1e-14)


@pytest.mark.parametrize("dim", [2, 6])
def test_memory_stays_far_below_that_of_all_pairs(dim):
    rows = 8192
    with jax.enable_x64(True):
        rows_of = jax.ShapeDtypeStruct((rows, dim), jnp.float32)
        overlap = jax.jit(lambda x: log_sum_exp_within(prepared(x, rows, 1.0)))
        memory = overlap.lower(rows_of).compile().memory_analysis().temp_size_in_bytes
    assert memory < 4 * rows**2 / 16
