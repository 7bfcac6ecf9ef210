"""Permutation p-values and intervals from influences."""

import itertools

import numpy as np
import pytest

from jaxmem.statistics import (
    exchange_p_value,
    exchanged_labels,
    influence_interval,
    permuted_mean_differences,
)

RANDOM = np.random.default_rng(3)


def test_labels_halve_the_pool_and_are_uniform():
    labels = np.concatenate(list(exchanged_labels(2, 6_000, seed=1)))
    assert labels.shape == (6_000, 4)
    assert (labels.sum(1) == 2).all()
    _, counts = np.unique(labels, axis=0, return_counts=True)
    assert len(counts) == 6
    assert abs(counts - 1_000).max() < 150


def test_p_is_the_rank_among_all_labels():
    scores = RANDOM.normal(size=8)
    picks = [list(pick) for pick in itertools.combinations(range(8), 4)]
    every = [scores[pick].mean() - np.delete(scores, pick).mean() for pick in picks]
    delta = scores[:4].mean() - scores[4:].mean()
    found = exchange_p_value(delta, permuted_mean_differences(scores, 20_000, seed=0))
    assert found == pytest.approx(np.mean(np.array(every) <= delta + 1e-12), abs=0.015)


def test_p_counts_ties_and_is_never_zero():
    assert exchange_p_value(-5.0, np.zeros(19)) == 1 / 20
    assert exchange_p_value(0.0, np.array([0.0, 1e-18, -1.0, 1.0])) == 4 / 5


def test_interval_is_that_of_a_mean_and_adds_what_is_independent():
    x, y = RANDOM.exponential(size=400), 3 * RANDOM.normal(size=900)
    influences = (x - x.mean(), y.mean() - y)
    low, high = influence_interval(2.0, influences, resamples=4_000, seed=0, confidence=0.9)
    half = 1.645 * np.sqrt(x.var() / 400 + y.var() / 900)
    assert high - low == pytest.approx(2 * half, rel=0.08)
    assert (low + high) / 2 == pytest.approx(2.0, abs=0.1 * half)
