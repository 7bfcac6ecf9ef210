"""The neural ODE: closed forms of linear blocks, gradients against deep networks, both adjoints."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm
from typechecking import unchecked

from jaxmem.numerics.interpolation import legendre_nodes
from jaxmem.scores import ContinuousResidual, ScaledResidual, functional_gradient

KEY = jax.random.key(0)
RNG = np.random.default_rng(1)
X, Y = RNG.normal(size=(2, 6, 3))
NODES, _ = legendre_nodes(12)
CURVES = np.cos(np.arange(15)[:, None] * 0.3 + 1.5 * NODES).T


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def path(**fields):
    """Weights that move along the depth, as polynomials do."""
    outer, inner = CURVES.reshape(12, 3, 5), 1.5 * CURVES[:, ::-1].reshape(12, 5, 3)
    return ContinuousResidual(jnp.asarray(outer), jnp.asarray(inner), **{"activation": "tanh"} | fields)


def loss(model):
    return ((model.on_batch(jnp.asarray(X)) - Y) ** 2).sum(1).mean()


def test_linear_blocks_are_the_matrix_exponential():
    """Of V W/√(qm), constant in depth."""
    drawn = ContinuousResidual.draw(KEY, 3, 5, activation="identity", nodes=4)
    outer = RNG.normal(size=(3, 5))
    model = dataclasses.replace(drawn, outer=jnp.broadcast_to(outer, (4, 3, 5)))
    exact = X @ expm(outer @ np.asarray(drawn.inner[0]) / np.sqrt(15)).T
    np.testing.assert_allclose(model.on_batch(jnp.asarray(X)), exact, rtol=1e-9)
    np.testing.assert_allclose(model(jnp.asarray(X[2])), exact[2], rtol=1e-9)


@pytest.mark.parametrize("adjoint", ["discretise", "backsolve"])
def test_networks_converge_to_it_as_one_over_their_depth(adjoint):
    """Outputs and L ∂ℓ/∂Z_k: Richardson's value from 200 and 400 layers is the limit's to 1/L²."""
    model = path(adjoint=adjoint)
    slopes = functional_gradient(eqx.filter_jit(eqx.filter_grad(loss))(model))
    errors = []
    for depth in (200, 400):
        layers, along = model.layers(depth), slopes.layers(depth)
        by_layers = eqx.filter_jit(eqx.filter_grad(loss))(layers)
        pairs = zip((by_layers.outer, by_layers.inner), (along.outer, along.inner), strict=True)
        gradient = [np.asarray(depth * a - b) for a, b in pairs]
        output = np.asarray(layers.on_batch(jnp.asarray(X)) - model.on_batch(jnp.asarray(X)))
        errors.append([output, *(each.reshape(2, -1, *each.shape[1:]).mean(1) for each in gradient)])
    for coarse, fine in zip(*errors, strict=True):
        assert 1e-4 < abs(coarse).max() < 2e-2
        assert abs(coarse - 2 * fine).max() < 0.03 * abs(coarse).max()


def test_both_adjoints_are_one_gradient():
    ours, its = (
        eqx.filter_jit(eqx.filter_grad(loss))(path(adjoint=name)) for name in ("discretise", "backsolve")
    )
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(its), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-7 * float(abs(b).max()))


@pytest.mark.parametrize("start", ["tied", "smooth"])
def test_it_starts_where_networks_do(start):
    limit = ContinuousResidual.draw(KEY, 3, 4, start=start)
    network = ScaledResidual.draw(KEY, 3, 4, 50, start=start)
    np.testing.assert_allclose(limit.layers(50).inner, network.inner, atol=1e-12)
    assert not np.asarray(limit.outer).any()
    assert limit.inner.std() > 0.5


def test_the_gradient_of_a_network_is_that_of_its_formula():
    """The backward pass is written by hand: central differences along a random direction."""
    for activation in ("gelu", "relu", "identity"):
        outer, inner = RNG.normal(size=(7, 3, 5)), RNG.normal(size=(7, 5, 3))
        model = ScaledResidual(jnp.asarray(outer), jnp.asarray(inner), activation)
        way = jax.tree.map(lambda leaf: jnp.asarray(RNG.normal(size=leaf.shape)), model)
        x = jnp.asarray(X)

        def value(weights, x):
            return (jnp.sin(weights.on_batch(x)) ** 2).sum()

        slopes, at_inputs = jax.grad(value, argnums=(0, 1))(model, x)
        step = 1e-6
        ends = [value(jax.tree.map(lambda w, v, s=s: w + s * v, model, way), x) for s in (step, -step)]
        along = sum((a * b).sum() for a, b in zip(jax.tree.leaves(slopes), jax.tree.leaves(way), strict=True))
        assert float(along) == pytest.approx(float(ends[0] - ends[1]) / (2 * step), rel=1e-6)
        ends = [value(model, x + s * Y) for s in (step, -step)]
        assert float((at_inputs * Y).sum()) == pytest.approx(float(ends[0] - ends[1]) / (2 * step), rel=1e-6)


def test_bad_input_is_refused():
    for fields, sentence in (
        ({"start": "independent"}, "start must be one of tied, smooth, got 'independent'"),
        ({"start": "smooth", "nodes": 8}, "nodes must be 12 for a smooth start, got 8"),
        ({"steps": 0}, "steps must be a whole number of at least 1, got 0"),
        ({"adjoint": "no"}, "adjoint must be one of"),
    ):
        with unchecked(), pytest.raises(ValueError, match=sentence):
            ContinuousResidual.draw(KEY, 3, 4, **fields)
