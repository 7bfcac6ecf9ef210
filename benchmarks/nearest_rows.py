"""Nearest training samples, streamed from disk: against their floor, plain NumPy, and in memory.

    python benchmarks/nearest_rows.py [--generated 10000] [--train 100000] [--dim 3072] [--quick]

Floor: the float32 matrix products of the same blocks, alone in this process. Expect at most 1.8 times the
floor.

NumPy: float64 products in blocks of rows and a partition of each, for the first 1,000 generated and 10,000
training samples. It is held to the same answer. Expect at least 1.5 times our time.

Memory: the peak of what this process holds apart from the file that it maps. Expect less than 1.5 GB at
10⁴ × 10⁵ samples of d = 3,072, where the train set alone is 1.2 GB. `--quick` takes a tenth of both sets.
"""

import tempfile
import threading
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from jaxmem.metrics.nearest_rows import QUERIES_AT_ONCE, ROWS_AT_ONCE, nearest_rows

COMPARED = 1_000, 10_000


class Peak(threading.Thread):
    """The most memory that is not a mapped file, in GB (Linux)."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0.0

    def run(self) -> None:
        """Look 20 times a second."""
        while True:
            status = Path("/proc/self/status").read_text()
            held = next(line for line in status.splitlines() if line.startswith("RssAnon"))
            self.most = max(self.most, int(held.split()[1]) / 1e6)
            time.sleep(0.05)


def written(path: Path, rows: int, dim: int) -> np.ndarray:
    """Gaussian samples on disk."""
    random = np.random.default_rng(0)
    array = np.lib.format.open_memmap(path, "w+", np.float32, (rows, dim))
    for start in range(0, rows, 1_000):
        array[start : start + 1_000] = random.standard_normal(array[start : start + 1_000].shape, np.float32)
    del array
    return np.load(path, mmap_mode="r")


def floor_seconds(generated: int, train: int, dim: int) -> float:
    """Of the products alone, from the rate of one block."""
    query, row = jnp.ones((QUERIES_AT_ONCE, dim)), jnp.ones((ROWS_AT_ONCE, dim))
    product = jax.jit(lambda a, b: jnp.matmul(a, b.T, precision=jax.lax.Precision.HIGHEST))
    best = np.inf
    for _ in range(10):
        begin = time.perf_counter()
        product(query, row).block_until_ready()
        best = min(best, time.perf_counter() - begin)
    return best * generated * train / (QUERIES_AT_ONCE * ROWS_AT_ONCE)


def plain(generated: np.ndarray, train: np.ndarray) -> np.ndarray:
    """The two least distances, float64."""
    x, y = generated.astype(float), train.astype(float)
    least = []
    for start in range(0, len(x), 100):
        part = x[start : start + 100]
        squares = (part**2).sum(1)[:, None] + (y**2).sum(1) - 2 * part @ y.T
        least.append(np.sqrt(np.sort(np.partition(squares, 1, axis=1)[:, :2], axis=1)))
    return np.concatenate(least)


def main(generated: int = 10_000, train: int = 100_000, dim: int = 3_072, quick: bool = False) -> None:
    """Time the nearest two training samples.

    Args:
        generated: samples asked for.
        train: samples on disk.
        dim: dimension d.
        quick: a tenth of both.
    """
    if quick:
        generated, train = generated // 10, train // 10
    with tempfile.TemporaryDirectory() as folder:
        rows = written(Path(folder) / "train.npy", train, dim)
        queries = np.random.default_rng(1).standard_normal((generated, dim), np.float32)
        nearest_rows(queries[:QUERIES_AT_ONCE], rows[:ROWS_AT_ONCE])  # compiles
        peak = Peak()
        peak.start()
        begin = time.perf_counter()
        nearest_rows(queries, rows)
        took, memory = time.perf_counter() - begin, peak.most
        floor = floor_seconds(generated, train, dim)
        print(f"{generated} × {train} samples of d = {dim}: {took:.1f} s, {memory:.2f} GB (below 1.5)")
        print(f"  products alone: {floor:.1f} s, {took / floor:.2f} times (at most 1.8)")
        some, few = queries[: COMPARED[0]], rows[: COMPARED[1]]
        begin = time.perf_counter()
        found = nearest_rows(some, few)
        ours = time.perf_counter() - begin
        begin = time.perf_counter()
        expected = plain(some, few)
        theirs = time.perf_counter() - begin
        np.testing.assert_allclose(found.distance, expected, rtol=1e-6)
        print(f"  plain NumPy, {len(some)} × {len(few)}: {theirs / ours:.1f} times ours (at least 1.5)")


if __name__ == "__main__":
    tyro.cli(main)
