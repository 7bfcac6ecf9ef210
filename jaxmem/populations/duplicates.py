"""Repeated samples, which hide copies from every measure that compares two nearest neighbours."""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Int64

from jaxmem import _checks

ROWS_AT_ONCE = 1024


def count_duplicates(rows: Any) -> int:
    """How many of the samples (n, d) repeat an earlier one exactly; with dtype and all, 0 and -0 differ not.

    Cost: one pass over the data, and 100 bytes a sample.
    """
    _checks.shape("rows", rows, None, None)
    array = np.asarray(rows)
    return len(array) - len(set(row_digests(array)))


def first_occurrences(rows: Any) -> Int64[np.ndarray, "distinct"]:
    """The numbers of the samples (n, d) that repeat no earlier one, increasing. Cost: as above."""
    _checks.shape("rows", rows, None, None)
    found: dict[bytes, int] = {}
    for number, digest in enumerate(row_digests(np.asarray(rows))):
        found.setdefault(digest, number)
    return np.fromiter(found.values(), np.int64)


def row_digests(rows: np.ndarray) -> Iterator[bytes]:
    """16 bytes that stand for a sample: equal ones agree, others do not."""
    for at in range(0, len(rows), ROWS_AT_ONCE):
        part = np.ascontiguousarray(rows[at : at + ROWS_AT_ONCE] + 0)  # -0 + 0 is 0
        for row in part:
            yield hashlib.blake2b(row.data, digest_size=16).digest()
