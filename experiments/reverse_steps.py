"""Distance to the population over the number K of reverse diffusion steps, and the K that is best.

Source: the linear score of Merger & Goldt, arXiv 2505.24769, and Maillard & Goldt, arXiv 2605.21402, run
with K Euler–Maruyama steps; exact recursion of the law, no sampling.

    python experiments/reverse_steps.py [--quick]

What to look for: yes. Both distances have a minimum in K: few steps are inaccurate, but they also stop
short of the sample covariance's smallest eigenvalues, an implicit ridge that helps most where n is at
most d and the fit is worst. The minimum moves from K = 3 at n = d/2 to K of about 50 at n = 64 d and gets
shallower: with many samples, more steps never hurt.
"""

import sys
from pathlib import Path

import jaxmem
from jaxmem.plotting import plot, save
from jaxmem.studies import ReverseSteps

RESULTS = Path("results")


def main(quick: bool) -> None:
    for scheme in ("euler-maruyama",) if quick else ("euler-maruyama", "heun", "exponential"):
        store = RESULTS / f"reverse_steps_{scheme}{'_quick' if quick else ''}.zarr"
        dataset = jaxmem.sweep(
            ReverseSteps(scheme=scheme), replicates=5 if quick else 100, store=store, progress=True
        )
        save(plot(dataset), store.with_suffix(".png"))


if __name__ == "__main__":
    main(quick="--quick" in sys.argv[1:])
