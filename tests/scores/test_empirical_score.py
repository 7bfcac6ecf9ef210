import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxmem.scores import empirical_score, empirical_score_on_line


def reference(y, data, mu, sigma):
    y, data = np.asarray(y, np.float64), np.asarray(data, np.float64)
    difference = mu * data - y[..., None, :]
    exponent = -(difference**2).sum(-1) / (2 * sigma**2)
    weight = np.exp(exponent - exponent.max(-1, keepdims=True))
    weight /= weight.sum(-1, keepdims=True)
    return (weight[..., None] * difference).sum(-2) / sigma**2


@settings(max_examples=5, deadline=None)
@given(
    st.integers(1, 6),
    st.integers(1, 9),
    st.sampled_from([1e-3, 0.1, 2.0]),
    st.floats(0.1, 1),
    st.integers(0, 99),
)
def test_is_the_softmax_average_of_the_definition(dim, n, sigma, mu, seed):
    generator = np.random.default_rng(seed)
    data = generator.normal(size=(n, dim)) + 10
    y = mu * data[generator.integers(n, size=(2, 3))] + sigma * generator.normal(size=(2, 3, dim))
    expected = reference(y, data, mu, sigma)
    np.testing.assert_allclose(empirical_score(y, data, mu, sigma), expected, rtol=1e-7, atol=1e-7 / sigma)


def test_is_the_gradient_of_the_log_density_of_the_mixture():
    data = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    mu, sigma = 0.8, 0.4

    def log_density(y):
        return jax.nn.logsumexp(-((y - mu * data) ** 2).sum(1) / (2 * sigma**2))

    y = jnp.asarray(np.random.default_rng(1).normal(size=(5, 3)), jnp.float32)
    np.testing.assert_allclose(
        empirical_score(y, data, mu, sigma), jax.vmap(jax.grad(log_density))(y), rtol=2e-5, atol=2e-5
    )


def test_many_tiles_at_small_noise_in_float32():
    generator = np.random.default_rng(2)
    data = generator.normal(size=(2500, 20)).astype(np.float32)
    sigma = 1e-3
    y = (data[:300] + sigma * generator.normal(size=(300, 20))).astype(np.float32)
    y[0] = (data[0] + data[2400]) / 2  # two points share the posterior, in different tiles
    score = empirical_score(y, data, 1.0, sigma)
    assert score.dtype == jnp.float32
    np.testing.assert_allclose(score, reference(y, data, 1.0, sigma), rtol=2e-6, atol=1e-2)


def test_padding_is_ignored_and_the_count_may_be_traced():
    data = np.random.default_rng(3).normal(size=(40, 2)).astype(np.float32)
    y = data[:4] + 0.1
    padded = np.concatenate([data, np.full((1500, 2), np.nan, np.float32)])
    scores = jax.jit(lambda rows, count: empirical_score(y, rows, 0.9, 0.3, count=count))
    np.testing.assert_allclose(scores(padded, 40), empirical_score(y, data, 0.9, 0.3), rtol=1e-6)
    np.testing.assert_allclose(scores(padded, 25), empirical_score(y, data[:25], 0.9, 0.3), rtol=1e-6)


def test_vmap_over_levels_equals_a_loop():
    data = np.random.default_rng(4).normal(size=(10, 2)).astype(np.float32)
    y = data[:3] + 0.2
    sigmas = jnp.asarray([0.05, 0.5, 1.0])
    batch = jax.vmap(lambda sigma: empirical_score(y, data, 0.9, sigma))(sigmas)
    loop = [empirical_score(y, data, 0.9, sigma) for sigma in sigmas]
    np.testing.assert_allclose(batch, jnp.stack(loop), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("sigma", [0.02, 0.3, 3.0])
def test_derivatives_on_the_line(sigma):
    data = np.random.default_rng(5).normal(size=(8, 1))
    mu, step = 0.9, 1e-4 * sigma
    y = mu * data[:, 0] + 0.7 * sigma
    line = empirical_score_on_line(y, data, mu, sigma)
    score = lambda y: reference(y[:, None], data, mu, sigma)[:, 0]  # noqa: E731
    np.testing.assert_allclose(line.score, score(y), rtol=1e-9, atol=1e-9)
    slope = (score(y + step) - score(y - step)) / (2 * step)
    np.testing.assert_allclose(line.slope, slope, rtol=1e-5, atol=1e-5 / sigma**2)
    ahead, behind = (np.asarray(empirical_score_on_line(y + s, data, mu, sigma).slope) for s in (step, -step))
    np.testing.assert_allclose(line.curvature, (ahead - behind) / (2 * step), rtol=1e-4, atol=1e-5 / sigma**3)


def test_bad_input_is_refused(monkeypatch):
    data = np.zeros((3, 2))
    with pytest.raises(ValueError, match=r"sigma must be a finite number above 0, got 0"):
        empirical_score(np.zeros(2), data, 1.0, 0.0)
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # it would refuse these first
    with pytest.raises(ValueError, match=r"y must have shape \(..., 2\) as data has, got \(3,\)"):
        empirical_score(np.zeros(3), data, 1.0, 1.0)
    with pytest.raises(ValueError, match=r"data must be finite"):
        empirical_score(np.zeros(2), data * np.nan, 1.0, 1.0)
