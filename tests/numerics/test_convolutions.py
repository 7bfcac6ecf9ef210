"""Convolutions against loops in float64 NumPy: values, adjoints, batches, loops, second derivatives."""

import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest

from jaxmem import numerics
from jaxmem.numerics.precision import with_float64

# Height × width, kernel size, how many: square and not, one pixel wide, kernels wider than the image,
# and batches in which small images are one product of all pixels with all pixels.
SIZES = [((5, 4), 3, 2), ((1, 6), 3, 2), ((2, 1), 5, 2), ((3, 3), 1, 2), ((2, 2), 3, 40), ((1, 2), 5, 9)]


def terms(shape, size, padding):
    """(output pixel, input pixel, place in the kernel) of every product in a convolution."""
    h, w = shape
    for i, j, s, t in np.ndindex(h, w, size, size):
        k, m = i + s - size // 2, j + t - size // 2
        if padding == "circular":
            yield (i, j), (k % h, m % w), (s, t)
        elif 0 <= k < h and 0 <= m < w:
            yield (i, j), (k, m), (s, t)


def reference(x, weight, padding):
    y = np.zeros((*x.shape[:3], weight.shape[3]))
    for (i, j), (k, m), (s, t) in terms(x.shape[1:3], weight.shape[0], padding):
        y[:, i, j] += x[:, k, m] @ weight[s, t]
    return y


def adjoints(x, weight, gradient, padding):
    """Σ gradient · y differentiated by hand, in x and in the weights."""
    of_x, of_weight = np.zeros_like(x), np.zeros_like(weight)
    for (i, j), (k, m), (s, t) in terms(x.shape[1:3], weight.shape[0], padding):
        of_x[:, k, m] += gradient[:, i, j] @ weight[s, t].T
        of_weight[s, t] += x[:, k, m].T @ gradient[:, i, j]
    return of_x, of_weight


def draws(shape, size, channels=(3, 2), batch=(2,), seed=0):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(*batch, *shape, channels[0]))
    weight = generator.normal(size=(size, size, *channels))
    return x, weight, generator.normal(size=(*batch, *shape, channels[1]))


@with_float64
@pytest.mark.parametrize("padding", ["zero", "circular"])
@pytest.mark.parametrize(("shape", "size", "batch"), SIZES)
def test_values_and_adjoints_are_those_of_the_loop(shape, size, batch, padding):
    x, weight, gradient = draws(shape, size, batch=(batch,))
    value, pull = jax.vjp(lambda x, weight: numerics.convolution(x, weight, padding), x, weight)
    np.testing.assert_allclose(value, reference(x, weight, padding), atol=1e-12)
    for ours, expected in zip(pull(gradient), adjoints(x, weight, gradient, padding), strict=True):
        np.testing.assert_allclose(ours, expected, atol=1e-12)


@with_float64
@pytest.mark.parametrize("padding", ["zero", "circular"])
def test_a_batch_of_replicates_in_a_loop_descends_as_the_loop_of_numpy_does(padding):
    """vmap over weights and images, of fori_loop, of grad: the way networks are trained."""
    replicates, steps, rate = 3, 4, 0.02
    x, _, target = draws((4, 3), 3, (2, 2), (replicates, 2))
    weights = np.random.default_rng(1).normal(size=(replicates, 3, 3, 2, 2)) / 3

    def train(x, target, weight):
        def loss(weight):
            hidden = numerics.convolution(x, weight, padding)
            return ((numerics.convolution(hidden, weight, padding) - target) ** 2).sum() / 2

        return jax.lax.fori_loop(0, steps, lambda _, weight: weight - rate * jax.grad(loss)(weight), weight)

    ours = jax.jit(jax.vmap(train))(x, target, weights)
    shared = jax.jit(jax.vmap(train, (None, None, 0)))(x[0], target[0], weights)
    for which, (found, data) in enumerate([(ours, range(replicates)), (shared, [0] * replicates)]):
        for replicate, k in enumerate(data):
            weight = weights[replicate]
            for _ in range(steps):
                hidden = reference(x[k], weight, padding)
                residual = reference(hidden, weight, padding) - target[k]
                back, outer = adjoints(hidden, weight, residual, padding)
                weight = weight - rate * (outer + adjoints(x[k], weight, back, padding)[1])
            np.testing.assert_allclose(found[replicate], weight, atol=1e-10, err_msg=str(which))


