"""m against plain NumPy and the exact second moment of its cosines."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from jaxmem.metrics import memorisation
from jaxmem.populations import Gaussian
from jaxmem.scores import fit_linear_gaussian


def reference(generated, train, mean=0.0):
    generated, train = np.asarray(generated, np.float64) - mean, np.asarray(train, np.float64) - mean
    cosines = generated @ train.T
    cosines /= np.linalg.norm(generated, axis=1)[:, None] * np.linalg.norm(train, axis=1)
    return np.abs(cosines).max(1).mean()


def draw(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("mean", [0.0, 0.7])
def test_reference(mean):
    generated, train = draw(0, 30, 8), draw(1, 50, 8)
    assert_allclose(memorisation(generated, train, mean=mean), reference(generated, train, mean), rtol=1e-6)


@pytest.mark.parametrize("unit", [1e-20, 1e-44, 1e19, 1e36])
def test_any_unit(unit):
    generated, train = draw(0, 30, 8).astype(np.float64), draw(1, 50, 8).astype(np.float64)
    expected = reference(generated, train)
    assert_allclose(memorisation(unit * generated, unit * train), expected, rtol=1e-6)


def test_data_far_from_the_origin():
    """Float64 is centred before it is rounded; float32 has lost its digits by then."""
    generated, train = (1e6 + draw(seed, 30, 8).astype(np.float64) for seed in (0, 1))
    assert_allclose(memorisation(generated, train, mean=1e6), reference(generated, train, 1e6), rtol=1e-6)
    with pytest.raises(ValueError, match="generated and train must have a spread that float32 resolves"):
        memorisation(generated.astype(np.float32), train.astype(np.float32), mean=1e6)


def test_copies_have_m_one():
    train = draw(2, 20, 6)
    assert_allclose(memorisation(-3 * train[:5], train), 1, rtol=1e-6)


def test_padding_does_not_count():
    generated, train = draw(3, 10, 5), draw(4, 12, 5)
    padded = np.concatenate([train, generated])
    counted = jax.jit(memorisation)(generated, padded, 12)
    assert_allclose(counted, reference(generated, train), rtol=1e-6)


def test_sample_at_the_mean():
    assert memorisation(np.zeros((1, 3), np.float32), np.ones((2, 3), np.float32)) == 0


def test_vmap_equals_loop():
    generated, train = draw(5, 3, 4, 6), draw(6, 3, 9, 6)
    batch = jax.vmap(memorisation)(generated, train)
    assert_allclose(batch, [memorisation(*pair) for pair in zip(generated, train, strict=True)], rtol=1e-6)


def test_cosine_with_a_training_sample():
    """Isotropic: E cos² = 1/n + 1/d for a training sample and 1/d for a fresh one, up to O(1/d²)."""
    dim, n, replicates = 60, 60, 400
    population = Gaussian.isotropic(dim)

    @jax.jit
    @jax.vmap
    def squared_cosine(key):
        samples = population.sample(key, n + 1)
        train, fresh = samples[:n], samples[n:]
        z = jax.random.normal(jax.random.fold_in(key, 1), (1, dim), jnp.float32)
        generated = fit_linear_gaussian(train).generate(z)
        return memorisation(generated, train[:1]) ** 2, memorisation(generated, fresh) ** 2

    own, fresh = (
        np.asarray(x, np.float64) for x in squared_cosine(jax.random.split(jax.random.key(7), replicates))
    )
    for values, expected in ((own, 1 / n + 1 / dim), (fresh, 1 / dim)):
        assert abs(values.mean() - expected) < 4.5 * values.std() / np.sqrt(replicates) + 5 / dim**2


@pytest.mark.parametrize(
    ("generated", "train", "sentence"),
    [
        (np.full((2, 3), np.nan), np.ones((4, 3)), "generated must be finite, got nan"),
        (np.ones((2, 3)), np.full((4, 3), np.inf), "train must be finite, got inf"),
        (np.ones((2, 3)), np.ones((0, 3)), r"train must have shape \(any, 3\), got \(0, 3\)"),
    ],
)
def test_bad_input(generated, train, sentence):
    with pytest.raises(ValueError, match=sentence):
        memorisation(generated, train)
