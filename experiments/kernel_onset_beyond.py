"""The kernel onset where its source could not go: d to 1,000, structured populations, other distances.

Source of the question: Halder, arXiv 2411.17807, Figure 3, and its reviewers, who asked why not
Wasserstein and what happens beyond isotropic data. Results go to results/; run it again to continue where
it stopped.

    python experiments/kernel_onset_beyond.py           # tens of minutes on two CPU cores
    python experiments/kernel_onset_beyond.py --quick   # minutes: small d, N and few replicates

What to look for, part by part:
- dimension: the load where P(Δ > 0) crosses 1/2 grows with d at fixed N: the kernel sees ever less of the
  population, so this transition has no location in n/d that is independent of N. H² and the Bures
  distance have.
- spiked, power_law: a spike leaves P almost alone, since one direction in d carries it; a power law moves
  the transition to the left, to its effective dimension Tr Σ / |Σ|.
- mixture: the denoiser is linear, so it generates a Gaussian of the mixture's moments:
  KL(population‖generated) does not go to 0 with n but to the divergence of the mixture from that
  Gaussian.
- time: short times leave the noise so small that the fit copies its input; long ones leave no signal.
- distances: Δ of sliced Wasserstein, MMD and energy are noisy at sample sizes where the kernel gap is
  sharp, and cross 1/2 at other loads: a sign probability is a property of the distance as much as of the
  model.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import jaxmem
from jaxmem.plotting import plot, save
from jaxmem.populations import PopulationSettings
from jaxmem.studies import KernelOnset

LOADS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0, 20.0)
RESULTS = Path("results")


def studies(quick: bool) -> Iterator[tuple[str, KernelOnset]]:
    dims, size = ((8, 16, 32), 500) if quick else ((16, 32, 64, 128, 256, 512, 1000), 10_000)
    middle = (16,) if quick else (16, 100)
    yield "dimension", KernelOnset(dims=dims, loads=LOADS, reference_size=size)
    for name, population in (
        ("spiked", PopulationSettings(spikes=(1.0,), spike_scale=(0.0, 3.0, 10.0))),
        ("power_law", PopulationSettings(exponent=(0.0, 0.5, 1.0, 1.5))),
        ("mixture", PopulationSettings(components=2, separation=(0.0, 2.0, 4.0, 8.0))),
    ):
        yield name, KernelOnset(dims=middle, loads=LOADS, population=population, reference_size=size)
    yield "time", KernelOnset(dims=middle, loads=LOADS, time=(0.1, 0.5, 1.0, 2.0, 4.0), reference_size=size)
    yield (
        "distances",
        KernelOnset(
            dims=middle,
            loads=LOADS,
            reference_size=min(size, 2000),
            distances=("sliced-wasserstein", "maximum-mean-discrepancy", "energy"),
        ),
    )


def main(quick: bool) -> None:
    for name, study in studies(quick):
        label = f"kernel_onset_{name}{'_quick' if quick else ''}"
        dataset = jaxmem.sweep(
            study, replicates=20 if quick else 100, store=RESULTS / f"{label}.zarr", progress=True
        )
        save(plot(dataset), RESULTS / f"{label}.png")
        print(jaxmem.statistics.summary_table(dataset), "\n")


if __name__ == "__main__":
    main(quick="--quick" in sys.argv[1:])
