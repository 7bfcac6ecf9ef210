"""Sample covariances for the tests of the theory, by NumPy alone."""

from collections.abc import Iterator

import numpy as np


def covariances(eigenvalues, n: int, count: int, seed: int) -> Iterator[np.ndarray]:
    """`count` independent XᵀX/n of n samples of N(0, diag(eigenvalues))."""
    generator = np.random.default_rng(seed)
    scale = np.sqrt(eigenvalues)
    for _ in range(count):
        samples = generator.standard_normal((n, scale.size)) * scale
        yield samples.T @ samples / n


def root(matrix: np.ndarray) -> np.ndarray:
    """The symmetric square root."""
    values, vectors = np.linalg.eigh(matrix)
    return vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T


def mean_and_error(values) -> tuple[np.ndarray, np.ndarray]:
    """The mean over replicates and its standard error."""
    values = np.asarray(values)
    return values.mean(0), values.std(0, ddof=1) / np.sqrt(len(values))


def assert_within(values, expected, allowance=0.0, errors: float = 4.0) -> None:
    """The mean of `values` is `expected`, to `errors` standard errors and an explicit allowance."""
    mean, error = mean_and_error(values)
    excess = np.abs(mean - expected) - errors * error - allowance
    assert (excess <= 0).all(), f"{mean} ± {error} against {expected}, allowance {allowance}"
