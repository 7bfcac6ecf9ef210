"""Training U-Nets: a batch of replicates against a PyTorch loop over them.

    pip install torch  # optional, CPU
    python benchmarks/u_net.py

Images of 8 × 8, batch 64, denoising score matching with Adam. Per step and replicate:

- ours: `advance_batch`, sampling, update, divergence flag and all, `TOGETHER` replicates vectorised;
- PyTorch: the same network, trained the same way, one replicate after another, on one thread and on all.

The networks are "bonnaire" of width 8, with its 255,089 parameters, 8 replicates, and "halder", 12,919,041,
one. The goals are 3 times PyTorch's throughput of the first, PyTorch's of the second, and a time per
replicate that does not grow from 1 to 32 replicates; README.md says what was measured.

All timings are minima over interleaved rounds in this process, compilation apart.
"""

import os
import sys
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from timing import least_seconds

from jaxmem.noising import OrnsteinUhlenbeckLevels
from jaxmem.scores import NoisePrediction, UNet, parameter_count
from jaxmem.training import DenoisingScoreMatching, Training, advance_batch, start_training

SIDE, BATCH, SAMPLES, LEVELS = 8, 64, 256, (0.01, 3.0)
REPLICATES, TOGETHER, STEPS, ROUNDS = 8, 1, 3, 5


def batch_of(replicates: int, draw):
    def make(key):
        data = jax.random.normal(key, (SAMPLES, SIDE**2))
        schedule = OrnsteinUhlenbeckLevels(jnp.geomspace(*LEVELS, 100))
        problem = Training(DenoisingScoreMatching(data, schedule, BATCH), 1e-4, optimiser=optax.adam)
        return problem, start_training(problem, key, NoisePrediction(draw(key), schedule))

    return eqx.filter_jit(eqx.filter_vmap(make))(jax.random.split(jax.random.key(0), replicates))


@eqx.filter_jit
def ours(problem, state):
    return eqx.filter(advance_batch(problem, state, STEPS, width=TOGETHER), eqx.is_array)


def torch_step(torch, data, network, optimiser) -> None:
    time = LEVELS[0] * (LEVELS[1] / LEVELS[0]) ** torch.rand(BATCH)
    mu = torch.exp(-time)[:, None, None, None]
    sigma = (1 - mu**2).sqrt()
    noise = torch.randn(BATCH, 1, SIDE, SIDE)
    x = data[torch.randint(SAMPLES, (BATCH,))]
    loss = ((network(100 * time, mu * x + sigma * noise) - noise) ** 2).sum() / BATCH
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def torch_task(torch, network, threads: int):
    data = torch.randn(SAMPLES, 1, SIDE, SIDE)
    optimiser = torch.optim.Adam(network.parameters(), 1e-4)

    def task() -> None:
        torch.set_num_threads(threads)
        for _ in range(STEPS):
            torch_step(torch, data, network, optimiser)

    return task


def torch_tasks(name: str) -> dict:
    """PyTorch's times of one replicate, where it is installed."""
    try:
        import torch  # noqa: PLC0415
        from torch_u_nets import bonnaire, halder  # noqa: PLC0415
    except ImportError:
        print("PyTorch is not installed, so it is not compared: pip install torch.")
        return {}
    network = bonnaire(8) if name == "bonnaire" else halder()
    print(f"PyTorch {torch.__version__}: {sum(p.numel() for p in network.parameters()):,} parameters")
    return {f"PyTorch {n}": torch_task(torch, network, n) for n in sorted({1, os.cpu_count() or 1})}


def throughput(name: str, replicates: int, width: int | None) -> None:
    draw = partial(UNet.preset, name=name, image_shape=(SIDE, SIDE), width=width, shortest_time=0.01)
    count = parameter_count(eqx.filter_eval_shape(draw, jax.random.key(0)))
    print(f"{name}: {count:,} parameters, {replicates} replicates; ms per step and replicate")
    problem, state = batch_of(replicates, draw)
    tasks = {"ours": partial(ours, problem, state), **torch_tasks(name)}
    times = least_seconds(tasks, ROUNDS)
    each = {task: 1e3 * value / STEPS for task, value in times.items()}
    each["ours"] /= replicates
    for task, value in each.items():
        print(f"  {task:10}{value:10.1f}   ours {value / each['ours']:.2f} times as fast")


def growth() -> None:
    draw = partial(UNet.draw, image_shape=(SIDE, SIDE), width=8, multipliers=(1, 2), blocks=1)
    batches = {size: batch_of(size, draw) for size in (1, 8, 32)}
    times = least_seconds({size: partial(ours, *batch) for size, batch in batches.items()}, ROUNDS)
    print("width 8, (1, 2), one block: ms per step and replicate over the size of the batch")
    for size, value in times.items():
        print(f"  {size:>4} replicates {1e3 * value / STEPS / size:8.1f}")


if __name__ == "__main__":
    chosen = sys.argv[1:] or ["bonnaire", "halder", "growth"]
    if "bonnaire" in chosen:
        throughput("bonnaire", REPLICATES, 8)
    if "halder" in chosen:
        throughput("halder", 1, 64)
    if "growth" in chosen:
        growth()
