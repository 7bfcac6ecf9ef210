"""Cutting a data set into samples to train on and samples held out."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Float32

from jaxmem import _checks
from jaxmem._typing import Key, RealArray
from jaxmem.numerics.randomness import stream


class TrainTest(NamedTuple):
    """Two sets of samples that share none, one per row."""

    train: Float32[Array, "train d"]
    test: Float32[Array, "test d"]


def most_trained(size: int, test: int, region: int = 1) -> int:
    """How many of `size` samples are left to train on beside `test` others, in whole regions."""
    return max(0, size - -(-test // region) * region)


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
    _checks.shape("rows", rows, None, None)
    size = rows.shape[0]
    region = _checks.positive_integer("region", region)
    test = _checks.positive_integer("test", test)
    regions, rest = divmod(size, region)
    if rest:
        raise ValueError(f"region must divide the {size} samples, got {region}.")
    most = most_trained(size, test, region)
    if most < 1:
        raise ValueError(f"test must leave samples to train on, got {test} of {size} in regions of {region}.")
    train = most if train is None else _checks.positive_integer("train", train)
    if train > most:
        raise ValueError(
            f"train must be at most the {most} samples that {test} held-out ones leave, got {train}."
        )
    order = jax.random.permutation(stream(key, "held out"), regions)
    indices = (order[:, None] * region + jnp.arange(region)).reshape(-1)
    cut = size - most
    pools = jnp.asarray(rows, jnp.float32)[indices[:cut]], jnp.asarray(rows, jnp.float32)[indices[cut:]]
    names = ("held-out order", "train order")
    shuffled = [
        pool if region == 1 else pool[jax.random.permutation(stream(key, name), pool.shape[0])]
        for pool, name in zip(pools, names, strict=True)
    ]
    return TrainTest(shuffled[1][:train], shuffled[0][:test])
