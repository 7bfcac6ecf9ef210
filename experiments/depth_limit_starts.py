"""Starts and activations side by side: which networks stay smooth in depth? System S7.

Source: Marion, Wu, Sander & Biau, arXiv 2309.01213: smooth starts with a smooth activation do; independent
layers have no smoothness to keep; ReLU is excluded by a counter-example.

    python experiments/depth_limit_starts.py [--quick]

Prints the exponent in L of the largest difference of neighbouring layers and of the distance to the limit at
the last step, with 95 % intervals over replicates: −1 is a discretised differential equation, 0 is not.
"""

import sys
from itertools import product
from pathlib import Path

import jaxmem
from jaxmem.scores.scaled_residual import FUNCTIONS
from jaxmem.studies import DepthLimit

RESULTS = Path("results")
NAMES = ("largest_difference", "mean_difference", "limit_distance")


def main(quick: bool) -> None:
    sizes = (
        {"depths": (8, 16, 32), "samples": 20, "dim": 8, "width": 16, "steps": 200}
        if quick
        else {"depths": (16, 64, 256)}
    )
    for start, activation in product(("tied", "smooth", "independent"), FUNCTIONS):
        study = DepthLimit(start=start, activation=activation, **sizes)
        name = f"depth_limit_starts{'_quick' if quick else ''}/{start}_{activation}.zarr"
        dataset = jaxmem.sweep(study, replicates=2 if quick else 4, store=RESULTS / name, progress=True)
        summary, last = jaxmem.summarise(dataset), {"step": -1}
        words = [
            f"{each} {summary[f'{each}_exponent'].isel(last).item():.3f} "
            f"[{summary[f'{each}_exponent_low'].isel(last).item():.3f}, "
            f"{summary[f'{each}_exponent_high'].isel(last).item():.3f}]"
            for each in NAMES
        ]
        loss = summary["loss"].isel(step=-1, depth=-1).item()
        print(f"{start:12s}{activation:10s}loss {loss:.3g}; {'; '.join(words)}", flush=True)


if __name__ == "__main__":
    main(quick="--quick" in sys.argv[1:])
