"""The kernel onset where its source could not go: d to 1,000, structured populations, other distances.

Source of the question: Halder, arXiv 2411.17807, Figure 3, and its reviewers, who asked why not
Wasserstein and what happens beyond isotropic data. Results go to results/; run it again to continue where
it stopped.

    python experiments/kernel_onset_beyond.py           # tens of minutes on two CPU cores
    python experiments/kernel_onset_beyond.py --quick   # minutes: small d, N and few replicates

What to look for, part by part (seen at d = 16, N = 500 unless said):
- dimension: the load where P(Δ > 0) crosses 1/2 depends on d and N together (N = 500: 3.35 at d = 8, 2.53
  at d = 16, and at d = 32 P no longer reaches 1/2): this transition has no place in n/d alone.
  Where n comes near N, P falls back towards 1/2: train set and reference become alike.
- spiked: a strong spike moves the crossing to larger loads, from 2.6 to 3.5 at θ = 10: one direction
  alone.
- power_law: from exponent 0.5 on P is 1 at nearly every load, but for the wild fits at n = d. The
  bandwidth σ = 1 is wider than most directions then, so the kernel no longer tells samples apart: choose
  σ with the data.
- mixture: the denoiser is linear, so it generates a Gaussian. Components 8 apart keep P under 1/2 at
  every load, and KL(population‖generated) stops at the divergence of the mixture from that Gaussian.
- time, noise_scale: with λ = e^-2T signal and noise shrink together, so T matters below 1 only; λ by
  itself matters at any T.
- distances: P of sliced Wasserstein, MMD and energy stays near 0 up to n = 20 d. The fit has the mean and
  the covariance of its train set, which these distances see best, so that it stays nearer to it than to n
  fresh samples long after the kernel gap has changed sign. Memorising is a matter of the distance too.
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
        "noise_scale",
        KernelOnset(dims=middle, loads=LOADS, noise_scale=(0.002, 0.02, 0.2), reference_size=size),
    )
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
