import jax
import jax.numpy as jnp
import numpy as np

from jaxmem.metrics import condensation
from jaxmem.numerics.randomness import stream

KEY = jax.random.key(0)


def test_is_the_posterior_of_the_definition():
    data = np.random.default_rng(0).normal(size=(1300, 3)).astype(np.float32)
    ours = condensation(KEY, data, 0.9, 0.3, points=50)
    normal = np.asarray(jax.random.normal(stream(KEY, "condensation"), (50, 3), jnp.float32), np.float64)
    rows = data.astype(np.float64)
    logits = -((0.9 * rows[:50, None] + 0.3 * normal[:, None] - 0.9 * rows) ** 2).sum(-1) / (2 * 0.09)
    weights = np.exp(logits)
    share = weights / weights.sum(1, keepdims=True)
    own = weights[np.arange(50), np.arange(50)]
    # float32 normals have a last digit of their own in each program
    np.testing.assert_allclose(ours.largest_weight, share.max(1), rtol=1e-6)
    np.testing.assert_allclose(ours.participation, (share**2).sum(1), rtol=1e-6)
    np.testing.assert_allclose(ours.log_ratio, np.log(own / (weights.sum(1) - own)), rtol=1e-6, atol=1e-6)


def test_data_a_million_noise_levels_from_their_centre():
    data = np.random.default_rng(0).normal(size=(60, 3)) + 1e8 * np.repeat([[-1.0], [1.0]], 30, 0)
    ours, near = (
        condensation(KEY, data, 1.0, 1.0, points=30),
        condensation(KEY, data[:30], 1.0, 1.0, points=30),
    )
    for left, right in zip(ours, near, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-6)


def test_a_vmap_around_a_callers_jit():
    data = np.random.default_rng(1).normal(size=(2, 7, 3)).astype(np.float32)
    batch = jax.vmap(jax.jit(lambda x: condensation(KEY, x, 0.9, 0.5, points=5)))(data)
    for row in range(2):
        alone = condensation(KEY, data[row], 0.9, 0.5, points=5)
        np.testing.assert_allclose([each[row] for each in batch], alone, rtol=1e-9)


def test_padding_is_ignored_and_points_may_outnumber_the_data():
    data = np.random.default_rng(1).normal(size=(7, 2)).astype(np.float32)
    padded = np.concatenate([data, np.zeros((2, 2), np.float32)])
    ours = jax.jit(lambda count: condensation(KEY, padded, 0.9, 0.5, points=20, count=count))(7)
    for left, right in zip(ours, condensation(KEY, data, 0.9, 0.5, points=20), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-9)


def test_limits_of_little_and_much_noise():
    data = np.random.default_rng(2).normal(size=(20, 2)).astype(np.float32)
    sharp = condensation(KEY, data, 1.0, 1e-3)
    np.testing.assert_allclose(sharp.largest_weight, 1)
    assert sharp.log_ratio.min() > 10
    flat = condensation(KEY, data, 1e-3, 1.0)
    np.testing.assert_allclose(flat.participation, 1 / 20, rtol=1e-3)
    np.testing.assert_allclose(flat.log_ratio, -np.log(19), atol=0.05)
    alone = condensation(KEY, data[:1], 1.0, 0.5, points=3)
    np.testing.assert_allclose(alone.participation, 1)
    assert np.all(np.isposinf(alone.log_ratio))


def test_the_own_point_dominates_below_the_collapse_time_and_not_above():
    """n = e^{αd} at d = 40, α = 0.15: t_C = −½ log(1 − e^{−2α})."""
    dim, n = 40, 403
    data = np.random.default_rng(3).normal(size=(n, dim)).astype(np.float32)
    collapse = -0.5 * np.log(1 - n ** (-2 / dim))

    def share(time):
        mu, sigma = np.exp(-time), np.sqrt(1 - np.exp(-2 * time))
        return float((condensation(KEY, data, mu, sigma).log_ratio > 0).mean())

    assert share(0.5 * collapse) > 0.95
    assert 0.1 < share(collapse) < 0.9
    assert share(2 * collapse) < 0.05
