"""How many programs each study compiles at its quick settings, and how long that takes, beside what it runs.

    python benchmarks/compilation.py [STUDY ...]    # all: some minutes

One replicate of each grid point, in a process of its own for each study, without the persistent cache. A
second line says what a run finds in that cache (`jaxmem run --compilation-cache DIR`).
"""

import os
import subprocess
import sys
import tempfile

CODE = """
import sys, time
import jax, jax.monitoring
import jaxmem
from jaxmem.studies import STUDIES
from jaxmem.sweeping import compilations

spent = {"trace": 0.0, "compile": 0.0}
def listen(event, seconds, **_):
    if event.endswith("backend_compile_duration"):
        spent["compile"] += seconds
    elif event.endswith(("jaxpr_trace_duration", "jaxpr_to_mlir_module_duration")):
        spent["trace"] += seconds
jax.monitoring.register_event_duration_secs_listener(listen)
study = STUDIES[sys.argv[1]]
fields = {name: value for name, value in study.quick.items() if name != "replicates"}
began = time.monotonic()
jaxmem.sweep(study(**fields), replicates=1)
whole = time.monotonic() - began
print(f"{compilations():9d}{spent['trace']:10.1f}{spent['compile']:10.1f}{whole:10.1f}")
"""


def main(names: list[str]) -> None:
    from jaxmem.studies import STUDIES  # noqa: PLC0415 - the measured processes import it for themselves

    print(f"{'seconds of':22s}{'programs':>9s}{'tracing':>10s}{'compiling':>10s}{'all':>10s}")
    for name in names or list(STUDIES):
        with tempfile.TemporaryDirectory() as folder:
            cached = os.environ | {"JAX_COMPILATION_CACHE_DIR": folder}
            cached |= {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
            for label in (name, "  from the cache"):
                words = [sys.executable, "-c", CODE, name]
                done = subprocess.run(words, check=True, env=cached, capture_output=True, text=True)
                print(f"{label:22s}{done.stdout.rstrip()}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
