import equinox as eqx
import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmem.metrics import gauss_hermite, semi_empirical_risk, sharpness
from jaxmem.scores import TwoLayerReLU, partition_trainable, scores_at

KEY = jax.random.key(0)


def test_of_a_quadratic_is_its_largest_eigenvalue_even_if_another_is_larger_in_size():
    generator = np.random.default_rng(0)
    basis = np.linalg.qr(generator.normal(size=(60, 60)))[0]
    eigenvalues = np.concatenate([[3.0, 2.9, -5.0], generator.uniform(-1, 1, 57)])
    matrix = jnp.asarray(basis * eigenvalues @ basis.T, jnp.float32)

    def loss(parameters):
        vector = jnp.concatenate([parameters["a"], parameters["b"].ravel()])
        return vector @ matrix @ vector / 2

    parameters = {"a": jnp.zeros(20), "b": jnp.ones((8, 5))}
    found = jax.jit(lambda p: sharpness(loss, p, KEY, iterations=40))(parameters)
    np.testing.assert_allclose(found.value, 3.0, rtol=1e-5)
    assert found.residual < 1e-2
    every = sharpness(loss, parameters, KEY, iterations=500)
    np.testing.assert_allclose(every.value, 3.0, rtol=1e-5)


@jax.jit
def of_quadratic(matrix):
    return sharpness(lambda vector: vector @ matrix @ vector / 2, jnp.zeros(60), KEY, iterations=40)


@pytest.mark.parametrize("scale", [1.0, 1e-9])
@pytest.mark.parametrize(
    "eigenvalues", [[3.0, 1.0, -2.0] + 57 * [0.0], 60 * [-2.0], 20 * [1.5] + 20 * [1.0] + 20 * [-4.0]]
)
def test_few_distinct_eigenvalues_end_the_krylov_space(eigenvalues, scale):
    basis = np.linalg.qr(np.random.default_rng(2).normal(size=(60, 60)))[0]
    with jax.enable_x64(True):
        found = of_quadratic(scale * jnp.asarray(basis * np.array(eigenvalues) @ basis.T))
    np.testing.assert_allclose(found.value, scale * max(eigenvalues), rtol=1e-9)
    assert found.residual < 1e-9 * scale


def test_dead_neurons_end_the_krylov_space():
    """Two neurons of 200 are active, both on all points: the Hessian has a few rows, and their rank is 6."""
    network = TwoLayerReLU.draw(KEY, 1, 200)
    network = eqx.tree_at(lambda n: n.bias, network, jnp.full(200, -50.0).at[:2].set(50.0))
    trained, rest = partition_trainable(network)
    y = jax.random.normal(KEY, (30, 1))

    def loss(trained):
        return ((scores_at(eqx.combine(trained, rest), y) - y**2) ** 2).mean()

    flat, unravel = jax.flatten_util.ravel_pytree(trained)
    with jax.enable_x64(True):
        dense = jax.hessian(lambda flat: loss(unravel(flat)))(flat.astype(jnp.float64))
    found = sharpness(loss, trained, KEY, iterations=40)
    np.testing.assert_allclose(found.value, np.linalg.eigvalsh(dense)[-1], rtol=1e-6)


def test_of_a_network_is_that_of_its_dense_hessian():
    network = TwoLayerReLU.draw(KEY, 1, 15)
    network = eqx.tree_at(lambda n: n.bias, network, jax.random.normal(KEY, (15,)))
    trained, rest = partition_trainable(network)
    data = np.random.default_rng(1).normal(size=(6, 1)).astype(np.float32)
    average = gauss_hermite(20)

    def loss(trained):
        model = eqx.combine(trained, rest)
        return semi_empirical_risk(lambda y: scores_at(model, y), data, 0.8, 0.6, average)

    # The dense Hessian of the same sum, from the formula, by automatic differentiation twice.
    nodes, weights = np.asarray(average.normals)[:, 0, 0], np.asarray(average.weights)
    y = (0.8 * data + 0.6 * nodes).astype(np.float32).ravel()

    def plain(flat):
        inner, bias, outer = flat.reshape(3, -1)
        score = jax.nn.relu(y[:, None] * inner + bias) @ outer / 15
        return (jnp.tile(weights / 6, 6) * (score + jnp.tile(nodes, 6) / 0.6) ** 2).sum()

    flat = jnp.concatenate([network.inner_weights.ravel(), network.bias, network.outer.ravel()])
    with jax.enable_x64(True):
        expected = np.linalg.eigvalsh(jax.hessian(plain)(flat.astype(jnp.float64)))[-1]
    found = jax.jit(lambda trained: sharpness(loss, trained, KEY, iterations=45))(trained)
    np.testing.assert_allclose(found.value, expected, rtol=1e-5)


def test_vmap_equals_a_loop_and_nan_stays_with_its_replicate():
    rates = jnp.array([1.0, jnp.nan, 3.0])

    def one(rate):
        return sharpness(lambda v: rate * (v**4).sum(), jnp.arange(3.0), KEY, iterations=3).value

    batch = jax.vmap(one)(rates)
    np.testing.assert_allclose(batch, [48.0, np.nan, 144.0], rtol=1e-6)
