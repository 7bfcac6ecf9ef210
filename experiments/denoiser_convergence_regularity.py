"""Does the error of trained denoisers fall with the noise as the regularity of images allows?

Source: Kadkhodaie, Guth, Simoncelli & Mallat, ICLR 2024, arXiv 2310.02557, figure 5: for images whose
contours and grounds are C^α the best error falls as σ^(2α/(α + 1)), and slopes of the PSNR of 0.46, 0.61,
0.75 and 0.83 are measured for α = 1, 2, 3 and 5, against α/(α + 1) = 0.50, 0.67, 0.75 and 0.83.

    python experiments/denoiser_convergence_regularity.py [--quick]

Prints the slope of log error over log σ² on held-out images, mean over replicates ± standard error.

What is seen: with --quick (8 × 8 pixels, 1,000 steps) 0.115 ± 0.002 for every α: at this size and training
the error is that of the network, not of the noise. The real settings (16 × 16, 4,000 steps; hours on two
cores) have not been run to the end, so that the law is neither seen nor refuted here.
"""

import sys
from pathlib import Path

import numpy as np

import jaxmem
from jaxmem.populations import PopulationSettings
from jaxmem.studies import DenoiserConvergence

RESULTS = Path("results")
NOISE = (0.05, 0.1, 0.2, 0.4)


def main(quick: bool) -> None:
    side = 8 if quick else 16
    study = DenoiserConvergence(
        population=PopulationSettings(images="contours", regularity=(1.0, 2.0, 3.0, 5.0)),
        dim=side**2,
        samples=(2_000,),
        channels=(8,),
        steps=1_000 if quick else 4_000,
        noise=NOISE,
        largest_noise=0.5,
        generated_size=2,
        test_samples=512,
        jacobian_images=0,
        pictures=0,
    )
    store = RESULTS / f"denoiser_convergence_regularity{'_quick' if quick else ''}.zarr"
    dataset = jaxmem.sweep(study, replicates=2 if quick else 3, store=store, progress=True)
    errors = dataset["error_test"].squeeze(("samples", "channels"))
    for alpha in study.population.regularity:
        values = np.log(errors.sel(regularity=alpha).transpose("noise", "replicate").values)
        slopes = np.polyfit(2 * np.log(NOISE), values, 1)[0]
        error = slopes.std(ddof=1) / slopes.size**0.5
        print(f"α = {alpha:g}: slope {slopes.mean():.3f} ± {error:.3f}, optimum {alpha / (alpha + 1):.3f}")


if __name__ == "__main__":
    main("--quick" in sys.argv[1:])
