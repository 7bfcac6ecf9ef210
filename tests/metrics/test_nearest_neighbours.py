import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmem.metrics import memorised_fraction, nearest_two

GENERATOR = np.random.default_rng(0)


@pytest.mark.parametrize("n", [1, 2, 30, 2500])
def test_distances_are_those_of_brute_force(n):
    train = GENERATOR.normal(size=(n, 5)).astype(np.float32) + 100
    generated = (train[GENERATOR.integers(n, size=40)] + 0.01 * GENERATOR.normal(size=(40, 5))).astype(
        np.float32
    )
    differences = generated[:, None].astype(np.float64) - train.astype(np.float64)
    distances = np.sort(np.linalg.norm(differences, axis=-1), axis=1)
    ours = nearest_two(generated, train)
    np.testing.assert_allclose(ours.first, distances[:, 0], atol=1e-6)
    second = distances[:, 1] if n > 1 else np.full(40, np.inf)
    np.testing.assert_allclose(ours.second, second, atol=1e-6)


def test_the_fraction_counts_copies_and_only_them():
    train = np.array([[0.0], [1.0], [3.0]], np.float32)
    generated = np.array([[0.24], [0.26], [1.9], [2.6], [1.0]], np.float32)
    # Ratios 0.24/0.76, 0.26/0.74, 0.9/1.1, 0.4/1.6 and 0/1.
    assert memorised_fraction(generated, train) == pytest.approx(3 / 5)
    assert memorised_fraction(generated, train, ratio=0.5) == pytest.approx(4 / 5)


def test_an_outlier_or_far_clusters_change_nothing():
    train = GENERATOR.normal(size=(9, 3))
    generated = train[[0, 1, 2, 3, 4]] + [[0.0], [1e-3], [2.0], [3.0], [1e5]]  # the last is not in doubt
    expected = float(memorised_fraction(generated, train))
    assert 0 < expected < 1
    assert float(memorised_fraction(generated, np.concatenate([train, np.full((1, 3), 1e9)]))) == expected
    second = nearest_two(generated, np.concatenate([train, train + 1e9])).second
    np.testing.assert_allclose(second, nearest_two(generated, train).second, rtol=1e-6)


def test_one_training_sample_has_no_second_neighbour():
    train = np.zeros((4, 2), np.float32)
    with pytest.raises(ValueError, match="train must hold at least 2 samples, got 1"):
        memorised_fraction(train, train[:1])
    with pytest.raises(ValueError, match="count must be a whole number from 2 to 4"):
        memorised_fraction(train, train, count=1)
    assert np.isnan(jax.jit(lambda count: memorised_fraction(train, train, count=count))(1))


def test_padding_vmap_and_lost_samples():
    train = np.concatenate([GENERATOR.normal(size=(6, 2)), np.zeros((3, 2))]).astype(np.float32)
    generated = 0.05 * GENERATOR.normal(size=(20, 2)).astype(np.float32)  # near the padding only
    cut = memorised_fraction(generated, train[:6])
    assert cut < memorised_fraction(generated, train[:7])
    fractions = jax.vmap(lambda count: memorised_fraction(generated, train, count=count))(jnp.array([6, 7]))
    np.testing.assert_allclose(fractions, [cut, memorised_fraction(generated, train[:7])])
    lost = jax.jit(memorised_fraction)(jnp.asarray(generated).at[3].set(jnp.nan), train)
    assert jnp.isnan(lost)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"ratio must be a finite number above 0 and at most 1, got 2"):
        memorised_fraction(np.zeros((1, 1)), np.ones((2, 1)), ratio=2)
