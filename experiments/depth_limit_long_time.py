"""Residual networks trained until they interpolate: do they stay smooth in depth? System S7.

Source: Marion, Wu, Sander & Biau, arXiv 2309.01213, long-time experiment: n = 50, d = q = 16, m = 64, L = 64,
80,000 steps of 0.005 L.

    python experiments/depth_limit_long_time.py [--quick]   # ten minutes a replicate; quick: half a minute

What to look for: the loss falls exponentially, at the Polyak–Łojasiewicz constant along the path, below
1e-7; the differences of neighbouring layers stop growing where it does.
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
