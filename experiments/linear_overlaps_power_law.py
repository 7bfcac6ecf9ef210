"""m, q, Q for power-law spectra k^-a with exponents below, at and above 1.

Source: Maillard & Goldt, arXiv 2605.21402; Merger & Goldt, arXiv 2505.24769.

    python experiments/linear_overlaps_power_law.py [--quick]

What to look for: the larger a, the fewer directions carry the variance, and the earlier q rises: for a >
1 it is well above 0 at loads far below 1, since Tr Σ stays finite. Q of the leading direction comes first
of all. The theory needs only the spectrum; nothing is fitted.
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
        dims=(100,) if quick else (100, 400),
        loads=tuple(np.geomspace(0.05, 16, 8 if quick else 14).round(3).tolist()),
        population=PopulationSettings(exponent=(0.5, 1.0, 1.5, 2.0)),
        quantities=("memorisation", "convergence", "latent_recovery", "bures"),
    )
    store = RESULTS / f"linear_overlaps_power_law{'_quick' if quick else ''}.zarr"
    dataset = jaxmem.sweep(study, replicates=20 if quick else 100, store=store, progress=True)
    save(plot(dataset), store.with_suffix(".png"))


if __name__ == "__main__":
    main(quick="--quick" in sys.argv[1:])
