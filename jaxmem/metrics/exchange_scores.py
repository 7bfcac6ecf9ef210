"""Δ of a kernel distance between train and held-out samples, as one number for each of them.

Δ = D(X, G) − D(H, G) asks whether generated samples G are nearer to the train samples X than to held-out ones
H, n of each. For D(X, G) = E k(x, x') + E k(g, g') − 2 E k(x, g), means within a sample over pairs k ≠ l,
pool the z = (X, H) and let σ_i = 1 in X, −1 in H. Then Σ_{i≠j∈X} k_ij − Σ_{i≠j∈H} k_ij = Σ_i σ_i r_i with
r_i = Σ_{j≠i} k_ij over the whole pool, as (1 + σ_i)(1 + σ_j) − (1 − σ_i)(1 − σ_j) = 2 (σ_i + σ_j). So

    Δ = mean_X v − mean_H v,   v_i = r_i/(n − 1) − 2 mean_g k(z_i, g),

whatever the labels are: a permutation of them costs 2 n additions, and no matrix of all pairs is ever held.
The means over all pairs (V-statistics) differ from this by what cancels in Δ, but for 1/n in place of 1/(n
− 1).

For the spread of Δ over new draws of the samples, ψ is its first-order influence (Hoeffding, Ann. Math. Stat.
19, 1948): 2 (Σ_{j≠i∈X} k_ij/(n − 1) − mean_g k(x_i, g)) of a train sample, less the mean over X; minus that
of a held-out one; 2 (mean_H k(h, g) − mean_X k(x, g)) of a generated one. For a perfect model the first
orders vanish, what is left is of second order, and intervals from ψ are too wide rather than too narrow.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64

from jaxmem import _checks
from jaxmem._typing import RealArray
from jaxmem.metrics.nearest_rows import GATHERED, Tick
from jaxmem.numerics.squared_distances import squared_distances


class PairKernel(NamedTuple):
    """k as a function of squared distances, between references (X, H) and from them to generated samples.

    Attributes:
        within: of pairs of the pool.
        between: of a sample of the pool and a generated one; the same but where bandwidths differ.
        resolved: squared distance that must have its digits, 0 where none is special.
        unbiased: r_i over n − 1 (U-statistics) or over n (V-statistics).
    """

    within: Callable[[np.ndarray], np.ndarray]
    between: Callable[[np.ndarray], np.ndarray]
    resolved: float
    unbiased: bool = True


class ExchangeScores(NamedTuple):
    """What Δ is made of, n train and n held-out samples.

    Attributes:
        scores: v of the train samples, then of the held-out ones.
        influence_train: ψ of the train samples.
        influence_held_out: ψ of the held-out samples.
        influence_generated: ψ of the generated ones.
    """

    scores: Float64[np.ndarray, "pooled"]
    influence_train: Float64[np.ndarray, "n"]
    influence_held_out: Float64[np.ndarray, "n"]
    influence_generated: Float64[np.ndarray, "generated"]

    @property
    def delta(self) -> float:
        """Δ = D(X, G) − D(H, G); memorising: below 0."""
        train, held_out = np.split(self.scores, 2)
        return float(train.mean() - held_out.mean())


@_checks.real_arrays("train", "held_out", "generated")
def exchange_scores(
    kernels: Mapping[str, PairKernel],
    train: Float[RealArray, "n d"],
    held_out: Float[RealArray, "n d"],
    generated: Float[RealArray, "generated d"],
    *,
    tick: Tick | None = None,
) -> dict[str, ExchangeScores]:
    """Scores of every kernel, in one pass over the pairs.

    Args:
        kernels: by name, such as `energy_kernel()` and `gaussian_kernel(bandwidth)`.
        train: X, one sample a row.
        held_out: H, as many.
        generated: G.
        tick: told of progress, in pairs.

    Cost: 2 n (2 n + generated) pairs of d multiplications in float64, and the kernels of each. Memory: 64 MB
    several times over, and the samples in float64. Squared distances are taken by products about the mean, or
    by differences where d is small or these would lose digits.

    Raises:
        ValueError: samples of different d or number, NaN among them, or fewer than 2.
    """
    _checks.samples("train", train, least=2)
    _checks.samples("held_out", held_out, dim=train.shape[1], least=2)
    _checks.samples("generated", generated, dim=train.shape[1])
    n = len(train)
    if len(held_out) != n:
        raise ValueError(f"held_out must hold as many samples as train, {n}, got {len(held_out)}.")
    pool = np.concatenate([train, held_out]).astype(np.float64)
    centre = pool.mean(0)
    pool -= centre
    made = np.asarray(generated, np.float64) - centre
    sums = {name: _Sums(n, len(made)) for name in kernels}
    resolved = min((each.resolved for each in kernels.values() if each.resolved), default=0.0)
    squares = squared_distances(pool, made, resolved=resolved)
    for index in row_blocks(len(pool), max(len(pool), len(made))):
        within, between = squares(pool[index], pool), squares(pool[index], made)
        for name, kernel in kernels.items():
            sums[name].add(index, kernel.within(within), kernel.between(between))
        if tick is not None:
            tick(len(index) * (len(pool) + len(made)))
    return {name: each.finish(kernels[name].unbiased) for name, each in sums.items()}


def energy_kernel() -> PairKernel:
    """k = −|x − y|: D is the energy distance."""

    def minus_distance(squares: np.ndarray) -> np.ndarray:
        return -np.sqrt(squares)

    return PairKernel(minus_distance, minus_distance, 0.0)


def gaussian_kernel(bandwidth: float) -> PairKernel:
    """k = exp(−|x − y|²/(2h²)): D is the squared maximum mean discrepancy."""
    bandwidth = _checks.real_number("bandwidth", bandwidth, above=0.0)

    def kernel(squares: np.ndarray) -> np.ndarray:
        return np.exp(squares / (-2 * bandwidth**2))

    return PairKernel(kernel, kernel, bandwidth**2)


def kernel_gap_kernel(scale: float, n: int, dim: int) -> PairKernel:
    """The kernel gap of `sample_kernel_gap`, in units of N(0; 0, 2 ε² I), with ε = scale · n^(−1/dim).

    Its terms are k = N(x − x'; 0, 2 ε² I) within X and N(x − g; 0, ε² I) between X and G, so that between is
    2^(dim/2) exp(−|x − g|²/(2ε²)) in these units: float64 holds it up to dim = 2,000 or so.
    """
    scale = _checks.real_number("scale", scale, above=0.0)
    bandwidth = scale * n ** (-1 / dim)

    def within(squares: np.ndarray) -> np.ndarray:
        return np.exp(squares / (-4 * bandwidth**2))

    def between(squares: np.ndarray) -> np.ndarray:
        return np.exp(dim / 2 * np.log(2) - squares / (2 * bandwidth**2))

    return PairKernel(within, between, bandwidth**2, unbiased=False)


class _Sums:
    """Row sums of a kernel over each half of the pool and over G, and column sums over each half."""

    def __init__(self, n: int, generated: int):
        self.n = n
        self.train, self.held_out, self.cross = (np.zeros(2 * n) for _ in range(3))
        self.columns = np.zeros((2, generated))

    def add(self, index: np.ndarray, within: np.ndarray, between: np.ndarray) -> None:
        within[np.arange(len(index)), index] = 0  # pairs of a sample with itself do not count
        self.train[index] = within[:, : self.n].sum(1)
        self.held_out[index] = within[:, self.n :].sum(1)
        self.cross[index] = between.mean(1)
        of_train = int((index < self.n).sum())
        self.columns[0] += between[:of_train].sum(0)
        self.columns[1] += between[of_train:].sum(0)

    def finish(self, unbiased: bool) -> ExchangeScores:
        n = self.n
        pairs = n - 1 if unbiased else n
        own = np.concatenate([self.train[:n], self.held_out[n:]])
        first = 2 * (own / pairs - self.cross)
        by_train, by_held_out = self.columns / n
        made = 2 * (by_held_out - by_train)
        return ExchangeScores(
            (self.train + self.held_out) / pairs - 2 * self.cross,
            first[:n] - first[:n].mean(),
            first[n:].mean() - first[n:],
            made - made.mean(),
        )


def row_blocks(size: int, columns: int) -> "Iterator[np.ndarray]":
    """Numbers of rows, so many at a time that a block of them with its columns is `GATHERED` numbers."""
    height = max(1, GATHERED // columns)
    for start in range(0, size, height):
        yield np.arange(start, min(start + height, size))
