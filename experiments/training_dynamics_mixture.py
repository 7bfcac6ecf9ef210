"""Copies of a mixture of two Gaussians in d = 8, at the source's settings: does τ_mem grow as n? System S4.

Source: Bonnaire, Urfin, Biroli & Mézard, NeurIPS 2025, arXiv 2505.17638: centres ±(1, …, 1), residual MLP
of width 128, stochastic gradient descent with rate 6e-3 and momentum 0.95 on the full batch, n = 128 …
4,096. Full batch: no noise of minibatches can be what delays the copies.

    python experiments/training_dynamics_mixture.py           # n = 128 … 1,024, a night on two cores
    python experiments/training_dynamics_mixture.py --quick   # n = 32 … 128, ten minutes

Both exact scores are beside it: the empirical one's train loss is what the network falls to while it
copies, the population's test loss what it cannot pass. Prints the times with their exponents in n, and
how well the gap of the losses collapses over τ/n.

What is seen (--quick, 27 minutes on one core; n = 32, 64, 128; 4 replicates; 95 % intervals):

    copies (10 % of 512 samples)    3,240, 5,500, 10,400 steps     exponent in n 0.84 [0.67, 1.02]
    losses part                     1,100, 2,410, 5,390 steps      exponent in n 1.15 [1.02, 1.29]
    gap of the losses, distance     over τ 0.115 [0.110, 0.122], over τ/n 0.031 [0.027, 0.043], floor 0.018

τ_mem grows about as n on the full batch too, so it is no noise of minibatches; the losses part earlier,
and the copied shares of all three n lie on one curve of τ/n, which leaves 0 near τ/n = 50. No test sample
is a copy. After 50,000 steps the train losses (0.129, 0.140, 0.158) are still above those of the
empirical score (0.074, 0.092, 0.104), and 70, 64 and 45 % of the samples are copies. The distance to the
population has no second fall; "best distance" (12 to 106 steps, exponent 0.5 [-1.5, 2.5]) is the small
dip before an early rise, not a time of good samples: momentum 0.95 overshoots in the first 30 steps. n of
the source have not been run.
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
    study = TrainingDynamics(
        population=PopulationSettings(components=2, separation=2 * 8**0.5),
        dim=8,
        network="residual",
        blocks=3,
        widths=(128,),
        samples=(32, 64, 128) if quick else (128, 256, 512, 1_024),
        batch_size=None,
        optimiser="momentum",
        learning_rate=6e-3,
        steps=50_000 if quick else 1_000_000,
        snapshots=24 if quick else 40,
        test_samples=32 if quick else 128,
        generated_size=512,
        sampling_steps=50,
    )
    name = f"training_dynamics_mixture{'_quick' if quick else ''}"
    dataset = jaxmem.sweep(study, replicates=4, store=RESULTS / f"{name}.zarr", progress=True)
    summary = jaxmem.summarise(dataset).squeeze(drop=True)
    for time in TIMES:
        low, high = (summary[f"{time}_exponent_{end}"].item() for end in ("low", "high"))
        fitted = f"{summary[f'{time}_exponent'].item():.2f} [{low:.2f}, {high:.2f}]"
        print(f"{time}: {summary[time].values.tolist()}, exponent in n {fitted}")
    last = {
        name: summary[name].isel(step=-1).values.round(4).tolist() for name in ("train_loss", "test_loss")
    }
    floors = {name: summary[f"{name}_floor"].values.round(4).tolist() for name in last}
    print(f"losses at the end: {last}; floors: {floors}")
    print(f"copied at the end: {summary['memorised_fraction'].isel(step=-1).values.tolist()}")
    gap = (dataset["test_loss"] - dataset["train_loss"]).squeeze(drop=True)
    for words_of, x in {"τ": gap["step"], "τ/n": gap["step"] / gap["samples"]}.items():
        found = curve_collapse(gap, "samples", x)
        ends = f"{found.distance:.3f} [{found.low:.3f}, {found.high:.3f}], floor {found.floor:.3f}"
        print(f"distance of the gaps of the losses over {words_of}: {ends}")
    save(plot(dataset), RESULTS / f"{name}.png")


if __name__ == "__main__":
    main(sys.argv[1:])
