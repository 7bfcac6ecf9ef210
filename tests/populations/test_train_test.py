"""Held-out samples: none is trained on, and no part of a photograph is on both sides."""

import jax
import numpy as np
import pytest
from typechecking import unchecked

from jaxmem.populations import Empirical, disjoint_train_sets, train_test_split

ROWS = np.arange(24.0).reshape(24, 1).astype(np.float32)
KEY = jax.random.key(1)


def numbers(rows):
    return np.asarray(rows)[:, 0].astype(int)


@pytest.mark.parametrize(("region", "test", "most"), [(1, 5, 19), (4, 5, 16), (4, 8, 16)])
def test_train_and_test_share_nothing(region, test, most):
    split = train_test_split(ROWS, KEY, test=test, region=region)
    assert split.train.shape == (most, 1)
    assert split.test.shape == (test, 1)
    train, held_out = numbers(split.train), numbers(split.test)
    assert len({*train, *held_out}) == most + test
    assert not set(train // region) & set(held_out // region)
    smaller = train_test_split(ROWS, KEY, test=test, train=3, region=region)
    np.testing.assert_array_equal(smaller.train, split.train[:3])
    np.testing.assert_array_equal(smaller.test, split.test)
    other = train_test_split(ROWS, jax.random.key(2), test=test, region=region)
    assert not np.array_equal(numbers(other.test), held_out)


@pytest.mark.parametrize(("region", "test", "sets", "most"), [(1, 4, 3, 6), (2, 3, 3, 6), (4, 5, 2, 8)])
def test_train_sets_share_nothing(region, test, sets, most):
    """Nor do any two have a region in common; with a set alone it is the split of train and test."""
    found = disjoint_train_sets(ROWS, KEY, test=test, sets=sets, region=region)
    every = [set(numbers(rows) // region) for rows in (*found.train, found.test)]
    assert [len(numbers(rows)) for rows in (*found.train, found.test)] == [most] * sets + [test]
    assert sum(map(len, every)) == len(set.union(*every))
    assert all(len(set(numbers(rows))) == most for rows in found.train)
    smaller = disjoint_train_sets(ROWS, KEY, test=test, train=3, sets=sets, region=region)
    for one, other in zip(smaller.train, found.train, strict=True):
        np.testing.assert_array_equal(one, other[:3])
    through = Empirical(ROWS, region=region).disjoint_train_sets(KEY, 3, test, sets)
    np.testing.assert_array_equal(through.train[-1], smaller.train[-1])
    alone = disjoint_train_sets(ROWS, KEY, test=test, region=region)
    np.testing.assert_array_equal(alone.train[0], train_test_split(ROWS, KEY, test=test, region=region).train)


def test_under_jit_and_through_a_population():
    split = train_test_split(ROWS, KEY, test=6, train=8, region=4)
    law = Empirical(ROWS, region=4)
    jitted = jax.jit(lambda key: law.train_test(key, 8, 6))(KEY)
    np.testing.assert_array_equal(jitted.train, split.train)
    np.testing.assert_array_equal(jitted.test, split.test)


def test_every_row_is_as_likely_to_be_held_out():
    keys = jax.random.split(KEY, 600)
    held_out = jax.vmap(lambda key: train_test_split(ROWS, key, test=6, region=4).test[:, 0])(keys)
    counts = np.bincount(np.asarray(held_out, int).ravel(), minlength=24)
    assert np.all(np.abs(counts - 150) < 5 * np.sqrt(150 * 0.75))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"test": 24}, "test must leave samples to train on, got 24 of 24"),
        ({"test": 21, "region": 4}, "test must leave samples to train on, got 21 of 24 in regions of 4"),
        ({"test": 4, "train": 21}, "train must be at most the 20 samples that 4 held-out ones leave, got 21"),
        ({"test": 4, "region": 5}, "region must divide the 24 samples, got 5"),
        ({"test": 0}, "test must be a whole number of at least 1, got 0"),
    ],
)
def test_bad_input_is_one_sentence(values, sentence):
    with unchecked(), pytest.raises(ValueError, match=sentence):
        train_test_split(ROWS, KEY, **values)
