"""A run that is killed again and again ends in the bits of one that was left alone.

    python benchmarks/interrupted_runs.py [kills]

A staged study (`depth-limit`, two depths, 6,000 steps) is run into a store by a process that gets SIGKILL at
a random moment, 20 times by default, then once to the end; every stored number is compared, bit for bit, with
a run into another store that nobody disturbs. Takes some minutes on two cores, most for starting Python.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import jaxmem
from jaxmem.sweeping.unfinished import STAGES

CODE = """
import sys
import jaxmem
from jaxmem.studies import DepthLimit
from jaxmem.sweeping import staged
staged.CALL_SECONDS = 0.3
settings = {"samples": 40, "dim": 8, "width": 16, "steps": 6_000, "snapshots": 30, "learning_rate": 0.003}
study = DepthLimit(depths=(8, 16), **settings)
jaxmem.sweep(study, replicates=4, chunk_size=2, seed=1, store=sys.argv[1], stage_seconds=0.0)
"""


def start(store: Path, cache: Path) -> "subprocess.Popen[bytes]":
    settings = {"JAX_COMPILATION_CACHE_DIR": str(cache), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    return subprocess.Popen([sys.executable, "-c", CODE, str(store)], env=os.environ | settings)


def seconds_of(store: Path, cache: Path) -> float:
    began = time.monotonic()
    if start(store, cache).wait():
        raise SystemExit("the run failed")
    return time.monotonic() - began


def main(kills: int) -> None:
    generator = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        cache, calm, killed = (Path(folder) / name for name in ("cache", "calm.zarr", "killed.zarr"))
        whole = seconds_of(calm, cache)
        again = seconds_of(calm, cache)
        print(f"undisturbed: {whole:.0f} s, of which starting {again:.0f} s")
        for number in range(kills):
            run = start(killed, cache)
            try:
                run.wait(again + generator.uniform(0, 2 * (whole - again) / kills + 2))
            except subprocess.TimeoutExpired:
                run.kill()
                run.wait()
            states = len(list(killed.glob(f"{STAGES}/*/*/state.eqx")))
            seen = len(list(killed.glob(f"{STAGES}/*/*/snapshot-*")))
            print(
                f"kill {number + 1:2}: status {run.returncode}, {states} states and {seen} snapshots in hand"
            )
        seconds_of(killed, cache)
        ours, theirs = (jaxmem.open_store(path, load=True) for path in (killed, calm))
        for name in theirs.data_vars:
            np.testing.assert_array_equal(ours[name], theirs[name], err_msg=str(name))
        print(f"every bit of {len(theirs.data_vars)} variables is that of the undisturbed run")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
