"""m, q and Q over the load for growing d, simulation on theory.

Source: Maillard & Goldt, arXiv 2605.21402; Merger & Goldt, arXiv 2505.24769: the three curves of the
linear Gaussian model with one spike.

    python experiments/linear_overlaps_curves.py [--quick]

What to look for: m falls with n towards its floor of order √(2 log n/d) and never shows a transition; q
rises continuously on the scale n ~ d, the same for every d and with or without the spike; Q has a kink at
γ = 1/θ², which sharpens as d grows. Three questions, three different answers to "has the model learnt?".
"""

import sys
from pathlib import Path

import numpy as np

import jaxmem
from jaxmem.plotting import plot, save
from jaxmem.populations import PopulationSettings
from jaxmem.studies import LinearOverlaps

RESULTS = Path("results")


def main(quick: bool) -> None:
    study = LinearOverlaps(
        dims=(50, 100) if quick else (50, 100, 200, 400),
        loads=tuple(np.geomspace(0.06, 16, 9 if quick else 17).round(3).tolist()),
        population=PopulationSettings(spikes=(1.5,)),
        quantities=("memorisation", "convergence", "latent_recovery", "bures"),
    )
    store = RESULTS / f"linear_overlaps_curves{'_quick' if quick else ''}.zarr"
    dataset = jaxmem.sweep(study, replicates=20 if quick else 100, store=store, progress=True)
    save(plot(dataset), store.with_suffix(".png"))


if __name__ == "__main__":
    main(quick="--quick" in sys.argv[1:])
