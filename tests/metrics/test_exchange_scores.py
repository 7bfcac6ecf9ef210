"""Δ as a sum over samples, against distances written out, for the given labels and for others."""

import jax
import numpy as np
import pytest
from scipy.spatial.distance import cdist
from typechecking import unchecked

from jaxmem.metrics import (
    energy_kernel,
    exchange_scores,
    gaussian_kernel,
    kernel_gap_kernel,
    sample_kernel_gap,
    sliced_pool,
    sliced_wasserstein,
)

RANDOM = np.random.default_rng(5)
N, M = 7, 9
SETS = {dim: [RANDOM.normal(size=(n, dim)) + 3 for n in (N, N, M)] for dim in (2, 40)}
LABELS = RANDOM.permutation(2 * N) < N


def minus_distance(x, y):
    return -cdist(x, y)


def gaussian(x, y):
    return np.exp(-cdist(x, y, "sqeuclidean") / (2 * 1.5**2))


def unbiased(kernel, x, g):
    n, m = len(x), len(g)
    within = (kernel(x, x).sum() - np.trace(kernel(x, x))) / (n * (n - 1))
    return within + kernel(g, g).sum() / m**2 - 2 * kernel(x, g).mean()  # the last but one cancels in Δ


@pytest.mark.parametrize("dim", SETS)
def test_delta_is_the_difference_of_two_distances_for_any_labels(dim):
    train, held_out, generated = SETS[dim]
    kernels = {"energy": energy_kernel(), "gaussian": gaussian_kernel(1.5)}
    found = exchange_scores(kernels, train, held_out, generated)
    pool = np.concatenate([train, held_out])
    for name, kernel in {"energy": minus_distance, "gaussian": gaussian}.items():
        expected = unbiased(kernel, train, generated) - unbiased(kernel, held_out, generated)
        assert found[name].delta == pytest.approx(expected, rel=1e-9)
        scores = found[name].scores
        others = unbiased(kernel, pool[LABELS], generated) - unbiased(kernel, pool[~LABELS], generated)
        assert scores[LABELS].mean() - scores[~LABELS].mean() == pytest.approx(others, rel=1e-9)


def test_kernel_gap_is_that_of_the_library():
    train, held_out, generated = SETS[2]
    found = exchange_scores({"gap": kernel_gap_kernel(0.8, N, 2)}, train, held_out, generated)["gap"]
    gap = sample_kernel_gap(train, held_out, generated, scale=0.8)
    unit = (4 * np.pi * (0.8 * N**-0.5) ** 2) ** -1
    assert found.delta * unit == pytest.approx(float(gap.value) * np.exp(float(gap.log_scale)), rel=1e-6)


def test_influences_are_derivatives_by_a_weight():
    """A sample of weight 1 + t among the others moves Δ by t times its influence over its number."""
    train, held_out, generated = SETS[2]
    found = exchange_scores({"energy": energy_kernel()}, train, held_out, generated)["energy"]
    step = 1e-5

    def delta(which, place, change):
        weights = [np.ones(len(each)) for each in (train, held_out, generated)]
        weights[which][place] += change
        a, b, g = (each / each.sum() for each in weights)
        s_train, s_held_out = (w @ minus_distance(x, x) @ w for w, x in ((a, train), (b, held_out)))
        s_train, s_held_out = s_train * N / (N - 1), s_held_out * N / (N - 1)
        c_train, c_held_out = (
            a @ minus_distance(train, generated) @ g,
            b @ minus_distance(held_out, generated) @ g,
        )
        return s_train - s_held_out - 2 * (c_train - c_held_out)

    influences = (found.influence_train, found.influence_held_out, found.influence_generated)
    for which, influence in enumerate(influences):
        slopes = [
            (delta(which, i, step) - delta(which, i, -step)) / (2 * step) for i in range(len(influence))
        ]
        np.testing.assert_allclose(influence / len(influence), slopes, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("made", [N, M, 3])
def test_sliced_wasserstein_for_any_labels(made):
    train, held_out, _ = SETS[40]
    generated = RANDOM.normal(size=(made, 40)) + 3
    key = jax.random.key(0)
    pool = np.concatenate([train, held_out])
    found = sliced_pool(key, train, held_out, generated, projections=16)
    for labels in (np.arange(2 * N) < N, LABELS):
        near, far = (
            float(sliced_wasserstein(key, x, generated, projections=16))
            for x in (pool[labels], pool[~labels])
        )
        assert found.gap(labels) == pytest.approx(near - far, rel=1e-5)
    assert found.delta == found.gap(np.arange(2 * N) < N)


def test_sliced_wasserstein_of_resamples():
    """Of one sample each, drawn again, nothing changes; of many, Δ varies about as over new data."""
    key, one = jax.random.key(0), [RANDOM.normal(size=(1, 3)) for _ in range(3)]
    pool = sliced_pool(key, *one, projections=8)
    assert pool.resampled(np.random.default_rng(0)) == pytest.approx(pool.delta)
    sets = [RANDOM.normal(size=(60, 3)), RANDOM.normal(size=(60, 3)) + 2, RANDOM.normal(size=(80, 3))]
    pool = sliced_pool(key, *sets, projections=8)
    random = np.random.default_rng(1)
    drawn = np.std([pool.resampled(random) for _ in range(200)])
    fresh = []
    for _ in range(100):
        shifted = [
            RANDOM.normal(size=each.shape) + shift for each, shift in zip(sets, (0, 2, 0), strict=True)
        ]
        fresh.append(sliced_pool(key, *shifted, projections=8).delta)
    assert drawn == pytest.approx(np.std(fresh), rel=0.35)


def test_unequal_numbers_are_refused():
    train, held_out, generated = SETS[2]
    with (
        unchecked(),
        pytest.raises(ValueError, match="held_out must hold as many samples as train, 7, got 6"),
    ):
        exchange_scores({}, train, held_out[:6], generated)
