"""System S7 against a NumPy network with its own backward pass, and the slopes that the source proves."""

import dataclasses
import math

import jax
import numpy as np
import pytest
from typechecking import unchecked

import jaxmem
from jaxmem.numerics.randomness import stream
from jaxmem.scores import ScaledResidual
from jaxmem.scores.scaled_residual import smooth_paths
from jaxmem.studies import DepthLimit
from jaxmem.theory import initial_polyak_lojasiewicz

SMALL = DepthLimit(
    depths=(4, 8), samples=6, dim=3, width=5, steps=40, snapshots=3, activation="tanh", limit=True
)
KEY = jaxmem.replicate_key(2, 1)


@pytest.fixture(scope="module")
def found():
    return jaxmem.sweep(SMALL, replicates=3, seed=2)


def normals(key, *shape):
    return np.asarray(jax.random.normal(key, shape, np.float32), np.float64)


def trained(depth, steps, rate=0.01):
    """V, W after gradient descent in steps of η L, and the gradients and the loss there; tanh, tied start."""
    x, y = (normals(stream(KEY, name), 6, 3) for name in ("inputs", "targets"))
    one = normals(stream(stream(KEY, "model"), "tied weights"), 1, 5, 3)
    outer, inner = np.zeros((depth, 3, 5)), np.repeat(one, depth, 0)
    for step in range(steps + 1):
        states, hidden = [x], []
        for v, w in zip(outer, inner, strict=True):
            hidden.append(np.tanh(states[-1] @ w.T / math.sqrt(3)))
            states.append(states[-1] + hidden[-1] @ v.T / (depth * math.sqrt(5)))
        residual = states[-1] - y
        pull = 2 * residual / len(x)
        slopes = [np.zeros_like(outer), np.zeros_like(inner)]
        for k in reversed(range(depth)):
            slopes[0][k] = pull.T @ hidden[k] / (depth * math.sqrt(5))
            inside = pull @ outer[k] / (depth * math.sqrt(5)) * (1 - hidden[k] ** 2) / math.sqrt(3)
            slopes[1][k] = inside.T @ states[k]
            pull = pull + inside @ inner[k]
        if step < steps:
            outer = outer - np.float32(rate) * depth * slopes[0]
            inner = inner - np.float32(rate) * depth * slopes[1]
    return outer, inner, slopes, (residual**2).sum(1).mean()


def test_by_hand(found):
    few, half = trained(4, 40), trained(2, 40)
    outer, inner, slopes, loss = few
    ours = found.sel(depth=4).isel(replicate=1, step=-1)
    differences = np.sqrt(
        (np.diff(outer, axis=0) ** 2).sum((1, 2)) + (np.diff(inner, axis=0) ** 2).sum((1, 2))
    )
    apart = sum(
        (((a[::2] + a[1::2]) / 2 - b) ** 2).sum((1, 2)) for a, b in zip(few[:2], half[:2], strict=True)
    )
    expected = {
        "loss": loss,
        "largest_difference": differences.max(),
        "mean_difference": differences.mean(),
        "smoothness": 4 * (differences**2).sum(),
        "limit_distance": np.sqrt(apart.mean()),
        "polyak_lojasiewicz": 4 * sum((one**2).sum() for one in slopes) / loss,
        "outer_norm": np.sqrt((outer**2).sum((1, 2)).max() / 15),
        "inner_norm": np.sqrt((inner**2).sum((1, 2)).max() / 15),
    }
    for name, value in expected.items():
        assert ours[name].item() == pytest.approx(value, rel=1e-5), name


def test_the_limit_by_hand(found):
    """A network of 256 layers is 64 times nearer to the neural ODE, and stands for it."""
    few, deep = trained(4, 40), trained(256, 40)
    parts = [leaf.reshape(4, 64, *leaf.shape[1:])[:, 31:33].mean(1) for leaf in deep[:2]]
    apart = sum(((a - b) ** 2).sum((1, 2)) for a, b in zip(few[:2], parts, strict=True))
    ours = found.sel(depth=4).isel(replicate=1, step=-1)
    assert ours["solved_distance"].item() == pytest.approx(np.sqrt(apart.mean()), rel=0.03)
    assert ours["limit_distance"].item() == pytest.approx(np.sqrt(apart.mean()), rel=0.25)


def test_what_layers_alone_change(found):
    """Outputs and gradients of a network with the limit's weights: errors of 1/L, not 0 and not 1/L²."""
    for name in ("output_gap", "gradient_gap", "solved_distance"):
        ratio = found[name].sel(depth=4) / found[name].sel(depth=8)
        np.testing.assert_allclose(ratio, 2, atol=0.3)


