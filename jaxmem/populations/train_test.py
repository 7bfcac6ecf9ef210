"""Cutting a data set into samples to train on and samples held out."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Float32, Int

from jaxmem import _checks
from jaxmem._typing import Key, RealArray
from jaxmem.numerics.randomness import stream


class TrainTest(NamedTuple):
    """Two sets of samples that share none, one per row."""

    train: Float32[Array, "train d"]
    test: Float32[Array, "test d"]


class DisjointSets(NamedTuple):
    """Train sets of which no two share a sample, and samples held out from all of them."""

    train: tuple[Float32[Array, "train d"], ...]
    test: Float32[Array, "test d"]


def most_trained(size: int, test: int, region: int = 1, sets: int = 1) -> int:
    """How many of `size` samples each of `sets` can train on beside `test` others, in whole regions."""
    return max(0, size - -(-test // region) * region) // region // sets * region


def train_test_split(
    rows: Float[RealArray, "N d"], key: Key, *, test: int, train: int | None = None, region: int = 1
) -> TrainTest:
    """Hold out samples by a random key, which may be traced.

    Args:
        rows: the data set, one sample a row.
        key: of the choice. With the same key and `test`, a smaller train set is the first rows of a larger.
        test: how many samples are held out (a count).
        train: how many are trained on (a count); by default all in regions without a held-out sample.
        region: so many consecutive rows at a time belong together, as patches of one part of a photograph
            do (`jaxmem.populations.region_size`): each region is trained on or held out, as a whole.

    Raises:
        ValueError: there are not as many samples.
    """
    split = disjoint_train_sets(rows, key, test=test, train=train, region=region)
    return TrainTest(split.train[0], split.test)


def disjoint_train_sets(
    rows: Float[RealArray, "N d"],
    key: Key,
    *,
    test: int,
    train: int | None = None,
    sets: int = 1,
    region: int = 1,
) -> DisjointSets:
    """The same for several train sets: no region is in two of them.

    Args:
        rows: the data set, one sample a row.
        key: of the choice, as in `train_test_split`.
        test: how many samples are held out (a count).
        train: how many each set is trained on (a count); by default as many as there are.
        sets: how many there are (a count).
        region: so many consecutive rows at a time belong together.

    Raises:
        ValueError: there are not as many samples.
    """
    _checks.shape("rows", rows, None, None)
    size = rows.shape[0]
    region = _checks.positive_integer("region", region)
    test = _checks.positive_integer("test", test)
    sets = _checks.positive_integer("sets", sets)
    regions, rest = divmod(size, region)
    if rest:
        raise ValueError(f"region must divide the {size} samples, got {region}.")
    most = most_trained(size, test, region, sets)
    if most < 1:
        raise ValueError(f"test must leave samples to train on, got {test} of {size} in regions of {region}.")
    train = most if train is None else _checks.positive_integer("train", train)
    if train > most:
        raise ValueError(
            f"train must be at most the {most} samples that {test} held-out ones leave, got {train}."
        )
    order = jax.random.permutation(stream(key, "held out"), regions)
    first = -(-test // region)
    chosen = [order[:first], *(order[first + number :: sets] for number in range(sets))]
    names = ["held-out order", "train order", *(f"train order {number}" for number in range(1, sets))]
    pools = [
        _shuffled(rows, places, region, stream(key, name)) for places, name in zip(chosen, names, strict=True)
    ]
    return DisjointSets(tuple(pool[:train] for pool in pools[1:]), pools[0][:test])


def _shuffled(
    rows: Float[RealArray, "N d"], regions: Int[Array, "chosen"], region: int, key: Key
) -> Float32[Array, "rows d"]:
    """The rows of some regions, mixed where a region has several: its order is random as it is."""
    pool = jnp.asarray(rows, jnp.float32)[(regions[:, None] * region + jnp.arange(region)).reshape(-1)]
    return pool if region == 1 else pool[jax.random.permutation(key, pool.shape[0])]
