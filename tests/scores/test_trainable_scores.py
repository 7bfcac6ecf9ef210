import equinox as eqx
import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest

from jaxmem.scores import (
    Fixed,
    NoisePrediction,
    RandomFeatures,
    ResidualMLP,
    TwoLayerReLU,
    partition_trainable,
    scores_at,
)
from jaxmem.scores.line_network import SORTED_FROM, line_network

KEY = jax.random.key(0)


def formula(network, *inputs):
    """s_θ by its formula in float64 NumPy."""
    z = np.concatenate([np.atleast_1d(entry) for entry in inputs]).astype(np.float64)
    arrays = (network.inner_weights, network.bias, network.outer)
    inner, bias, outer = (np.asarray(array, np.float64) for array in arrays)
    return np.maximum(inner @ z + bias, 0) @ outer / len(outer)


def with_biases(network):
    bias = jax.random.normal(jax.random.key(9), network.bias.shape)
    return eqx.tree_at(lambda n: n.bias, network, bias)


@pytest.mark.parametrize("time_input", [False, True])
@pytest.mark.parametrize("dim", [1, 3])
@pytest.mark.parametrize("inner", ["normal", "signs"])
def test_the_network_is_its_formula_point_by_point_and_in_batches(dim, time_input, inner):
    network = with_biases(TwoLayerReLU.draw(KEY, dim, 50, time_input=time_input, inner=inner))
    y = jax.random.normal(jax.random.key(1), (6, dim))
    times = jnp.linspace(0.1, 1, 6) if time_input else None
    expected = [formula(network, *(() if times is None else (times[i],)), y[i]) for i in range(6)]
    np.testing.assert_allclose(scores_at(network, y, times), np.stack(expected), rtol=2e-5, atol=1e-6)
    single = network(*(() if times is None else (times[2],)), y[2])
    np.testing.assert_allclose(single, expected[2], rtol=2e-5, atol=1e-6)


def test_the_start_of_the_network_is_that_of_the_source():
    network = TwoLayerReLU.draw(KEY, 4, 4000)
    assert not network.bias.any()
    for array, variance in ((network.inner_weights, 1 / 4), (network.outer, 1.0)):
        error = variance * (2 / array.size) ** 0.5
        assert abs(float(jnp.var(array)) - variance) < 4 * error
    signs = TwoLayerReLU.draw(KEY, 1, 50, inner="signs").inner_weights
    assert set(np.unique(signs)) == {-1.0, 1.0}


@pytest.mark.parametrize("points", [3, 40, SORTED_FROM + 88])
def test_line_network_and_its_gradient_are_those_of_the_formula(points):
    keys = jax.random.split(jax.random.key(2), 4)
    y = jax.random.normal(keys[0], (points,))
    weights = [jax.random.normal(key, (70,)) for key in keys[1:]]
    weights[0] = weights[0].at[:2].set(0)  # neurons without a kink, one active everywhere, one nowhere
    weights[1] = weights[1].at[:2].set(jnp.array([0.5, -0.5]))
    target = jnp.sin(3 * y)

    def plain(y, inner, bias, outer):
        return jax.nn.relu(y[:, None] * inner + bias) @ outer / outer.size

    def loss(network, y, weights):
        return ((network(y, *weights) - target) ** 2).mean()

    np.testing.assert_allclose(line_network(y, *weights), plain(y, *weights), rtol=1e-5, atol=1e-6)
    gradient = jax.jit(jax.grad(loss, (1, 2)), static_argnums=0)
    fast, slow = gradient(line_network, y, weights), gradient(plain, y, weights)
    for ours, theirs in zip(jax.tree.leaves(fast), jax.tree.leaves(slow), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=2e-7)


