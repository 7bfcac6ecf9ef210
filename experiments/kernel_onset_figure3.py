"""P(Δ > 0) and Hellinger over the load for d = 16 and 100.

Source: Halder, arXiv 2411.17807, Figure 3, at its real settings (T = 2, λ = e^-2T, σ = 1, N = 10⁴,
300 replicates; about mean 0, since the source's 10 changes nothing), with more loads than the source's
n = 25, 50, 75 and 100, and again with N = 1,000 reference samples. Results go to results/; run it again to
continue where it stopped.

    python experiments/kernel_onset_figure3.py          # some minutes on two CPU cores
    python experiments/kernel_onset_figure3.py --quick  # a minute: fewer loads, replicates and N = 1,000 only

What to look for:
- P(Δ > 0) rises from 0 to 1 with the load: copying gives way to sampling. The rise is not at n = d. It is
  near n = 2 d for d = 16, and further to the right the larger d is.
- It moves with the size N of the reference sample too: at d = 100 a larger N moves it to smaller loads. A
  finite kernel sum sees memorisation only as far as its bandwidth σ N^(−1/d) resolves.
- At d = 100 a few replicates at n = d have Δ > 0 though those at n slightly above have none: at n = d the
  fit extrapolates wildly, and its law is so wide that it overlaps with nothing.
- H² is 1 up to n = d, where the generated law is singular. (1 − H²)^(1/d) leaves 0 there with a kink that
  H² hides at d = 100, where it stays within 2e-3 of 1 up to n = 4 d.

Where exact arithmetic disagrees with the published curve: the self terms of both integrals of Δ cancel
exactly. At d = 100 and N = 10⁴ the median of |Δ| over a self term (12 replicates) is

    n             25       50       75      100      125      150      200
    log₁₀        3.9      0.1     -5.3    -13.2     -9.7     -7.3     -5.9

The published script sums before it subtracts, in an arithmetic that keeps 7 to 16 digits: its jump at n = 100
is the sign of its own rounding. At n = 75 it is mostly the covariance s² BᵀB that it forms where the law has
s² B Bᵀ. Here Δ < 0 in every replicate at n < d, and in nearly every one at n = d.
"""

import sys
from pathlib import Path

import jaxmem
from jaxmem.plotting import plot, save
from jaxmem.studies import KernelOnset

LOADS = (0.125, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 14.0, 20.0)
RESULTS = Path("results")


def main(quick: bool) -> None:
    for size in (1_000,) if quick else (1_000, 10_000):
        study = KernelOnset(loads=LOADS[::2] if quick else LOADS, reference_size=size)
        name = f"kernel_onset_figure3_{size}{'_quick' if quick else ''}"
        dataset = jaxmem.sweep(
            study, replicates=50 if quick else 300, store=RESULTS / f"{name}.zarr", progress=True
        )
        save(plot(dataset), RESULTS / f"{name}.png")
        print(jaxmem.statistics.summary_table(dataset), "\n")


if __name__ == "__main__":
    main(quick="--quick" in sys.argv[1:])
