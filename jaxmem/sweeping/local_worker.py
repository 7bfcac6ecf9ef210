"""What a local worker process does before anything else; Dask imports this file there by its name."""

import os
import signal
from pathlib import Path
from typing import Any

COUNT = "JAXMEM_LOCAL_WORKERS"
"""Environment variable: among how many processes the cores are shared."""


def dask_setup(worker: Any) -> None:
    """Leave Ctrl-C to the client, which waits for what is in hand; take a share of the cores.

    XLA has a thread for each core it may use, so this comes before anything is compiled.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if not hasattr(os, "sched_setaffinity"):
        return
    cores, count = sorted(os.sched_getaffinity(0)), int(os.environ[COUNT])
    mine = cores[int(worker.name) % len(cores) :: min(count, len(cores))]
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(thread.name), mine)