@pytest.mark.parametrize("points", [30, SORTED_FROM])
def test_line_network_second_derivatives(points):
    y = jax.random.normal(KEY, (points,))
    weights = [jax.random.normal(key, (5,)) for key in jax.random.split(KEY, 3)]

    def curvature(network):
        gradient = jax.grad(lambda weights: (network(y, *weights) ** 2).mean())
        return jax.jit(lambda w: jax.jvp(gradient, (w,), (w[::-1],))[1])(weights)

    def plain(y, inner, bias, outer):
        return jax.nn.relu(y[:, None] * inner + bias) @ outer / outer.size

    for ours, theirs in zip(curvature(line_network), curvature(plain), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("points", [30, SORTED_FROM])
def test_a_lost_neuron_is_seen_in_the_score(points):
    y = jax.random.normal(KEY, (points,))
    weights = [jax.random.normal(key, (20,)) for key in jax.random.split(KEY, 3)]
    for i in range(3):
        broken = [w.at[4].set(jnp.nan) if i == j else w for j, w in enumerate(weights)]
        assert jnp.isnan(line_network(y, *broken)).any()


@pytest.mark.parametrize("dim", [1, 2])
def test_gradients_against_finite_differences(dim):
    network = with_biases(TwoLayerReLU.draw(KEY, dim, 8))
    y = jax.random.normal(jax.random.key(3), (5, dim))
    trained, rest = partition_trainable(network)

    def loss(arrays, points):
        inner, bias, outer = arrays
        z = np.maximum(points @ inner.T + bias, 0) @ outer / len(outer)
        return (z**2).sum()

    gradient = jax.grad(lambda trained: (scores_at(eqx.combine(trained, rest), y) ** 2).sum())(trained)
    arrays = [np.asarray(a, np.float64) for a in (network.inner_weights, network.bias, network.outer)]
    for which, ours in enumerate((gradient.inner, gradient.bias, gradient.outer)):
        for index in np.ndindex(ours.shape):
            ahead, behind = ([a.copy() for a in arrays] for _ in range(2))
            ahead[which][index] += 1e-5
            behind[which][index] -= 1e-5
            points = np.asarray(y, np.float64)
            slope = (loss(ahead, points) - loss(behind, points)) / 2e-5
            np.testing.assert_allclose(ours[index], slope, rtol=1e-3, atol=1e-5)


def test_kinks_are_where_the_slope_changes():
    network = with_biases(TwoLayerReLU.draw(KEY, 1, 3))
    kinks, changes = network.kinks()
    for kink, change in zip(kinks, changes, strict=True):
        below, at, above = (formula(network, np.array([float(kink) + h]))[0] for h in (-1e-3, 0, 1e-3))
        np.testing.assert_allclose((above - 2 * at + below) / 1e-3, change, rtol=1e-3)
    with pytest.raises(ValueError, match=r"Only a network on the line has kinks, got 2 inputs"):
        TwoLayerReLU.draw(KEY, 2, 3).kinks()


def test_fixed_arrays_are_not_trained():
    network = TwoLayerReLU.draw(KEY, 1, 5, inner="signs")
    trained, rest = partition_trainable(network)
    assert len(jax.tree.leaves(trained)) == 2
    joined = eqx.combine(trained, rest)
    assert isinstance(joined.inner, Fixed)
    np.testing.assert_array_equal(joined.inner_weights, network.inner_weights)


def test_random_features_start_at_zero_and_nest():
    small, large = (RandomFeatures.draw(KEY, 3, p) for p in (4, 9))
    np.testing.assert_array_equal(small.directions.value, large.directions.value[:4])
    x = jax.random.normal(KEY, (5, 3))
    assert not large(x).any()
    expected = np.tanh(np.asarray(x, np.float64) @ np.asarray(large.directions.value, np.float64).T / 3**0.5)
    np.testing.assert_allclose(large.features(x), expected, atol=1e-6)


def test_noise_prediction_is_the_score_of_its_network():
    network = TwoLayerReLU.draw(KEY, 2, 20, time_input=True)
    score = NoisePrediction(network)
    times, y = jnp.array([0.1, 1.0]), jax.random.normal(KEY, (2, 2))
    sigma = np.sqrt(1 - np.exp(-2 * np.asarray(times)))
    expected = [-formula(network, times[i], y[i]) / sigma[i] for i in range(2)]
    np.testing.assert_allclose(scores_at(score, y, times), np.stack(expected), rtol=1e-5)
    np.testing.assert_allclose(score(times[1], y[1]), expected[1], rtol=1e-5)


def test_residual_network_starts_at_zero_and_resolves_time():
    network = ResidualMLP.draw(KEY, 2, width=16, depth=4)
    x = jnp.array([0.3, -1.0])
    tuned = eqx.tree_at(lambda n: n.readout, network, jnp.ones_like(network.readout))
    early, late = jax.jit(jax.vmap(tuned, (0, None)))(jnp.array([0.01, 0.02]), x)
    assert jnp.abs(early - late).max() > 1e-2
    assert not eqx.filter_jit(network)(jnp.array(0.5), x).any()


def test_bad_input_is_refused(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # it would refuse the second first
    with pytest.raises(ValueError, match=r"width must be a whole number of at least 1, got 0"):
        TwoLayerReLU.draw(KEY, 1, 0)
    with pytest.raises(ValueError, match=r"inner must be one of normal, signs, got 'free'"):
        TwoLayerReLU.draw(KEY, 1, 2, inner="free")
