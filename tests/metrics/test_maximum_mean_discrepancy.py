"""MMD² against sums over all pairs, and against its value between two Gaussians."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist
from typechecking import unchecked

from jaxmem.metrics import maximum_mean_discrepancy_squared, median_bandwidth


def pair(dim, n=30, size=70):
    rng = np.random.default_rng(dim)
    return 10 + rng.standard_normal((n, dim)), 10.2 + rng.standard_normal((size, dim))


def expected(x, y, bandwidth, unbiased):
    def kernel(a, b):
        return np.exp(-cdist(a, b, "sqeuclidean") / (2 * bandwidth**2))

    def within(a):
        values, n = kernel(a, a), len(a)
        return (values.sum() - n) / max(n * (n - 1), 1) if unbiased else values.mean()

    return within(x) + within(y) - 2 * kernel(x, y).mean()


@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize("dim", [3, 12])
def test_against_all_pairs(dim, unbiased):
    x, y = pair(dim)
    for count in (30, 8, 1):
        for bandwidth in (0.5, 3.0):
            found = maximum_mean_discrepancy_squared(x, y, count, bandwidth=bandwidth, unbiased=unbiased)
            assert float(found) == pytest.approx(expected(x[:count], y, bandwidth, unbiased), abs=1e-7)


def test_float64_and_tiles():
    x, y = pair(12)
    found = maximum_mean_discrepancy_squared(x, y, bandwidth=3.0, dtype=jnp.float64, tile=16)
    assert float(found) == pytest.approx(expected(x, y, 3.0, True), abs=1e-14)


def test_a_sample_and_itself():
    x, _ = pair(12)
    assert float(maximum_mean_discrepancy_squared(x, x, bandwidth=3.0, unbiased=False)) == pytest.approx(
        0, abs=1e-7
    )


def test_unbiased_for_every_size():
    """Between N(0, 1) and N(1, 1) with h = 1: 2 (1 − e^(−1/6)) / √3."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2000, 5, 1)), 1 + rng.standard_normal((2000, 10, 1))
    x, y = jnp.asarray(x, jnp.float32), jnp.asarray(y, jnp.float32)
    distance = partial(maximum_mean_discrepancy_squared, bandwidth=1.0)
    values = np.asarray(jax.vmap(distance)(x, y))
    error = np.std(values) / np.sqrt(len(values))
    assert np.mean(values) == pytest.approx(2 * (1 - np.exp(-1 / 6)) / np.sqrt(3), abs=4.5 * error)
    assert error < 0.01


def test_vmap_and_jit_equal_a_loop_over_counts():
    x, y = (jnp.asarray(sample, jnp.float32) for sample in pair(12))
    counts = jnp.asarray([1, 8, 30])

    def distance(count):
        return maximum_mean_discrepancy_squared(x, y, count, bandwidth=2.0)

    batched = jax.jit(jax.vmap(distance))(counts)
    assert batched.dtype == jnp.float64
    np.testing.assert_allclose(batched, [float(distance(int(count))) for count in counts], atol=1e-8)


@pytest.mark.parametrize("apart", [1e3, 1e4])
def test_far_clusters_in_float32(apart):
    rng = np.random.default_rng(1)
    x, y = (rng.standard_normal((n, 12)) + apart * np.sign(rng.standard_normal((n, 1))) for n in (30, 70))
    found = maximum_mean_discrepancy_squared(x, y, bandwidth=3.0)
    assert float(found) == pytest.approx(expected(x, y, 3.0, True), abs=1e-6)


def test_derivatives_of_two_orders_also_where_points_coincide():
    """Against central differences of the float64 NumPy reference."""
    y, x = pair(12, 8, 5)
    x[:2], step = y[:2], 1e-4
    along = np.random.default_rng(0).standard_normal(x.shape)
    values = [expected(x + t * along, y, 3.0, True) for t in (-step, 0, step)]

    def distance(x):
        return maximum_mean_discrepancy_squared(x, y.astype(np.float32), bandwidth=3.0)

    gradient = jax.grad(distance)

    @jax.jit
    def both(x):
        return (gradient(x) * along).sum(), jax.grad(lambda x: (gradient(x) * along).sum())(x)

    single = jnp.asarray(x, jnp.float32)
    slope, bent = both(single)
    assert float(slope) == pytest.approx((values[2] - values[0]) / (2 * step), rel=1e-4)
    second = (values[2] - 2 * values[1] + values[0]) / step**2
    assert float((bent * along).sum()) == pytest.approx(second, rel=1e-3)
    forward = jax.jvp(distance, (single,), (jnp.asarray(along, jnp.float32),))[1]
    assert float(forward) == pytest.approx(float(slope), rel=1e-5)


def test_median_bandwidth():
    x, _ = pair(12)
    assert float(median_bandwidth(x)) == pytest.approx(np.median(pdist(x)), rel=1e-12)
    assert float(median_bandwidth(x, most=7)) == pytest.approx(np.median(pdist(x[:7])), rel=1e-12)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"bandwidth": 0.0}, "bandwidth must be a finite number above 0, got 0.0"),
        ({"y": np.ones((5, 4))}, r"y must have shape \(any, 3\), got \(5, 4\)"),
        ({"count": 31}, "count must be a whole number from 1 to 30, the rows given, got 31"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(change, sentence):
    x, y = pair(3)
    with unchecked(), pytest.raises(ValueError, match=sentence):
        maximum_mean_discrepancy_squared(**({"x": x, "y": y, "bandwidth": 1.0} | change))
