"""Residual networks trained until they interpolate: do they stay smooth in depth? System S7.

Source: Marion, Wu, Sander & Biau, arXiv 2309.01213, long-time experiment: n = 50, d = q = 16, m = 64, L = 64,
80,000 steps of 0.005 L.

    python experiments/depth_limit_long_time.py [--quick]   # ten minutes a replicate; quick: half a minute

What to look for: the loss falls exponentially, at the Polyak–Łojasiewicz constant along the path, below
1e-7; the differences of neighbouring layers stop growing where it does.

What is seen (2 replicates, 12 minutes each at L = 64 on two busy cores): at the source's 80,000 steps,
t = 400, the loss is 0.155 and 0.167 at L = 32 and 64, from 30, and falls at its constant of 0.010: with the
paper's factors 1/√m and 1/√q, which the source's script leaves out, 1e-7 is a matter of t = 3,000. Ten times
the step, stable as well, shows it (L = 16 and 32, t = 2,000): the loss falls to 4.7e-6 and 7.0e-6, the
constant from 0.011 to 0.0055, and the differences end: the largest at 40.6 and 29.4, the mean at 12.6 and
6.8. In L that is -0.88 for the mean, still a discretised equation, and -0.47 for the largest, which at t =
400 is -0.80 from 32 to 64 and -1.00 until t = 20: the longer the training, the more layers it takes.
"""

import sys
from pathlib import Path

import jaxmem
from jaxmem.plotting import plot, save
from jaxmem.statistics import summary_table
from jaxmem.studies import DepthLimit

RESULTS = Path("results")


def main(quick: bool) -> None:
    study = DepthLimit(
        depths=(16, 32) if quick else (32, 64),
        samples=50,
        width=64,
        learning_rate=0.005,
        steps=2_000 if quick else 80_000,
        snapshots=6 if quick else 12,
        first_step=100,
    )
    store = RESULTS / f"depth_limit_long_time{'_quick' if quick else ''}.zarr"
    dataset = jaxmem.sweep(study, replicates=2, store=store, progress=True)
    print(summary_table(dataset))
    save(plot(dataset), store.with_suffix(".png"))


if __name__ == "__main__":
    main(quick="--quick" in sys.argv[1:])
