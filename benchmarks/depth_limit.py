"""Training residual networks in the neural-ODE scaling: time per layer against autodiff, NumPy and the floor.

    python benchmarks/depth_limit.py            # L = 1,024, n = 100, q = 16, m = 32, float64: a minute
    python benchmarks/depth_limit.py --study    # the study at 500 steps and 8 replicates on two workers

The floor is the six matrix products of a layer (two forward, four backward) at the rate of one that is alone
in a scan, on one thread; "autodiff" differentiates the scan over layers as it is written; NumPy loops over
the layers in float64. All in one run, the least of three.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
from timing import least_seconds

import jaxmem
from jaxmem.scores import ScaledResidual
from jaxmem.scores.scaled_residual import FUNCTIONS
from jaxmem.studies import DepthLimit

LAYERS, SAMPLES, DIM, WIDTH, STEPS = 1_024, 100, 16, 32, 3


def descent(outputs):
    """Steps of gradient descent of a model with the given outputs."""

    def loss(weights, x, y):
        return ((outputs(weights, x) - y) ** 2).sum(1).mean()

    def step(_, carried):
        weights, x, y = carried
        slopes = jax.grad(loss)(weights, x, y)
        return jax.tree.map(lambda w, g: w - 0.01 * LAYERS * g, weights, slopes), x, y

    return jax.jit(lambda *given: jax.lax.fori_loop(0, STEPS, step, given)[0])


def as_written(model, x):
    """The network as its formula, differentiated as it is."""

    def layer(h, weights):
        outer, inner = weights
        hidden = FUNCTIONS[model.activation](h @ inner.T / DIM**0.5)
        return h + hidden @ outer.T / (LAYERS * WIDTH**0.5), None

    return jax.lax.scan(layer, x, (model.outer, model.inner))[0]


def numpy_step(outer, inner, x, y):
    """Forward and backward in NumPy, with tanh for φ."""
    h, states, hidden = x, [], []
    for v, w in zip(outer, inner, strict=True):
        states.append(h)
        hidden.append(np.tanh(h @ w.T / DIM**0.5))
        h = h + hidden[-1] @ v.T / (LAYERS * WIDTH**0.5)
    pull = 2 * (h - y) / len(x)
    for k in reversed(range(LAYERS)):
        back = pull @ outer[k] / (LAYERS * WIDTH**0.5) * (1 - hidden[k] ** 2) / DIM**0.5
        outer[k] -= 0.01 * pull.T @ hidden[k] / WIDTH**0.5
        pull = pull + back @ inner[k]
        inner[k] -= 0.01 * LAYERS * back.T @ states[k]


def layers() -> None:
    """Print the table."""
    rng = np.random.default_rng(0)
    x, y = (jnp.asarray(rng.normal(size=(SAMPLES, DIM))) for _ in range(2))
    model = ScaledResidual.draw(jax.random.key(0), DIM, WIDTH, LAYERS)
    states = jnp.broadcast_to(x, (LAYERS, SAMPLES, DIM))

    def product(pair):
        return pair[0] @ pair[1].T

    alone = jax.jit(lambda h, w: jax.lax.map(product, (h, w)))
    ours, written = descent(ScaledResidual.on_batch), descent(as_written)
    outer, inner = (np.array(leaf) for leaf in (model.outer, model.inner))
    runs = {
        "six products": (lambda: alone(states, model.inner), 6.0),
        "ours": (lambda: ours(model, x, y), 1 / STEPS),
        "autodiff": (lambda: written(model, x, y), 1 / STEPS),
        "NumPy": (lambda: numpy_step(outer, inner, np.asarray(x), np.asarray(y)), 1.0),
    }
    seconds = least_seconds({name: run for name, (run, _) in runs.items()}, rounds=3)
    found = {name: seconds[name] * share for name, (_, share) in runs.items()}
    print(f"{'':14s}{'µs a layer and step':>20s}{'ratio to ours':>15s}")
    for name, seconds in found.items():
        print(f"{name:14s}{seconds / LAYERS * 1e6:20.1f}{seconds / found['ours']:15.2f}")


def study() -> None:
    """Time the study, compilation included."""
    began = time.monotonic()
    with ThreadPoolExecutor(2) as workers:
        jaxmem.sweep(DepthLimit(depths=(LAYERS,)), replicates=8, chunk_size=4, executor=workers)
    print(f"L = {LAYERS:,}, n = 100, 500 steps, 8 replicates: {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    study() if "--study" in sys.argv else layers()
