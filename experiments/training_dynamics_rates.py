"""What moves the time of the first copies beside n: width W, batch B, learning rate η, full batch? System S4.

Sources: Bonnaire, Urfin, Biroli & Mézard, NeurIPS 2025, arXiv 2505.17638: times collapse on W τ, and full
batch copies as late as small ones; Marion & Wu 2026, arXiv 2605.06077: a collapse on τ B, none on η.

    python experiments/training_dynamics_rates.py width          # digits, some hours on two cores
    python experiments/training_dynamics_rates.py batch          # the last batch is all n: full batch
    python experiments/training_dynamics_rates.py rate
    python experiments/training_dynamics_rates.py rate --quick   # n = 16, ten minutes; likewise the others

Prints the times with their exponents in what is varied, and the distance between the curves of the copied
share over τ and over τ times it (`jaxmem.statistics.curve_collapse`): down to its floor where they
collapse.

What is seen (rate --quick: η = 5e-4, 1e-3, 2e-3 at n = 16, 4 replicates, 95 % intervals): losses part at
276, 197 and 173 steps, exponent in η −0.39 [−0.80, 0.02]: sooner at larger rates, less than in proportion,
as Marion & Wu find. In 2,000 steps copies are reached at η = 2e-3 alone (943), so the copied shares say
little: distance 0.048 [0.027, 0.072] over τ and 0.027 [0.013, 0.044] over τη, floors 0.017 and 0.010. Width
and batch, and the real settings, have not been run.
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
VARIED = {
    "width": ("network_width", "widths", (4, 8, 16)),
    "batch": ("batch_size", "batch_size", (1 / 8, 1 / 2, 1)),  # shares of n
    "rate": ("learning_rate", "learning_rate", (5e-4, 1e-3, 2e-3)),
}


def main(words: list[str]) -> None:
    what = next((word for word in words if word in VARIED), None)
    if what is None:
        raise SystemExit(f"say what is varied, one of {', '.join(VARIED)}")
    axis, field, values = VARIED[what]
    quick = "--quick" in words
    n = 16 if quick else 128
    settings = {"widths": (8,), "batch_size": min(64, n), "learning_rate": 1e-3}
    settings[field] = tuple(round(n * share) for share in values) if what == "batch" else values
    study = TrainingDynamics(
        population=PopulationSettings(images="digits"),
        samples=(n,),
        steps=2_000 if quick else 50_000,
        snapshots=16 if quick else 32,
        generated_size=64 if quick else 256,
        test_samples=16 if quick else 64,
        sampling_steps=20 if quick else 50,
        **settings,
    )
    name = f"training_dynamics_{what}{'_quick' if quick else ''}"
    dataset = jaxmem.sweep(study, replicates=4, store=RESULTS / f"{name}.zarr", progress=True)
    summary = jaxmem.summarise(dataset).squeeze(drop=True)
    for time in TIMES:
        low, high = (summary[f"{time}_exponent_{end}"].item() for end in ("low", "high"))
        fitted = f"{summary[f'{time}_exponent'].item():.2f} [{low:.2f}, {high:.2f}]"
        print(f"{time}: {summary[time].values.tolist()}, exponent in {axis} {fitted}")
    copied = dataset["memorised_fraction"].squeeze(drop=True)
    for words_of, x in {"τ": copied["step"], f"τ times {axis}": copied["step"] * copied[axis]}.items():
        found = curve_collapse(copied, axis, x)
        ends = f"{found.distance:.3f} [{found.low:.3f}, {found.high:.3f}], floor {found.floor:.3f}"
        print(f"distance of the copied shares over {words_of}: {ends}")
    save(plot(dataset), RESULTS / f"{name}.png")


if __name__ == "__main__":
    main(sys.argv[1:])
