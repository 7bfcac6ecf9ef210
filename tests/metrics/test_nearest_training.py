"""The nearest training sample, against all distances written out."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxmem.metrics import nearest_training, nearest_two

RANDOM = np.random.default_rng(0)
TRAIN = RANDOM.normal(size=(1_500, 5)).astype(np.float32)  # more than one tile
GENERATED = RANDOM.normal(size=(40, 5)).astype(np.float32)


def test_nearest_of_all_and_of_the_first():
    apart = np.linalg.norm(GENERATED[:, None].astype(float) - TRAIN, axis=2)
    for count in (None, 1_100, 300):
        found = nearest_training(GENERATED, TRAIN, count=count)
        np.testing.assert_array_equal(found.row, apart[:, :count].argmin(1))
        np.testing.assert_allclose(found.distance, apart[:, :count].min(1), rtol=1e-12)
    np.testing.assert_allclose(found.distance, nearest_two(GENERATED, TRAIN, count=300).first, rtol=1e-7)


def test_a_copy_is_found_and_the_first_of_equals():
    train = np.concatenate([TRAIN[:9], TRAIN[4:6]])
    found = nearest_training(TRAIN[4:6], train)
    np.testing.assert_array_equal(found.row, [4, 5])
    np.testing.assert_array_equal(found.distance, 0)


def test_replicates_may_share_a_step():
    generated, counts = np.stack([GENERATED[:7], GENERATED[7:14]]), jnp.array([50, 1_200])
    one = jax.vmap(lambda x, n: nearest_training(x, TRAIN, count=n).row)
    for batched in (one(generated, counts), jax.jit(one)(generated, counts)):
        for found, x, n in zip(batched, generated, (50, 1_200), strict=True):
            np.testing.assert_array_equal(found, nearest_training(x, TRAIN, count=n).row)
