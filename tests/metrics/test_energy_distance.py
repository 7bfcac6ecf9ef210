"""Energy distance against scipy on the line and sums over all pairs elsewhere."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from scipy.spatial.distance import cdist
from typechecking import unchecked

from jaxmem.metrics import energy_distance


def pair(dim, n=30, size=70):
    rng = np.random.default_rng(dim)
    return 10 + rng.standard_normal((n, dim)), 10.2 + rng.standard_normal((size, dim))


def expected(x, y, unbiased):
    def within(a):
        pairs = max(len(a) * (len(a) - 1), 1) if unbiased else len(a) ** 2
        return cdist(a, a).sum() / pairs

    return 2 * cdist(x, y).mean() - within(x) - within(y)


def test_square_of_scipys_on_the_line():
    x, y = pair(1)
    for count in (30, 8, 1):
        known = scipy.stats.energy_distance(x[:count, 0], y[:, 0]) ** 2
        assert float(energy_distance(x, y, count, unbiased=False)) == pytest.approx(known, abs=1e-6)


@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize("dim", [3, 12])
def test_against_all_pairs(dim, unbiased):
    x, y = pair(dim)
    for count in (30, 8, 1):
        found = energy_distance(x, y, count, unbiased=unbiased)
        assert float(found) == pytest.approx(expected(x[:count], y, unbiased), abs=2e-6)


def test_float64_and_tiles():
    x, y = pair(12)
    assert float(energy_distance(x, y, dtype=jnp.float64, tile=16)) == pytest.approx(
        expected(x, y, True), abs=1e-13
    )


@pytest.mark.parametrize(("dim", "error"), [(3, 1e-7), (12, 1e-4)])
def test_a_sample_and_itself(dim, error):
    x, _ = pair(dim)
    assert float(energy_distance(x, x, unbiased=False)) == pytest.approx(0, abs=error)


def test_vmap_and_jit_equal_a_loop_over_counts():
    x, y = (jnp.asarray(sample, jnp.float32) for sample in pair(12))
    counts = jnp.asarray([1, 8, 30])
    batched = jax.jit(jax.vmap(lambda count: energy_distance(x, y, count)))(counts)
    assert batched.dtype == jnp.float64
    np.testing.assert_allclose(batched, [float(energy_distance(x, y, int(n))) for n in counts], atol=1e-6)


def test_tight_clusters_in_float32():
    """Clusters 1e-3 wide, 1 apart: float32 inner products lose the distances within."""
    rng = np.random.default_rng(1)
    x, y = (1e-3 * rng.standard_normal((n, 12)) + rng.integers(0, 2, (n, 1)) for n in (40, 60))
    assert float(energy_distance(x, y)) == pytest.approx(expected(x, y, True), abs=1e-7)


def test_derivatives_forwards_and_backwards_where_points_coincide():
    """A coinciding pair has no slope; the others have that of |x − y|."""
    y, x = pair(12, 8, 5)
    x[:2] = y[:2]
    along = np.random.default_rng(0).standard_normal(x.shape).astype(np.float32)

    def unit(a, b):
        apart = a[:, None] - b
        norms = np.linalg.norm(apart, axis=-1, keepdims=True)
        return (apart / np.where(norms > 0, norms, 1)).sum(1)

    slope = 2 * unit(x, y) / (len(x) * len(y)) - 2 * unit(x, x) / (len(x) * (len(x) - 1))
    single, other = jnp.asarray(x, jnp.float32), jnp.asarray(y, jnp.float32)
    found = jax.vmap(jax.jit(jax.grad(energy_distance)), (0, None))(single[None], other)
    np.testing.assert_allclose(found[0], slope, atol=2e-5)
    forward = jax.jvp(lambda x: energy_distance(x, other), (single,), (along,))[1]
    assert float(forward) == pytest.approx((slope * along).sum(), rel=1e-4)


def test_bad_input_is_refused_in_a_sentence():
    x, y = pair(3)
    with unchecked(), pytest.raises(ValueError, match=r"y must have shape \(any, 3\), got \(70, 2\)"):
        energy_distance(x, y[:, :2])
    with pytest.raises(ValueError, match="x must be finite, got nan"):
        energy_distance(x * np.nan, y)
