"""The model that commutes with translations, against the average over all of them by NumPy."""

import jax
import numpy as np
import pytest

from jaxmem.scores import fit_equivariant_gaussian, fit_linear_gaussian

SHAPE = (6, 4, 2)
ROWS = np.random.default_rng(0).normal(size=(5, 48)).astype(np.float32)


def translated(rows, stride):
    """All translations of all images, by rolling them."""
    images = np.asarray(rows, np.float64).reshape(-1, *SHAPE)
    every = [
        np.roll(images, (down, across), (1, 2))
        for down in range(0, SHAPE[0], stride)
        for across in range(0, SHAPE[1], stride)
    ]
    return np.concatenate(every).reshape(-1, 48)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("estimated", [False, True])
@pytest.mark.parametrize("n", [2, 5])
def test_it_is_the_average_over_translations(stride, estimated, n):
    """Rows from n on are ignored; the rank is that of the exact matrix, the ridge fills what is left."""
    every = translated(ROWS[:n], stride)
    mean = every.mean(0) if estimated else np.full(48, 0.25)
    expected = (every - mean).T @ (every - mean) / len(every)
    fit = jax.jit(lambda rows, count: fit_equivariant_gaussian(
        rows, SHAPE, stride, count, mean=None if estimated else 0.25, ridge=0.5
    ))(ROWS, n)  # fmt: skip
    np.testing.assert_allclose(fit.mean, mean, atol=1e-12)
    np.testing.assert_allclose(fit.covariance.matrix(), expected + 0.5 * np.eye(48), atol=1e-12)
    assert (np.asarray(fit.covariance.values) > 0.5).sum() == np.linalg.matrix_rank(expected)


def test_repeated_images_do_not_raise_the_rank():
    fit = fit_equivariant_gaussian(np.repeat(ROWS[:1], 3, 0), SHAPE, 2)
    assert (np.asarray(fit.covariance.values) > 0).sum() == 6


def test_one_translation_leaves_the_dense_model():
    ours, dense = fit_equivariant_gaussian(ROWS[:, :16], (4, 4, 1), 4), fit_linear_gaussian(ROWS[:, :16])
    np.testing.assert_allclose(ours.covariance.matrix(), dense.covariance.matrix(), atol=1e-12)
    assert (np.asarray(ours.covariance.values) > 0).sum() == 5


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="stride must divide images of 6 × 4 pixels, got 3"):
        fit_equivariant_gaussian(ROWS, SHAPE, 3)
    with pytest.raises(ValueError, match="train must have shape"):
        fit_equivariant_gaussian(ROWS, (4, 4, 1), 2)
