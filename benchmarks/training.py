"""Training: a batch of two-layer networks against a PyTorch loop over replicates, and against its arithmetic.

    pip install torch  # optional, CPU
    python benchmarks/training.py

30 replicates of the source's network (arXiv 2502.03435): width 1,000, batch 50, d = 1, fresh noise in every
step, stochastic gradient descent. Per step and replicate:

- ours: `advance_batch`, sampling, update, divergence flag and all, vectorised 8 replicates at a time;
- its arithmetic: forward, backward and update of the same network on one fixed minibatch, in one loop;
- PyTorch: the same training written plainly, one replicate after another, on one thread and on all.

Expect at least 8 times PyTorch's throughput and at least half the arithmetic's; a time per replicate that
does not grow from 1 to 240 replicates; one compilation per batch shape, whatever the snapshots; and, at large
batches, the sorted kinks ahead of the batch × width product.

All timings are minima over interleaved rounds in this process, compilation apart.
"""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
from timing import least_seconds

from jaxmem.noising import SingleLevel
from jaxmem.scores import TwoLayerReLU, line_network
from jaxmem.training import (
    DenoisingScoreMatching,
    StepKeys,
    Training,
    advance_batch,
    start_training,
    train,
)

REPLICATES, WIDTH, BATCH, SAMPLES = 30, 1000, 50, 20
MU, SIGMA, LEARNING_RATE = 0.95, 0.31, 0.05
STEPS, ROUNDS, TOGETHER = 100, 9, 8


def batch_of(replicates: int):
    def make(key):
        data = jax.random.normal(key, (SAMPLES, 1))
        objective = DenoisingScoreMatching(data, SingleLevel(MU, SIGMA), BATCH)
        problem = Training(objective, WIDTH * LEARNING_RATE)
        return problem, start_training(problem, key, TwoLayerReLU.draw(key, 1, WIDTH))

    return eqx.filter_vmap(make)(jax.random.split(jax.random.key(0), replicates))


@eqx.filter_jit
def ours(problem, state, steps):
    return eqx.filter(advance_batch(problem, state, steps, width=TOGETHER), eqx.is_array)


@eqx.filter_jit
def arithmetic(problem, state, steps):
    def one(problem, state):
        batch = problem.objective.minibatch(StepKeys(state.key, jnp.int32(0)))
        y, target = batch.y[:, 0], batch.normal[:, 0] / SIGMA

        def body(_, weights):
            def loss(weights):
                return ((line_network.line_network(y, *weights) + target) ** 2).mean()

            slopes = jax.grad(loss)(weights)
            return jax.tree.map(lambda w, s: w - WIDTH * LEARNING_RATE * s, weights, slopes)

        model = state.model
        return jax.lax.fori_loop(0, steps, body, (model.inner[:, 0], model.bias, model.outer[:, 0]))

    def chunk(pair):
        return eqx.filter_vmap(one)(*eqx.combine(pair, static))

    arrays, static = eqx.partition((problem, state), eqx.is_array)
    chunks = -(-len(state.step) // TOGETHER)
    order = jnp.arange(chunks * -(-len(state.step) // chunks)) % len(state.step)
    cut = jax.tree.map(lambda leaf: leaf[order].reshape(chunks, -1, *leaf.shape[1:]), arrays)
    return jax.lax.map(chunk, cut)


def torch_replicate(torch, data, threads: int) -> None:
    """One replicate, STEPS steps, as a script of the field writes it."""
    torch.set_num_threads(threads)
    inner = torch.randn(WIDTH, 1, requires_grad=True)
    bias = torch.zeros(WIDTH, requires_grad=True)
    outer = torch.randn(WIDTH, 1, requires_grad=True)
    optimiser = torch.optim.SGD([inner, bias, outer], lr=WIDTH * LEARNING_RATE)
    for _ in range(STEPS):
        x = data[torch.randint(SAMPLES, (BATCH,))]
        noise = torch.randn_like(x)
        y = MU * x + SIGMA * noise
        score = torch.relu(y @ inner.T + bias) @ outer / WIDTH
        loss = ((score + noise / SIGMA) ** 2).sum(1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def throughput() -> None:
    problem, state = batch_of(REPLICATES)
    steps = jnp.int32(STEPS)
    tasks = {
        "ours": partial(ours, problem, state, steps),
        "arithmetic": partial(arithmetic, problem, state, steps),
    }
    try:
        import torch  # noqa: PLC0415
    except ImportError:
        print("PyTorch is not installed, so it is not compared: pip install torch.")
    else:
        data = torch.randn(SAMPLES, 1)
        tasks |= {
            f"PyTorch {n}": partial(torch_replicate, torch, data, n) for n in (1, torch.get_num_threads())
        }
    times = least_seconds(tasks, ROUNDS)
    each = {name: 1e6 * value / STEPS / REPLICATES for name, value in times.items()}
    print(f"{REPLICATES} replicates, width {WIDTH}, batch {BATCH}: µs per step and replicate")
    share = each["arithmetic"] / each["ours"]
    print(f"  ours      {each['ours']:10.1f}")
    print(f"  arithmetic{each['arithmetic']:10.1f}   ours at {share:.2f} of its speed")
    for name in list(each)[2:]:
        alone = each[name] * REPLICATES  # timed on one replicate
        print(f"  {name:10}{alone:10.1f}   threads: ours {alone / each['ours']:.1f} times as fast")


def growth() -> None:
    batches = {size: batch_of(size) for size in (1, 8, 32, 96, 240)}
    tasks = {str(size): partial(ours, *batch, jnp.int32(STEPS)) for size, batch in batches.items()}
    print("time per step and replicate over the size of the batch, µs")
    for size, value in least_seconds(tasks, ROUNDS).items():
        print(f"  {size:>4} replicates {1e6 * value / STEPS / int(size):8.1f}")


def compilations() -> None:
    events: list[str] = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, _, **__: events.append(event) if "backend_compile" in event else None
    )
    problem, state = batch_of(REPLICATES)
    train(problem, state, (0, 50), progress=False)
    first = len(events)
    train(problem, state, (0, 1, 3, 10, 30, 100), progress=False)
    jax.monitoring.clear_event_listeners()
    print(
        f"compilations: {first} to set up and train, {len(events) - first} more for other snapshots and steps"
    )


def sorted_kinks() -> None:
    print("forward and backward on the line, µs: batch × width product, sorted kinks")
    keys = jax.random.split(jax.random.key(1), 3)
    weights = [jax.random.normal(key, (WIDTH,)) for key in keys]

    def descend(threshold, y, weights):
        line_network.SORTED_FROM = threshold  # read while tracing
        slope = jax.grad(lambda w: (line_network.line_network(y, *w) ** 2).mean())
        step = lambda _, w: jax.tree.map(jnp.subtract, w, slope(w))  # noqa: E731
        return jax.lax.fori_loop(0, STEPS // 10, step, weights)

    for points in (50, 256, 512, 1024, 5000):
        y = jax.random.normal(jax.random.key(2), (points,))
        tasks = {
            name: partial(jax.jit(partial(descend, threshold)), y, weights)
            for name, threshold in (("product", 10**9), ("sorted", 0))
        }
        times = least_seconds(tasks, ROUNDS)
        product, by_kinks = (1e6 * times[name] / (STEPS // 10) for name in ("product", "sorted"))
        print(f"  {points:>5} points {product:10.0f} {by_kinks:8.0f}")


if __name__ == "__main__":
    throughput()
    growth()
    compilations()
    sorted_kinks()
