"""How every benchmark here takes its times."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import jax


def least_seconds(tasks: Mapping[Any, Callable[[], object]], rounds: int) -> dict[Any, float]:
    """The least time of each task over interleaved rounds, after one to compile."""
    for task in tasks.values():
        jax.block_until_ready(task())
    best = dict.fromkeys(tasks, float("inf"))
    for _ in range(rounds):
        for name, task in tasks.items():
            begin = time.perf_counter()
            jax.block_until_ready(task())
            best[name] = min(best[name], time.perf_counter() - begin)
    return best
