"""Δ_D is the difference of two distances, and tells a copy of the train set from a fresh sample."""

from functools import partial

import jax
import numpy as np
import pytest

from jaxmem.metrics import (
    energy_distance,
    maximum_mean_discrepancy_squared,
    sample_gap,
    sliced_wasserstein,
)

DISTANCES = {
    "sliced Wasserstein": partial(sliced_wasserstein, jax.random.key(3)),
    "maximum mean discrepancy": partial(maximum_mean_discrepancy_squared, bandwidth=3.0),
    "energy": energy_distance,
}


@pytest.mark.parametrize("name", DISTANCES)
def test_sign_and_definition(name):
    distance = DISTANCES[name]
    train, reference, fresh = (
        np.random.default_rng(seed).standard_normal((rows, 6)) for seed, rows in ((0, 20), (1, 200), (2, 300))
    )
    copies = np.repeat(train, 15, 0) + 0.01 * fresh
    assert float(sample_gap(distance, train, reference, copies, reference_count=20)) < 0
    gap = float(sample_gap(distance, train, reference, fresh, 20, reference_count=20))
    expected = float(distance(train, fresh)) - float(distance(reference[:20], fresh))
    assert gap == pytest.approx(expected, abs=1e-6)


def test_a_biased_distance_prefers_the_larger_sample():
    """Why `reference_count`: all three samples are of the same law."""
    distance = DISTANCES["sliced Wasserstein"]
    gaps = []
    for seed in range(24):
        train, reference, fresh = np.split(np.random.default_rng(seed).standard_normal((520, 6)), [20, 220])
        gaps.append(
            [float(sample_gap(distance, train, reference, fresh, reference_count=rows)) for rows in (200, 20)]
        )
    whole, alike = np.transpose(gaps)
    error = np.std(alike) / np.sqrt(24)
    assert np.mean(whole) > 10 * error > abs(np.mean(alike)) * 2.5
