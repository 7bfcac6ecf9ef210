"""Nearest rows in streamed blocks, against all distances written out in float64."""

import numpy as np
import pytest

from jaxmem.metrics import nearest_rows

RANDOM = np.random.default_rng(0)


def brute_force(queries, rows, number):
    apart = np.linalg.norm(queries[:, None].astype(float) - rows, axis=2)
    order = np.argsort(apart, axis=1, kind="stable")[:, :number]
    return order, np.take_along_axis(apart, order, 1)


def with_copies():
    rows = RANDOM.normal(size=(300, 6)).astype(np.float32)
    queries = RANDOM.normal(size=(40, 6)).astype(np.float32)
    queries[:5] = rows[7:12]
    queries[5:9] = rows[20:24] + np.float32(1e-6)
    return queries, rows


def repeated():
    queries, rows = with_copies()
    return queries, np.concatenate([rows[:20]] + 14 * [rows[7:8]])


def far_clusters():
    queries, rows = (each.astype(float) for each in with_copies())
    return queries + 1e7, np.concatenate([rows + 1e7, rows - 1e7])


def with_an_outlier():
    queries, rows = (each.astype(float) for each in with_copies())
    return queries, np.concatenate([rows, np.full((1, 6), 1e9)])


def tiny_units():
    return tuple(each.astype(float) * 1e-30 for each in with_copies())


@pytest.mark.parametrize("case", [with_copies, repeated, far_clusters, with_an_outlier, tiny_units])
def test_rows_and_distances_are_those_of_brute_force(case):
    queries, rows = case()
    found = nearest_rows(queries, rows, 3)
    row, distance = brute_force(queries, rows, 3)
    np.testing.assert_allclose(found.distance, distance, rtol=1e-12)
    np.testing.assert_array_equal(found.row, row)
