"""Is a device right, and how fast beside what it can do? For whoever has one; prints a table in Markdown.

    python benchmarks/device.py           # the default device beside the CPU; about two minutes

Right: each line is the largest relative difference of a float32 path from float64, of a replicate alone from
the sweep, or of the device from the CPU, beside what is allowed. Fast: the rate of the kernel over that of a
plain matrix product, or of a copy, of the same device, measured in the same process.
"""

import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

import jaxmem
from jaxmem.metrics import kernel_gap
from jaxmem.numerics import convolution
from jaxmem.scores import fit_linear_gaussian
from jaxmem.studies import KernelOnset, LinearOverlaps

ROUNDS = 5


def seconds(task: Callable[[], object]) -> float:
    """The least of a few rounds, after one to compile."""
    jax.block_until_ready(task())
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        jax.block_until_ready(task())
        best = min(best, time.perf_counter() - began)
    return best


def apart(found, expected) -> float:
    """The largest difference over the largest value."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    return float(abs(found - expected).max() / abs(expected).max())


def on(device, task: Callable[[], object]):
    """A task on a device."""
    with jax.default_device(device):
        return jax.device_get(task())


def correctness(device, processor) -> None:
    """Print a row per comparison."""
    rng = np.random.default_rng(0)
    train, reference = rng.normal(size=(200, 64)), rng.normal(size=(4_000, 64))
    law = np.zeros(64), np.eye(64)
    image, weight = rng.normal(size=(16, 8, 8, 16)), rng.normal(size=(3, 3, 16, 16))

    def gap(dtype):
        found = kernel_gap(train, reference, *law, scale=1.0, dtype=dtype)
        return found.value, found.log_scale

    study = KernelOnset(dims=(16,), loads=(0.5, 2.0), reference_size=1_000)
    overlaps = LinearOverlaps(dims=(32,), loads=(0.5, 2.0), direct=True, quantities=("convergence", "bures"))

    def alone():
        return study.simulate(jaxmem.replicate_key(0, 1), {"dim": 16, "load": 2.0})["log_affinity"]

    def swept(one, name):
        return jaxmem.sweep(one, replicates=2)[name].values

    def convolved():
        return convolution(jnp.asarray(image, jnp.float32), jnp.asarray(weight, jnp.float32), "circular")

    rows = {
        "kernel gap, float32 against float64": (
            on(device, lambda: gap(jnp.float32)),
            on(processor, lambda: gap(jnp.float64)),
            1e-3,
        ),
        "convolution, against the CPU": (on(device, convolved), on(processor, convolved), 1e-5),
        "a replicate alone, against the sweep": (
            on(device, alone),
            on(device, lambda: swept(study, "log_affinity")[0, 1, 1]),
            1e-4,
        ),
        "linear-overlaps, against the CPU": (
            on(device, lambda: swept(overlaps, "convergence")),
            on(processor, lambda: swept(overlaps, "convergence")),
            1e-6,
        ),
    }
    print("\n| what | largest difference | allowed | |\n|---|---|---|---|")
    for name, (found, expected, allowed) in rows.items():
        difference = apart(found, expected)
        print(
            f"| {name} | {difference:.1e} | {allowed:.0e} | {'right' if difference <= allowed else 'WRONG'} |"
        )


def speed() -> None:
    """Print a row per kernel."""
    size, dim, rows = 2_048, 64, 8_192
    key = jax.random.key(0)
    square = jax.random.normal(key, (size, size), jnp.float32)
    large = jnp.ones((64, 2**20), jnp.float32)
    x = jax.random.normal(key, (rows, dim), jnp.float32)
    image, weight = jnp.ones((512, 8, 8, 64), jnp.float32), jnp.ones((3, 3, 64, 64), jnp.float32)
    product = jax.jit(lambda a: jnp.matmul(a, a, precision="highest"))
    copy = jax.jit(lambda a: a + 1)
    law = jnp.zeros(dim), jnp.eye(dim)
    gap = jax.jit(lambda a, b: kernel_gap(a, b, *law, scale=1.0).value)
    convolved = jax.jit(lambda a, b: convolution(a, b, "circular"))
    fit = jax.jit(lambda a: fit_linear_gaussian(a).covariance.values)
    matrix_rate = 2 * size**3 / seconds(lambda: product(square))
    memory_rate = 8 * large.size / seconds(lambda: copy(large))
    print(f"\nmatrix products {matrix_rate / 1e9:,.0f} GFLOP/s, memory {memory_rate / 1e9:,.0f} GB/s\n")
    pairs = 2 * dim * (rows // 8) * rows + dim * (rows**2 + (rows // 8) ** 2)
    kernels = {
        "kernel gap, 1,024 against 8,192 rows, d = 64": (lambda: gap(x[: rows // 8], x), pairs),
        "convolution, 512 images, 64 channels": (lambda: convolved(image, weight), 2 * 9 * 64**2 * 512 * 64),
        "fit of 8,192 rows, d = 64, float64": (lambda: fit(x), 2 * rows * dim**2),
    }
    print("| kernel | ms | share of the matrix rate |\n|---|---|---|")
    for name, (task, flops) in kernels.items():
        taken = seconds(task)
        print(f"| {name} | {1e3 * taken:.2f} | {flops / taken / matrix_rate:.2f} |")


def main() -> None:
    device, processor = jax.devices()[0], jax.devices("cpu")[0]
    print(f"{len(jax.devices())} × {device.device_kind}, jax {jax.__version__}")
    if device.platform == "cpu":
        print("No accelerator is here: the CPU is compared with itself.")
    correctness(device, processor)
    speed()


if __name__ == "__main__":
    main()
