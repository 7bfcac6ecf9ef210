"""q and Q over n on real images, scikit-learn's 8×8 digits, against the theory for their spectrum.

Source: Maillard & Goldt, arXiv 2605.21402; Merger & Goldt, arXiv 2505.24769, who do so with larger
images. Needs scikit-learn: pip install 'jaxmem[digits]'.

    python experiments/linear_overlaps_digits.py [--quick]

What to look for: the theory knows the spectrum of the digits and nothing else, and q follows it:
convergence is a matter of second moments. Where the data leave Gaussian theory: subsets are drawn without
replacement from 1,797 images, so that near n = 898 the halves A and B complement each other and know the
population better than n fresh samples would; and images of one digit cluster, which moves Q of single
directions more than q.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

import jaxmem
from jaxmem import theory
from jaxmem.plotting import plot, save
from jaxmem.populations import GivenArray, PopulationSettings
from jaxmem.studies import LinearOverlaps

RESULTS = Path("results")


def main(quick: bool) -> None:
    images = load_digits().data
    n = np.unique(np.geomspace(8, 898, 7 if quick else 14).astype(int))
    study = LinearOverlaps(
        dims=(64,),
        loads=tuple((n / 64).tolist()),
        population=PopulationSettings(samples=GivenArray.from_array(images)),
        quantities=("convergence", "latent_recovery", "bures"),
    )
    store = RESULTS / f"linear_overlaps_digits{'_quick' if quick else ''}.zarr"
    dataset = jaxmem.sweep(study, replicates=20 if quick else 200, store=store, progress=True)
    spectrum = np.linalg.eigvalsh(np.cov(images.T, bias=True)).clip(0)
    predictions = {
        "convergence": lambda at: theory.convergence_from_spectrum(spectrum, 64 * at["load"]),
        "latent_recovery": lambda at: theory.latent_recovery_from_spectrum(spectrum, 64 * at["load"])[..., 0],
        "bures": lambda at: theory.bures_from_spectrum(spectrum, 64 * at["load"]),
    }
    save(plot(dataset, theory=predictions), store.with_suffix(".png"))


if __name__ == "__main__":
    main(quick="--quick" in sys.argv[1:])
