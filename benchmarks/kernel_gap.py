"""The kernel gap Δ of one replicate: against its floor, against plain NumPy, and its peak memory.

    python benchmarks/kernel_gap.py [--dim 100] [--reference-size 10000] [--quick]

Floor: a tiled float32 matrix product and the exponential of the needed half of all pairs, N²/2, alone in this
process, with the best of four tile sizes. Expect the gap at most 1.5 times the floor, drawing the data and
fitting the denoiser included.

NumPy: the source's algorithm, float64, in chunks that fit a cache: both self-overlaps over all N² pairs, from
squared differences, and the cross terms. Expect at least 40 times our time. The same with a Gram matrix in
place of differences is no longer the source's algorithm, but shows what is left: expect about 10 times.

Memory: peak resident size of a process of its own at N = 10⁵. Expect less than 2 GiB.

Ours and the floor are minima over interleaved rounds, compilation apart. `--quick` takes a fifth of N, where
fixed costs count and the ratios are no longer those expected. On a busy machine let OPENBLAS_NUM_THREADS=1:
threads of LAPACK that wait for one another there cost more than the d×d factorisation.
"""

import multiprocessing
import resource
import time
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from timing import least_seconds

from jaxmem.metrics import kernel_gap
from jaxmem.populations import Gaussian
from jaxmem.scores import fit_one_step_denoiser, generated_law

MEAN = 10.0
ROUNDS = 15


@partial(jax.jit, static_argnums=1)
def floor(samples: jax.Array, tile: int) -> jax.Array:
    """What no method of this precision avoids: the product and exponential of each tile of pairs, once."""
    tiles = -(-samples.shape[0] // tile)
    padded = jnp.pad(samples, ((0, tiles * tile - samples.shape[0]), (0, 0)))
    blocks = padded.reshape(tiles, tile, -1)
    later, earlier = (jnp.asarray(index) for index in np.tril_indices(tiles))

    def add(number: jax.Array, total: jax.Array) -> jax.Array:
        product = jnp.matmul(
            blocks[earlier[number]], blocks[later[number]].T, precision=jax.lax.Precision.HIGHEST
        )
        return total + jnp.exp(product).sum(0)

    return jax.lax.fori_loop(0, tiles * (tiles + 1) // 2, add, jnp.zeros(tile, samples.dtype))


def squared_distances(x: np.ndarray, y: np.ndarray, gram: bool) -> np.ndarray:
    if gram:
        return (x**2).sum(1)[:, None] + (y**2).sum(1) - 2 * x @ y.T
    return ((x[:, None] - y) ** 2).sum(-1)


def plain_gap(
    train: np.ndarray, reference: np.ndarray, mean: np.ndarray, covariance: np.ndarray, *, gram: bool
) -> float:
    """Δ as the source computes it: float64, all pairs of both samples, k = l included, no logarithms."""
    dim = train.shape[1]
    errors = []
    for samples in (train, reference):
        x = samples.astype(np.float64)
        n = len(x)
        variance = n ** (-2 / dim)
        chunk = 500 if gram else max(1, 200_000 // (n * dim) + 1)
        total = 0.0
        for start in range(0, n, chunk):
            squares = squared_distances(x[start : start + chunk], x, gram)
            total += np.exp(-squares / (4 * variance)).sum()
        self_overlap = total / n**2 / (4 * np.pi * variance) ** (dim / 2)
        smoothed = covariance + variance * np.eye(dim)
        centred = x - mean
        exponents = -(centred @ np.linalg.inv(smoothed) * centred).sum(1) / 2
        cross = np.exp(exponents - np.linalg.slogdet(2 * np.pi * smoothed)[1] / 2).mean()
        errors.append(self_overlap - 2 * cross)
    return errors[0] - errors[1]


def peak_memory(dim: int, reference_size: int) -> tuple[float, float]:
    """Seconds and GiB of one gap at this size, imports and compilation included."""
    rng = np.random.default_rng(0)
    reference = rng.standard_normal((reference_size, dim), np.float32)
    begin = time.perf_counter()
    jax.block_until_ready(kernel_gap(reference[:dim], reference, np.zeros(dim), np.eye(dim), scale=1.0))
    took = time.perf_counter() - begin
    return took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main(dim: int = 100, reference_size: int = 10_000, quick: bool = False) -> None:
    """Time one replicate at n = d.

    Args:
        dim: dimension d.
        reference_size: size N of the reference sample.
        quick: a fifth of N, here and for the memory.
    """
    if quick:
        reference_size //= 5
    largest = 20_000 if quick else 100_000
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        took, memory = pool.apply(peak_memory, (dim, largest))
    print(f"N = {largest}, d = {dim}: peak memory {memory:.2f} GiB (below 2), {took:.1f} s")

    population = Gaussian.isotropic(dim, mean=MEAN)

    @jax.jit
    def replicate(key):
        train_key, fit_key, reference_key = jax.random.split(key, 3)
        train = population.sample(train_key, dim)
        reference = population.sample(reference_key, reference_size)
        mean, covariance = generated_law(fit_one_step_denoiser(fit_key, train))
        return kernel_gap(train, reference, mean, covariance, scale=1.0)

    train = population.sample(jax.random.key(1), dim)
    reference = population.sample(jax.random.key(2), reference_size)
    law = generated_law(fit_one_step_denoiser(jax.random.key(3), train))
    scaled = (reference - MEAN) / jnp.sqrt(2.0)
    tiles = least_seconds({tile: partial(floor, scaled, tile) for tile in (128, 256, 512, 1024)}, ROUNDS)
    took = least_seconds(
        {
            "floor": partial(floor, scaled, min(tiles, key=tiles.__getitem__)),
            "gap": lambda: kernel_gap(train, reference, *law, scale=1.0),
            "replicate": lambda: replicate(jax.random.key(0)),
        },
        ROUNDS,
    )
    print(f"N = {reference_size}, d = n = {dim}, milliseconds per replicate, and its ratio to the floor")
    print(f"  {'floor: tiled product and exponential of N²/2 pairs':58s}  {1e3 * took['floor']:8.1f}")
    for name, label in (("gap", "kernel_gap"), ("replicate", "draws, fit and kernel_gap")):
        ratio = took[name] / took["floor"]
        print(f"  {label:58s}  {1e3 * took[name]:8.1f}  {ratio:.2f} (at most 1.5)")

    arrays = [np.asarray(array) for array in (train, reference, *law)]
    print(f"plain NumPy, float64, all {reference_size}² pairs, milliseconds, and its ratio to kernel_gap")
    for gram, name, expected in (
        (False, "squared differences", "at least 40"),
        (True, "Gram matrix", "about 10"),
    ):
        begin = time.perf_counter()
        plain_gap(*arrays, gram=gram)
        plain = time.perf_counter() - begin
        print(f"  {name:58s}  {1e3 * plain:8.1f}  {plain / took['gap']:.0f} ({expected})")


if __name__ == "__main__":
    tyro.cli(main)
