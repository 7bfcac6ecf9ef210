"""Latent recovery Q and convergence q over (load, spike strength), side by side.

Source: Maillard & Goldt, arXiv 2605.21402; the transition of Q is that of Baik, Ben Arous & Péché.

    python experiments/linear_overlaps_phase_map.py [--quick]

What to look for: Q is 0 below the line γ θ² = 1 and rises above it; q depends on the load alone, but for
the share θ/d that a strong spike has in Tr Σ. Where Q is near 1 at small loads, the model has learnt the
latent direction while two models still disagree on nearly everything else, and the other way round on the
right.
"""

import sys
from pathlib import Path

import numpy as np

import jaxmem
from jaxmem.plotting import Curve, Guide, Panel, plot, save
from jaxmem.populations import PopulationSettings
from jaxmem.studies import LinearOverlaps

RESULTS = Path("results")
THRESHOLD = Guide("γθ² = 1", curve=lambda load: load**-0.5)


def main(quick: bool) -> None:
    points = 8 if quick else 16
    study = LinearOverlaps(
        dims=(100,) if quick else (200,),
        loads=tuple(np.geomspace(0.1, 20, points).round(3).tolist()),
        population=PopulationSettings(
            spikes=(1.0,), spike_scale=tuple(np.geomspace(0.2, 5, points).round(3).tolist())
        ),
        quantities=("convergence", "latent_recovery"),
    )
    store = RESULTS / f"linear_overlaps_phase_map{'_quick' if quick else ''}.zarr"
    dataset = jaxmem.sweep(study, replicates=10 if quick else 40, store=store, progress=True)
    panels = tuple(
        Panel((Curve(name),), y="spike_scale", y_scale="log", limits=(0, 1), guides=(THRESHOLD,))
        for name in ("latent_recovery", "convergence")
    )
    save(plot(dataset, panels=panels), store.with_suffix(".png"))


if __name__ == "__main__":
    main(quick="--quick" in sys.argv[1:])
