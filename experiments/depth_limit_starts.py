"""Starts and activations side by side: which networks stay smooth in depth? System S7.

Source: Marion, Wu, Sander & Biau, arXiv 2309.01213: smooth starts with a smooth activation do; independent
layers have no smoothness to keep; ReLU is excluded by a counter-example.

    python experiments/depth_limit_starts.py [--quick]

Prints the exponent in L of the largest difference of neighbouring layers and of the distance to the limit at
the last step, with 95 % intervals over replicates: −1 is a discretised differential equation, 0 is not.

What is seen (L = 16, 64, 256, 500 steps, 4 replicates, half an hour on two busy cores), exponents in L:

    start    activation    largest difference        mean difference           distance to the limit
    tied     GELU          -1.002 [-1.004, -1.000]   -1.006 [-1.007, -1.005]   -1.014 [-1.015, -1.013]
    tied     tanh          -1.005 [-1.006, -1.005]   -1.006 [-1.007, -1.006]   -1.009 [-1.010, -1.008]
    tied     ReLU          -0.57  [-0.85, -0.30]     -0.998 [-1.007, -0.990]   -1.001 [-1.019, -0.982]
    tied     identity      -1.004 [-1.006, -1.002]   -1.009 [-1.010, -1.008]   -1.015 [-1.016, -1.014]
    smooth   GELU          -0.999 [-1.000, -0.997]   -1.000 [-1.001, -0.999]   -1.31  [-1.33, -1.29]
    smooth   tanh          -0.999 [-1.000, -0.998]   -1.000 [-1.001, -0.999]   -1.40  [-1.42, -1.37]
    smooth   ReLU          -0.994 [-0.997, -0.992]   -0.999 [-1.000, -0.998]   -1.15  [-1.18, -1.12]
    smooth   identity      -0.999 [-1.001, -0.997]   -1.000 [-1.001, -0.999]   -1.19  [-1.19, -1.18]

The theorem holds where it is proved, and only ReLU from a tied start breaks it, in the largest difference
alone: a few layers part while the mean stays smooth. The distance to the limit falls faster from smooth
starts because the mean of two layers differs from the path at their middle by 1/L², much of it at these L.
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
