"""Authenticity against its definition in loops, and against the mutual nearest neighbours of a line."""

import numpy as np
import pytest

from jaxmem.metrics import authentic_share, authenticity

RANDOM = np.random.default_rng(1)


def test_is_the_definition_in_loops():
    train, generated = RANDOM.normal(size=(60, 3)), RANDOM.normal(size=(50, 3))
    generated[:10] = train[:10] + 1e-3 * RANDOM.normal(size=(10, 3))
    expected = []
    for sample in generated:
        apart = [np.sqrt(sum((sample - each) ** 2)) for each in train]
        nearest = int(np.argmin(apart))
        spacing = min(
            np.sqrt(sum((train[nearest] - each) ** 2)) for place, each in enumerate(train) if place != nearest
        )
        expected.append(apart[nearest] > spacing)
    found = authenticity(generated, train)
    np.testing.assert_array_equal(found.authentic, expected)
    assert found.value == pytest.approx(np.mean(expected))
    assert 0 < found.value < 0.9
    padded = np.concatenate([train, generated])  # rows from `count` on are no samples
    for share in (authentic_share(generated, train), authentic_share(generated, padded, count=60)):
        assert float(share) == found.value
    assert not found.authentic[:10].any()


def test_on_a_line_two_thirds_of_fresh_samples_have_a_mutual_neighbour():
    """Of points of a Poisson process: a point is its neighbour's neighbour with probability 2/3."""
    fresh, train = RANDOM.uniform(size=(4_000, 1)), RANDOM.uniform(size=(2_000, 1))
    value = authenticity(fresh, train).value
    assert value == pytest.approx(1 / 3, abs=0.04)  # samples of one gap go together: 1,300 gaps or so


def test_one_training_sample_is_refused():
    with pytest.raises(ValueError, match="train must hold at least 2 samples, got 1"):
        authenticity(np.zeros((3, 2)), np.zeros((1, 2)))
