"""A sweep whose workers, client and scheduler are killed again and again ends in the bits of a local one.

    python benchmarks/interrupted_cluster.py [kills]

Part of a staged study's replicates (`depth-limit`, two depths, 6,000 steps) are made in one process, the
others on a Dask cluster of two worker processes, of which in turn a worker, the client and the scheduler get
SIGKILL at a random moment, 20 times by default. What was killed is started again. Then every stored number is
compared, bit for bit, with a run in one process that nobody disturbs. Ten minutes on two cores, most for
starting Python and for clients that wait half a minute for a lost scheduler. Needs the extra `cluster`.
"""

import os
import random
import socket
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
store, replicates, address = sys.argv[1], int(sys.argv[2]), sys.argv[3]
settings = {"samples": 40, "dim": 8, "width": 16, "steps": 6_000, "snapshots": 30, "learning_rate": 0.003}
study = DepthLimit(depths=(8, 16), **settings)
more = {"chunk_size": 1, "seed": 1, "store": store, "stage_seconds": 0.0}
if address:
    import distributed
    more["executor"] = distributed.Client(address)
jaxmem.sweep(study, replicates=replicates, **more)
"""
WORKER = """
import sys
from distributed.cli.dask_worker import main
from jaxmem.sweeping import staged
staged.CALL_SECONDS = 0.3
main(sys.argv[1:])
"""
HALF, ALL = 12, 32
KINDS = ("worker", "client", "scheduler")


class Cluster:
    """A scheduler and two workers, each a process that can be killed and started again."""

    def __init__(self, folder: Path):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.address, self._folder = f"tcp://127.0.0.1:{self._port}", folder
        cache = {"JAX_COMPILATION_CACHE_DIR": str(folder / "cache")}
        limits = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
        timeout = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s"}
        self.environment = os.environ | cache | limits | timeout
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, words: list[str], log: str) -> "subprocess.Popen[bytes]":
        with (self._folder / f"{log}.log").open("ab") as file:
            return subprocess.Popen(
                [sys.executable, *words], env=self.environment, stdout=file, stderr=file, cwd=self._folder
            )

    def mend(self) -> None:
        """Start what does not run."""
        scheduler = ["-m", "distributed.cli.dask_scheduler", "--port", str(self._port), "--no-dashboard"]
        worker = [
            "-c",
            WORKER,
            self.address,
            "--nthreads",
            "1",
            "--no-nanny",
            "--no-dashboard",
            "--death-timeout",
            "20",
        ]
        for name in ("scheduler", "worker 1", "worker 2"):
            if name not in self.processes or self.processes[name].poll() is not None:
                self.processes[name] = self.start(scheduler if name == "scheduler" else worker, name)

    def kill(self, name: str) -> None:
        self.processes[name].kill()
        self.processes[name].wait()

    def close(self) -> None:
        for name in self.processes:
            self.kill(name)


def main(kills: int) -> None:
    generator = random.Random(0)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        calm, killed = folder / "calm.zarr", folder / "killed.zarr"
        cluster = Cluster(folder)

        def run(store: Path, replicates: int, address: str) -> "subprocess.Popen[bytes]":
            return cluster.start(["-c", CODE, str(store), str(replicates), address], "client")

        try:
            assert run(calm, ALL, "").wait() == 0
            assert run(killed, HALF, "").wait() == 0
            client = None
            for number in range(kills):
                cluster.mend()
                if client is None or client.poll() is not None:
                    client = run(killed, ALL, cluster.address)
                    time.sleep(8)  # until it has started
                time.sleep(generator.uniform(0, 12))
                kind = KINDS[number % len(KINDS)]
                if kind == "client":
                    client.kill()
                    client.wait()
                else:
                    cluster.kill(kind if kind == "scheduler" else f"worker {generator.randint(1, 2)}")
                states = len(list(killed.glob(f"{STAGES}/*/*/state.eqx")))
                done = int(jaxmem.open_store(killed)["completed"].sum())
                print(f"kill {number + 1:2}, {kind:9}: {done} pairs in the store, {states} states in hand")
                if kind == "scheduler":
                    print(f"    the client ended with status {client.wait(timeout=120)}", flush=True)
                    for name in ("worker 1", "worker 2"):
                        cluster.kill(name)
            cluster.mend()
            if client is not None and client.poll() is None:
                client.wait()
            assert run(killed, ALL, cluster.address).wait() == 0
        finally:
            cluster.close()
        ours, theirs = (jaxmem.open_store(path, load=True) for path in (killed, calm))
        for name in theirs.data_vars:
            np.testing.assert_array_equal(ours[name], theirs[name], err_msg=str(name))
        print(f"every bit of {len(theirs.data_vars)} variables is that of the undisturbed run")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