def test_differences_fall_as_one_over_the_depth(found):
    """Tied: an exponent of −1; independent: none, from the first step on."""
    for name in ("largest_difference", "limit_distance"):
        slope = np.log(found[name].sel(depth=8) / found[name].sel(depth=4)) / np.log(2)
        np.testing.assert_allclose(slope, -1, atol=0.15)
    independent = dataclasses.replace(SMALL, start="independent", limit=False)
    drawn = [independent.network(KEY, depth).inner for depth in (64, 256)]
    rough = [np.sqrt((np.diff(np.asarray(one), axis=0) ** 2).sum((1, 2))).max() for one in drawn]
    assert rough[1] > 0.9 * rough[0] > 3
    assert jaxmem.summarise(found)["largest_difference_exponent"].max() < -0.8


def test_the_initial_constant_of_theory():
    with jax.enable_x64(True):
        state = SMALL.initial_state(KEY, {"depth": 4}, shape=SMALL.shape({"depth": 4}))
        seen = SMALL.observe(KEY, {"depth": 4}, state, shape=SMALL.shape({"depth": 4}))
        x, y = (np.asarray(rows) for rows in SMALL.pairs(KEY))
        features = np.tanh(np.asarray(state[0].model.inner[0]) @ x.T / math.sqrt(3))
    exact = initial_polyak_lojasiewicz(features, (x - y).T)
    assert float(seen["polyak_lojasiewicz"]) == pytest.approx(exact, rel=1e-10)
    assert float(seen["largest_difference"]) == 0


def test_starts():
    tied, smooth = (ScaledResidual.draw(KEY, 3, 4, 32, start=start) for start in ("tied", "smooth"))
    assert not np.diff(np.asarray(tied.inner), axis=0).any()
    assert not np.asarray(tied.outer).any()
    deeper = ScaledResidual.draw(KEY, 3, 4, 64, start="smooth")
    middle = (np.asarray(deeper.inner)[::2] + np.asarray(deeper.inner)[1::2]) / 2
    np.testing.assert_allclose(middle, smooth.inner, atol=2e-3)  # the same path
    paths = smooth_paths((np.arange(400) + 0.5) / 400)
    covariance, places = paths @ paths.T, (np.arange(400) + 0.5) / 400
    exact = np.exp(-((places[:, None] - places) ** 2) / 0.5)
    np.testing.assert_allclose(covariance, exact, atol=2e-3)


@pytest.mark.parametrize("activation", ["gelu", "relu", "identity"])
def test_the_network_is_its_formula(activation):
    drawn = ScaledResidual.draw(KEY, 3, 5, 2, start="independent", activation=activation)
    rng = np.random.default_rng(0)
    outer, x = rng.normal(size=(2, 3, 5)), rng.normal(size=(4, 3))
    model = ScaledResidual(jax.numpy.asarray(outer, np.float32), drawn.inner, activation)
    function = {
        "gelu": lambda z: z * (1 + np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))) / 2,
        "relu": lambda z: np.maximum(z, 0),
        "identity": lambda z: z,
    }[activation]
    h = x
    for v, w in zip(outer, np.asarray(drawn.inner, np.float64), strict=True):
        h = h + function(h @ w.T / math.sqrt(3)) @ v.T / (2 * math.sqrt(5))
    np.testing.assert_allclose(model.on_batch(jax.numpy.asarray(x, np.float32)), h, atol=1e-5)
    np.testing.assert_allclose(model(jax.numpy.asarray(x[1], np.float32)), h[1], atol=1e-5)


def test_a_smooth_start_in_a_sweep():
    """Its paths are constants of the program; from the same normals the limit begins where networks do."""
    study = dataclasses.replace(SMALL, start="smooth", depths=(8,), steps=20, snapshots=2, first_step=1)
    found = jaxmem.sweep(study, replicates=1, seed=2).sel(depth=8).isel(replicate=0, step=0)
    key = jaxmem.replicate_key(2, 0)
    inner = np.asarray(study.network(key, 8).inner)
    differences = np.sqrt((np.diff(inner, axis=0) ** 2).sum((1, 2)))
    np.testing.assert_allclose(found["largest_difference"], differences.max(), rtol=0.02)
    assert found["solved_distance"].item() < 0.1 * differences.max()


def test_bad_input_is_refused():
    for fields, sentence in (
        ({"depths": (2, 8)}, "depths must be a whole number of at least 4, got 2"),
        ({"depths": (4, 9)}, "depths must be even, .* got 9"),
        ({"limit": True, "start": "independent"}, "limit must be left out with independent layers"),
        ({"adjoint": "none"}, "adjoint must be one of discretise, backsolve, got 'none'"),
        ({"start": "random"}, "start must be one of tied, smooth, independent, got 'random'"),
        ({"activation": "sine"}, "activation must be one of"),
        ({"learning_rate": 0.0}, "learning_rate must be a finite number above 0"),
        ({"first_step": 900}, "first_step must be a whole number of at least 1 and at most 500, got 900"),
    ):
        with unchecked(), pytest.raises(ValueError, match=sentence):
            DepthLimit(**fields)
