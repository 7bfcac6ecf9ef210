"""When does a network start to copy? Losses, copies and distances along the training, over n: system S4.

Source: Bonnaire, Urfin, Biroli & Mézard, NeurIPS 2025, arXiv 2505.17638: the time of good samples does
not move with n, that of copies grows as n, and f_mem collapses on τ/n.

    python experiments/training_dynamics_samples.py                     # digits: a night on two cores
    python experiments/training_dynamics_samples.py --quick             # digits, 12 minutes (24 on one core)
    python experiments/training_dynamics_samples.py mnist|PATH [SIZE]   # 14 × 14; CIFAR-10, CelebA, a folder

Prints the times with their exponents in n, and the distance between the curves of the copied share over τ
and over τ/n (`jaxmem.statistics.curve_collapse`): much smaller over τ/n where they collapse, down to its
floor.

What is seen (digits, --quick: U-Net of W = 8, Adam, n = 16, 32, 64, 8,000 steps; 2 replicates, 95 %
intervals):

    copies (10 % of 64 samples)     476, 1,157, 4,127 steps     exponent in n 1.57 [0.30, 2.83]
    losses part                     109, 241, 511 steps         exponent in n 1.00 [-1.98, 3.99]
    best distance                   7,512, 6,848, 5,377 steps   exponent in n -0.31 [-4.1, 3.5]
    copied shares, distance         over τ 0.212 [0.208, 0.223], over τ/n 0.081 [0.081, 0.091], floor 0.026

Copies come later the more samples there are, losses part four to eight times earlier, and the best
distance does not come later with n: the order of the source. The curves are much nearer to each other
over τ/n than over τ, but not one: at n = 64 copies are late by a factor of two, more than B's law. At the
end 92, 77 and 36 % are copies, and the pictures are training images; no held-out image is one. The
distance falls to the end: there is no double descent here. The real settings, mnist and folders have not
been run.
"""

import sys
from pathlib import Path

import jaxmem
from jaxmem.plotting import plot, save
from jaxmem.populations import PopulationSettings
from jaxmem.statistics import curve_collapse
from jaxmem.studies import TrainingDynamics

RESULTS = Path("results")
TIMES = ("memorisation_time", "divergence_time", "generalisation_time", "first_minimum_time")


def main(words: list[str]) -> None:
    quick = "--quick" in words
    given = [word for word in words if word != "--quick"]
    source = given[0] if given else "digits"
    size = int(given[1]) if len(given) > 1 else {"mnist": 14}.get(source)
    study = TrainingDynamics(
        population=PopulationSettings(images=source, image_size=size, grey_images=size is not None),
        samples=(16, 32, 64) if quick else (64, 128, 256, 512),
        widths=(8,) if quick else (16,),
        steps=8_000 if quick else 200_000,
        snapshots=16 if quick else 32,
        generated_size=64 if quick else 256,
        test_samples=16 if quick else 64,
        sampling_steps=20 if quick else 50,
    )
    name = f"training_dynamics_{Path(source).stem}{'_quick' if quick else ''}"
    replicates = 2 if quick else 4
    dataset = jaxmem.sweep(study, replicates=replicates, store=RESULTS / f"{name}.zarr", progress=True)
    summary = jaxmem.summarise(dataset).squeeze(drop=True)
    for time in TIMES:
        low, high = (summary[f"{time}_exponent_{end}"].item() for end in ("low", "high"))
        fitted = f"{summary[f'{time}_exponent'].item():.2f} [{low:.2f}, {high:.2f}]"
        print(f"{time}: {summary[time].values.tolist()}, exponent in n {fitted}")
    copied = dataset["memorised_fraction"].squeeze("network_width", drop=True)
    for words_of, x in {"τ": copied["step"], "τ/n": copied["step"] / copied["samples"]}.items():
        found = curve_collapse(copied, "samples", x)
        ends = f"{found.distance:.3f} [{found.low:.3f}, {found.high:.3f}], floor {found.floor:.3f}"
        print(f"distance of the copied shares over {words_of}: {ends}")
    save(plot(dataset), RESULTS / f"{name}.png")


if __name__ == "__main__":
    main(sys.argv[1:])
