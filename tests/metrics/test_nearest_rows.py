"""Nearest rows in streamed blocks, against all distances written out in float64."""

import sys

import numpy as np
import pytest

from jaxmem.metrics import nearest_rows

RANDOM = np.random.default_rng(0)
MODULE = sys.modules["jaxmem.metrics.nearest_rows"]  # its name in the package is that of the function


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


def clusters_within_rounding():
    """Float32 products err by as much as the nearest rows differ."""
    queries, rows = (each.astype(float) for each in with_copies())
    return queries + 1e3, np.concatenate([rows + 1e3, rows - 1e3])


def with_an_outlier():
    queries, rows = (each.astype(float) for each in with_copies())
    return queries, np.concatenate([rows, np.full((1, 6), 1e9)])


def tiny_units():
    return tuple(each.astype(float) * 1e-30 for each in with_copies())


@pytest.mark.parametrize(
    "case", [with_copies, repeated, far_clusters, clusters_within_rounding, with_an_outlier, tiny_units]
)
def test_rows_and_distances_are_those_of_brute_force(case):
    queries, rows = case()
    found = nearest_rows(queries, rows, 3)
    row, distance = brute_force(queries, rows, 3)
    np.testing.assert_allclose(found.distance, distance, rtol=1e-12)
    np.testing.assert_array_equal(found.row, row)


def test_blocks_and_files_change_nothing(monkeypatch, tmp_path):
    """Of rows, of queries, and of queries that are held together; the last ones are not full."""
    queries, rows = with_copies()
    expected = nearest_rows(queries, rows, excluded=np.arange(40))
    np.save(tmp_path / "rows.npy", rows)
    monkeypatch.setattr(MODULE, "ROWS_AT_ONCE", 32)
    monkeypatch.setattr(MODULE, "QUERIES_AT_ONCE", 16)
    monkeypatch.setattr(MODULE, "QUERIES_HELD", 27)
    done = []
    on_disk = np.load(tmp_path / "rows.npy", mmap_mode="r")
    found = nearest_rows(queries, on_disk, excluded=np.arange(40), tick=done.append)
    np.testing.assert_array_equal(found.row, expected.row)
    np.testing.assert_array_equal(found.distance, expected.distance)
    np.testing.assert_allclose(found.cosine, expected.cosine, rtol=1e-5)
    assert sum(done) == len(queries) * len(rows)


def test_cosines_are_about_the_mean_and_a_row_is_not_compared_with_itself():
    rows = RANDOM.normal(size=(50, 4)) + 5
    found = nearest_rows(rows, rows, 1, excluded=np.arange(50))
    directions = rows - rows.mean(0)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    cosines = np.abs(directions @ directions.T) - np.eye(50)
    np.testing.assert_allclose(found.cosine, cosines.max(1), atol=1e-5)
    apart = np.linalg.norm(rows[:, None] - rows, axis=2) + np.diag(np.full(50, np.inf))
    np.testing.assert_array_equal(found.row[:, 0], apart.argmin(1))


def test_where_rows_are_fewer_than_asked_for():
    found = nearest_rows(np.array([[0.0], [2.0]]), np.array([[1.5]]), 3)
    np.testing.assert_array_equal(found.row, [[0, -1, -1]] * 2)
    np.testing.assert_array_equal(found.distance, [[1.5, np.inf, np.inf], [0.5, np.inf, np.inf]])


def test_what_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="rows must be finite, got inf at index"):
        nearest_rows(np.eye(3), np.array([[0.0, np.inf, 0.0]]))
