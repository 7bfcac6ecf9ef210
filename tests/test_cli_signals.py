"""Signals end a run with one sentence and a status of their own, from the first moment on."""

import signal
import subprocess
import sys
import time

import pytest


@pytest.mark.parametrize(
    ("number", "wait", "words"),
    [
        (signal.SIGINT, 0.4, "interrupted"),
        (signal.SIGTERM, 1.0, "stopped by SIGTERM"),
        (signal.SIGHUP, 6.0, "stopped by SIGHUP"),
    ],
)
def test_a_run_that_is_told_to_stop(tmp_path, number, wait, words):
    command = ["run", "condensation", "--replicates", "20000", "--quiet", "--store", str(tmp_path / "s")]
    process = subprocess.Popen(
        [sys.executable, "-m", "jaxmem.cli", *command], stderr=subprocess.PIPE, text=True
    )
    time.sleep(wait)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert errors == f"jaxmem: {words}; finished chunks are kept, the same command continues from them.\n"
