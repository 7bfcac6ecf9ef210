"""C_T against SciPy's Mann–Whitney test, its law without copying, and its sign with it."""

import numpy as np
import pytest
from scipy.stats import kstest, mannwhitneyu, norm
from typechecking import unchecked

from jaxmem.metrics import data_copying

RANDOM = np.random.default_rng(2)


def z_of_scipy(x, y):
    """From the one-sided probability, which is all that SciPy gives."""
    test = mannwhitneyu(x, y, alternative="less", method="asymptotic", use_continuity=False)
    return norm.ppf(test.pvalue)


def test_cells_and_their_mean_are_those_of_scipy():
    near, far = RANDOM.uniform(0, 1, 300).round(1), RANDOM.uniform(0, 1.2, 200).round(1)  # with ties
    cell, far_cell = RANDOM.integers(3, size=300), RANDOM.integers(3, size=200)
    cell[cell == 2] = np.where(np.arange((cell == 2).sum()) < 15, 2, 0)  # too few to count
    found = data_copying(near, far, generated_cell=cell, held_out_cell=far_cell)
    expected = [z_of_scipy(near[cell == i], far[far_cell == i]) for i in range(3)]
    np.testing.assert_allclose(found.cell_z, expected, atol=1e-9)
    np.testing.assert_array_equal(found.cell_used, [True, True, False])
    weight = np.bincount(far_cell)[:2]
    assert found.value == pytest.approx(np.average(expected[:2], weights=weight))
    assert found.z == pytest.approx(weight @ expected[:2] / np.sqrt((weight**2).sum()))
    assert found.value < -2


def test_without_copying_z_is_standard_normal():
    zs = []
    for _ in range(400):
        cells = [RANDOM.integers(3, size=n) for n in (120, 90)]
        near, far = (
            RANDOM.exponential(size=len(each)) + 5 * each for each in cells
        )  # cells differ, laws not
        zs.append(data_copying(near, far, generated_cell=cells[0], held_out_cell=cells[1]).z)
    assert kstest(zs, "norm").pvalue > 0.001


def test_a_copied_cell_is_told_from_one_that_is_not():
    near, far = RANDOM.exponential(size=200), RANDOM.exponential(size=200)
    cell = np.arange(200) % 2
    near[cell == 1] = 0
    found = data_copying(near, far, generated_cell=cell, held_out_cell=cell)
    assert abs(found.cell_z[0]) < 4
    assert found.cell_z[1] < -8


def test_nothing_to_compare_is_nan_and_equal_distances_are_zero():
    assert np.isnan(data_copying(np.ones(5), np.ones(5)).value)
    assert data_copying(np.ones(30), np.ones(5)).value == 0
    with unchecked(), pytest.raises(ValueError, match="generated_cell must have shape"):
        data_copying(np.ones(3), np.ones(3), generated_cell=np.zeros(2, int))
