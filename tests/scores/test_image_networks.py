"""U-Nets and denoisers: sizes, symmetries, batches, and gradients that reach every weight."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest

from jaxmem.numerics.precision import with_float64
from jaxmem.scores import (
    BiasFreeCNN,
    BiasFreeDenoiser,
    ChannelsFirst,
    Fixed,
    UNet,
    parameter_count,
    scores_at,
)
from jaxmem.scores.attention import Attention, TransformerBlock
from jaxmem.scores.image_layers import GroupNorm, LayerNorm, group_count
from jaxmem.scores.time_embedding import sinusoids
from jaxmem.scores.weight_source import with_weights

KEY = jax.random.key(0)


def filled(function, *args, **settings):
    """A model of the structure that `function` makes, with weights as after training: none is 0 or 1."""
    shapes = eqx.filter_eval_shape(lambda: function(KEY, *args, **settings))
    generator = np.random.default_rng(0)

    def fill(leaf):
        if not isinstance(leaf, jax.ShapeDtypeStruct):
            return leaf
        inputs = np.prod(leaf.shape[:-1])
        mean = 0.5 if leaf.ndim == 1 else 0.0
        return jnp.asarray(mean + generator.normal(size=leaf.shape) / inputs**0.5, leaf.dtype)

    return jax.tree.map(fill, shapes)


def shifted(rows, shape, shift):
    return jnp.roll(rows.reshape(-1, *shape), shift, (1, 2)).reshape(rows.shape)


@pytest.mark.parametrize(
    ("name", "width", "expected"),
    [
        ("bonnaire", 8, 255_089),
        ("bonnaire", 16, 1_010_657),
        ("bonnaire", 32, 4_023_233),
        ("bonnaire", 48, 9_037_729),
        ("bonnaire", 64, 16_054_145),
        ("halder", None, 12_919_041),
    ],
)
def test_presets_have_the_parameters_of_their_sources(name, width, expected):
    model = eqx.filter_eval_shape(UNet.preset, KEY, name, image_shape=(8, 8), width=width)
    assert parameter_count(model) == expected


@pytest.mark.parametrize(("blocks", "expected"), [(1, 365_696), (2, 1_823_872), (3, 7_656_576)])
def test_denoisers_have_the_parameters_of_their_source(blocks, expected):
    assert parameter_count(eqx.filter_eval_shape(BiasFreeDenoiser.draw, KEY, (8, 8), blocks)) == expected


def test_only_trained_numbers_are_counted():
    model = {"weights": jnp.zeros((2, 3)), "fixed": Fixed(jnp.zeros(7)), "index": jnp.arange(4), "name": "x"}
    assert parameter_count(model) == 6
    assert parameter_count(jax.eval_shape(lambda: {"weights": model["weights"]})) == 6


def check_u_net(model, run, shape, stride, time):
    """Zero where the exit is, the same in any batch, commuting with shifts by the coarsest pixel."""
    y = jax.random.normal(jax.random.key(1), (3, np.prod(shape)))
    out = run(model, time, y)
    assert out.shape == y.shape
    assert out.dtype == jnp.float32
    close = {"rtol": 0, "atol": 3e-5 * float(jnp.abs(out).max())}
    for shift in ((0, stride), (stride, 0)):
        moved = run(model, time, shifted(y, shape, shift))
        np.testing.assert_allclose(moved, shifted(out, shape, shift), **close)
    moved = run(model, time, shifted(y, shape, (0, 1)))
    assert jnp.abs(moved - shifted(out, shape, (0, 1))).max() > 1e-2 * jnp.abs(out).max()
    order = jnp.array([1, 1, 0])
    again = run(model, None if time is None else time[order], y[order])
    np.testing.assert_allclose(again, out[order], **close)
    if time is not None:
        assert (jnp.abs(run(model, time + 0.1, y) - out).max(1) > 1e-3).all()


def evaluate(model, time, y):
    return scores_at(model, y, time)


TIME = jnp.array([0.05, 0.3, 1.0])


def test_a_u_net_commutes_with_shifts_and_learns_with_every_weight():
    settings = {"attention": 1, "heads": 2, "padding": "circular"}
    model = filled(UNet.draw, (4, 8, 2), 4, (1, 2), 1, **settings)
    target = jax.random.normal(jax.random.key(2), (3, 64))

    @eqx.filter_jit
    def run(model, time, y):
        def loss(model):
            out = evaluate(model, time, y)
            return (target * out).sum(), out

        (_, out), gradient = eqx.filter_value_and_grad(loss, has_aux=True)(model)
        return out, gradient

    check_u_net(model, lambda *inputs: run(*inputs)[0], (4, 8, 2), 2, TIME)
    out, gradient = run(model, TIME, jax.random.normal(jax.random.key(1), (3, 64)))
    for leaf in jax.tree.leaves(gradient):
        assert jnp.abs(leaf).max() > 1e-6 * jnp.abs(out).max()
        assert leaf.dtype == jnp.float32


def test_the_u_net_of_halder_commutes_with_shifts():
    settings = {"image_shape": (8, 16), "width": 4, "padding": "circular", "shortest_time": 0.1}
    model = filled(UNet.preset, "halder", **settings)
    check_u_net(model, eqx.filter_jit(evaluate), (8, 16, 1), 8, TIME)


def test_a_u_net_starts_at_zero_and_keeps_its_precision():
    """Without time; each replicate of a batch is itself."""
    start = UNet.draw(KEY, (2, 4), 2, (1,), 1, time_input=False)
    traced = eqx.filter_jit(lambda key: UNet.draw(key, (2, 4), 2, (1,), 1, time_input=False))(KEY)
    assert eqx.tree_equal(start, traced, rtol=1e-6, atol=1e-6)  # normals are rounded by each program
    assert not start.exit.weight.any()
    weights = [np.ravel(leaf) * np.prod(leaf.shape[:-1]) ** 0.5 for leaf in jax.tree.leaves(start)]
    drawn = np.concatenate([weight for weight in weights if not set(weight) <= {0.0, 1.0, 2.0**0.5}])
    assert abs(drawn.var() - 1) < 5 * (2 / drawn.size) ** 0.5
    assert np.unique(drawn).size == drawn.size
    y = jax.random.normal(jax.random.key(1), (3, 8))
    run = eqx.filter_jit(evaluate)
    assert not run(start, None, y).any()
    models = [start, filled(UNet.draw, (2, 4), 2, (1,), 1, time_input=False)]
    together = jax.tree.map(lambda *leaves: jnp.stack(leaves), *models)
    batch = eqx.filter_jit(eqx.filter_vmap(evaluate, in_axes=(eqx.if_array(0), None, None)))
    np.testing.assert_allclose(batch(together, None, y)[1], run(models[1], None, y), atol=1e-5)
    with jax.enable_x64(True):
        shapes = {name: jax.ShapeDtypeStruct((3,), name) for name in ("float32", "float64")}
        timed = filled(UNet.draw, (4, 4), 4, (1, 2), 1, attention=1)
        for time in shapes.values():
            rows = jax.ShapeDtypeStruct((3, 16), jnp.float32)
            assert eqx.filter_eval_shape(evaluate, timed, time, rows).dtype == jnp.float32
            wide = jax.ShapeDtypeStruct((3, 16), jnp.float64)
            assert eqx.filter_eval_shape(evaluate, timed, time, wide).dtype == jnp.float64


@pytest.mark.parametrize("kind", ["u-net", "cnn"])
@pytest.mark.parametrize("padding", ["zero", "circular"])
def test_denoisers_are_homogeneous_and_their_own_jacobian(kind, padding):
    """f(a y) = a f(y) to the bit for powers of two and at 0, and ∇f(y) y = f(y)."""
    if kind == "u-net":
        model = filled(BiasFreeDenoiser.draw, (4, 8), 1, 3, padding=padding)
    else:
        model = filled(BiasFreeCNN.draw, (4, 8), 3, 3, padding=padding)
    y = jax.random.normal(jax.random.key(1), (3, 32))
    along = jax.jit(lambda y: jax.jvp(model.on_batch, (y,), (y,)))
    run = lambda y: along(y)[0]  # noqa: E731
    out = run(y)
    assert out.std() > 0.1
    for factor in (0.0, 0.25, 1024.0):
        np.testing.assert_array_equal(run(factor * y), factor * out)
    np.testing.assert_allclose(run(0.3 * y), 0.3 * out, rtol=1e-4, atol=1e-6)
    assert jnp.abs(run(-y) + out).max() > 1e-2  # not linear
    np.testing.assert_allclose(along(y)[1], out, atol=1e-5)
    shift = (2, 4) if kind == "u-net" else (1, 3)
    error = jnp.abs(run(shifted(y, (4, 8, 1), shift)) - shifted(out, (4, 8, 1), shift)).max()
    assert (error < 1e-5) == (padding == "circular")


def test_every_weight_of_a_denoiser_learns():
    model = filled(BiasFreeDenoiser.draw, (4, 4, 2), 2, 2)
    y = jax.random.normal(jax.random.key(1), (5, 32))
    gradient = eqx.filter_jit(eqx.filter_grad(lambda model: ((model.on_batch(y) - y) ** 2).sum()))(model)
    assert all(jnp.abs(leaf).max() > 1e-3 for leaf in jax.tree.leaves(gradient))


def test_a_linear_network_is_the_convolution_of_its_filters():
    """Circular and linear: its transfer function is the product of those of its layers."""
    model = filled(BiasFreeCNN.draw, (4, 6), 2, 3, activation="identity", padding="circular")
    y = np.random.default_rng(0).normal(size=(4, 6))
    transfer = np.eye(1)
    for layer in model.layers:
        kernel = np.asarray(layer.weight, np.float64)
        response = np.zeros((4, 6, *kernel.shape[2:]), complex)
        rows, columns = (np.fft.fftfreq(size)[:, None] for size in (4, 6))
        for s, t in np.ndindex(3, 3):  # y[i] = Σ_s x[i + s − 1] w[s]
            turn = np.exp(2j * np.pi * (rows * (s - 1) + columns.T * (t - 1)))
            response += turn[..., None, None] * kernel[s, t]
        transfer = transfer @ response
    expected = np.fft.ifft2(np.fft.fft2(y) * transfer[..., 0, 0]).real
    np.testing.assert_allclose(model(jnp.float32(y.ravel())), expected.ravel(), atol=1e-5)


@with_float64
def test_attention_is_its_formula():
    """In float64 NumPy, pixel by pixel and head by head."""
    generator = np.random.default_rng(0)
    attention = filled(lambda key: with_weights(key, lambda s: Attention.draw(s, LayerNorm.start(6), 2)))
    x = generator.normal(size=(2, 2, 3, 6))

    def norm(x, layer):
        scaled = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return scaled * np.asarray(layer.gain) + np.asarray(layer.shift)

    def linear(x, layer):
        return x @ np.asarray(layer.weight, np.float64) + np.asarray(layer.bias)

    expected = np.zeros((2, 6, 6))
    for image in range(2):
        mixed = linear(norm(x[image].reshape(6, 6), attention.norm), attention.into)
        for head in range(2):
            query, key, value = (mixed[:, 6 * k + 3 * head : 6 * k + 3 * head + 3] for k in range(3))
            share = np.exp(query @ key.T / np.sqrt(3))
            expected[image, :, 3 * head : 3 * head + 3] = share / share.sum(1, keepdims=True) @ value
    expected = x + linear(expected.reshape(x.shape), attention.out)
    np.testing.assert_allclose(attention(jnp.asarray(x)), expected, atol=1e-6)
    block = filled(lambda key: with_weights(key, lambda s: TransformerBlock.draw(s, 6, 2)))
    inner = np.asarray(block.attention(jnp.asarray(x)))
    hidden = np.asarray(jax.nn.gelu(linear(norm(inner, block.norm), block.inner)))
    np.testing.assert_allclose(block(jnp.asarray(x)), inner + linear(hidden, block.outer), atol=1e-6)


def test_group_norm_is_its_formula_and_no_group_is_a_single_channel():
    norm = filled(lambda key: GroupNorm.start(6, 3))
    x = np.random.default_rng(0).normal(2, 3, size=(2, 4, 3, 6))
    groups = x.reshape(2, 12, 3, 2)
    scaled = (groups - groups.mean((1, 3), keepdims=True)) / np.sqrt(groups.var((1, 3), keepdims=True) + 1e-5)
    expected = scaled.reshape(x.shape) * np.asarray(norm.gain) + np.asarray(norm.shift)
    np.testing.assert_allclose(norm(jnp.float32(x)), expected, atol=1e-5)
    assert [group_count(channels, 8) for channels in (1, 2, 3, 8, 12, 16, 64)] == [1, 1, 1, 4, 6, 8, 8]


def test_times_are_the_sinusoids_of_the_field():
    time = np.array([0.0, 3.0, 150.0])
    frequency = 1e4 ** -(np.arange(0, 6, 2) / 6)
    expected = np.concatenate([np.sin(time[:, None] * frequency), np.cos(time[:, None] * frequency)], 1)
    np.testing.assert_allclose(sinusoids(jnp.float32(time), 6, 1.0), expected, atol=1e-5)
    np.testing.assert_allclose(sinusoids(jnp.float32(time / 100), 7, 0.01)[:, :6], expected, atol=1e-4)


def test_a_network_with_channels_first_plugs_in():
    layer = eqx.nn.Conv2d(2, 2, 3, padding=1, key=KEY)
    model = ChannelsFirst(layer, (4, 5, 2))
    y = jax.random.normal(jax.random.key(1), (3, 40))
    expected = [layer(y[i].reshape(4, 5, 2).transpose(2, 0, 1)).transpose(1, 2, 0).ravel() for i in range(3)]
    np.testing.assert_allclose(scores_at(model, y), jnp.stack(expected), atol=1e-6)
    timed = ChannelsFirst(lambda time, image: time * image, (4, 5, 2))
    np.testing.assert_allclose(scores_at(timed, y, jnp.arange(3.0)), jnp.arange(3.0)[:, None] * y)
    assert parameter_count(model) == parameter_count(layer) == 2 * 2 * 9 + 2


def test_bad_input_is_refused(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(ValueError, match=r"image_shape must have a height and width divisible by 4, which"):
        UNet.draw(KEY, (8, 6))
    with pytest.raises(ValueError, match=r"image_shape must be \(height, width\) or .*, got 64"):
        UNet.draw(KEY, 64)
    with pytest.raises(ValueError, match=r"name must be one of halder, bonnaire, got 'ddpm'"):
        UNet.preset(KEY, "ddpm", image_shape=(8, 8))
    with pytest.raises(ValueError, match=r"heads must divide the channels of a level, 6, got 4"):
        UNet.draw(KEY, (8, 8), 6, (1,), attention=1)
    with pytest.raises(
        ValueError, match=r"attention must be a whole number of at least 0 and at most 2, got 3"
    ):
        UNet.draw(KEY, (8, 8), 8, (1, 2), attention=3)
    with pytest.raises(ValueError, match=r"activation must be one of relu, identity, got 'gelu'"):
        BiasFreeDenoiser.draw(KEY, (8, 8), activation="gelu")
    with pytest.raises(ValueError, match=r"size must be odd, got 4"):
        BiasFreeCNN.draw(KEY, (8, 8), 1, size=4)
    with pytest.raises(ValueError, match=r"y must have 16 numbers, an image of 4 × 4 × 1, got 15"):
        filled(BiasFreeCNN.draw, (4, 4), 1)(jnp.zeros(15))
    with pytest.raises(ValueError, match=r"UNet must be called with \(t, y\), got 1 arguments"):
        filled(UNet.draw, (4, 4), 2, (1,), 1)(jnp.zeros(16))