@with_float64
def test_forward_mode_and_second_derivatives():
    """Of the bilinear y(x, w): dy = y(dx, w) + y(x, dw), and the Hessian of Σ g y joins dx and dw."""
    x, weight, gradient = draws((4, 3), 3)
    dx, dweight, _ = draws((4, 3), 3, seed=1)
    _, change = jax.jvp(numerics.convolution, (x, weight), (dx, dweight))
    expected = reference(dx, weight, "zero") + reference(x, dweight, "zero")
    np.testing.assert_allclose(change, expected, atol=1e-12)

    def slopes(x, weight):
        return jax.grad(lambda pair: (gradient * numerics.convolution(*pair)).sum())((x, weight))

    of_x, _ = adjoints(x, dweight, gradient, "zero")
    _, of_weight = adjoints(dx, weight, gradient, "zero")
    _, forward = jax.jvp(slopes, (x, weight), (dx, dweight))
    _, pull = jax.vjp(slopes, x, weight)
    for found in (forward, pull((dx, dweight))):  # a symmetric matrix
        for ours, theirs in zip(found, (of_x, of_weight), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_precision_and_types_are_those_of_the_inputs(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # it would refuse lists first
    x, weight, _ = draws((5, 4), 3)
    expected = reference(x, weight, "circular")
    single = numerics.convolution(x.astype(np.float32), weight.astype(np.float32), "circular")
    assert single.dtype == jnp.float32
    np.testing.assert_allclose(single, expected, atol=2e-5)
    whole = numerics.convolution((10 * x).astype(int).tolist(), np.rint(weight).astype(int))
    np.testing.assert_allclose(whole, reference(np.trunc(10 * x), np.rint(weight), "zero"))

    @with_float64
    def double(x):
        wide = jnp.asarray(x, jnp.float64)
        small = jnp.repeat(wide[:, :2, :2], 20, 0)
        return [numerics.convolution(images, weight).sum((0, 1, 2)) for images in (wide, small)]

    images = jnp.asarray(x, jnp.float32)
    found = jax.vmap(jax.jit(double))(images[None])  # the scope of float64 has closed when this is batched
    for sums, rows in zip(found, (images, jnp.repeat(images[:, :2, :2], 20, 0)), strict=True):
        exact = reference(np.asarray(rows, np.float64), weight, "zero").sum((0, 1, 2))
        np.testing.assert_allclose(sums[0], exact, rtol=1e-5)


def test_other_devices_get_the_convolution_of_the_platform():
    """Lowered for a GPU, values, both adjoints, and a batch of weights hold convolutions, and no product."""
    x, weight, gradient = (jnp.float32(value) for value in draws((4, 4), 3))

    def loss(weight, x):
        return (gradient * numerics.convolution(x, weight, "circular")).sum()

    step = jax.jit(jax.vmap(jax.grad(loss, (0, 1)), (0, None)))
    lowered = jax.export.export(step, platforms=["cuda"])(weight[None], x).mlir_module()
    assert lowered.count("stablehlo.convolution") == 2
    assert "stablehlo.dot_general" not in lowered
    assert lowered.count("precision HIGHEST") == 4, lowered


def test_pooling_and_upsampling_are_adjoint_and_explicit():
    x = np.random.default_rng(0).normal(size=(2, 4, 6, 3)).astype(np.float32)
    cut = x.reshape(2, 2, 2, 3, 2, 3)
    np.testing.assert_allclose(numerics.average_pooling(x), cut.mean((2, 4)), atol=1e-6)
    np.testing.assert_array_equal(numerics.maximum_pooling(x), cut.max((2, 4)))
    larger = numerics.nearest_upsampling(x)
    np.testing.assert_array_equal(larger, x.repeat(2, 1).repeat(2, 2))
    np.testing.assert_allclose(numerics.average_pooling(larger), x, atol=1e-6)
    np.testing.assert_array_equal(numerics.nearest_upsampling(x, 3), x.repeat(3, 1).repeat(3, 2))


def test_bad_input_is_refused(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    x, weight, _ = draws((4, 4), 3)
    with pytest.raises(ValueError, match=r"weight must have shape \(any, any, 3, any\), got \(3, 3, 2, 2\)"):
        numerics.convolution(x, weight[:, :, :2])
    with pytest.raises(ValueError, match=r"weight must be of odd height and width, got 2 × 3"):
        numerics.convolution(x, weight[:2])
    with pytest.raises(ValueError, match=r"x must have shape \(any, any, any, any\), got \(4, 4, 3\)"):
        numerics.convolution(x[0], weight)
    with pytest.raises(ValueError, match=r"padding must be one of zero, circular, got 'reflect'"):
        numerics.convolution(x, weight, "reflect")
    with pytest.raises(ValueError, match=r"x must be an array of real numbers, got complex128"):
        numerics.convolution(x * 1j, weight)
    with pytest.raises(ValueError, match=r"x must have a height and width divisible by 3, got 4 × 4"):
        numerics.average_pooling(x, 3)
