"""Weights of neighbouring layers, and the distance to the neural ODE, over the number of layers: system S7.

Source: Marion, Wu, Sander & Biau, arXiv 2309.01213, large-depth experiment: n = 100, d = q = 16, m = 32,
GELU, independent normal inputs and targets, 500 steps of 0.01 L, L up to 1,024.

    python experiments/depth_limit_large_depth.py [--quick]

What to look for: all differences and distances fall as 1/L, to the limit as estimated from (L/2, L) and to
the limit itself, a neural ODE trained beside (`jaxmem.scores.ContinuousResidual`); so do what L layers
change of its outputs and of its gradients. The source takes a network of 2^14 layers for the limit.

What is seen (L from 4 to 1,024, 2 replicates, a quarter of an hour on two busy cores), exponents in L at step
500, 95 % intervals:

    largest difference        -1.005 [-1.027, -0.982]    distance to the neural ODE   -1.009 [-1.015, -1.002]
    mean difference           -1.012 [-1.027, -0.997]    change of the outputs        -1.008 [-1.009, -1.008]
    distance from (L/2, L)    -1.028 [-1.045, -1.010]    change of the gradients      -1.010 [-1.017, -1.003]

and nearer to -1 the earlier; at L = 1,024 neighbours differ by 6.5e-4 at most, and the distances to the limit
by both ways agree to 1e-3 (13 % at L = 4). A network of 2^14 layers is not needed.
"""

import sys
from pathlib import Path

import jaxmem
from jaxmem.plotting import plot, save
from jaxmem.statistics import summary_table
from jaxmem.studies import DepthLimit

RESULTS = Path("results")


def main(quick: bool) -> None:
    depths = (8, 16, 32, 64) if quick else (4, 16, 64, 256, 1_024)
    study = DepthLimit(depths=depths, limit=True)
    store = RESULTS / f"depth_limit_large_depth{'_quick' if quick else ''}.zarr"
    dataset = jaxmem.sweep(study, replicates=2 if quick else 4, store=store, chunk_size=1, progress=True)
    print(summary_table(dataset))
    save(plot(dataset), store.with_suffix(".png"))


if __name__ == "__main__":
    main(quick="--quick" in sys.argv[1:])
