"""P(Δ > 0) of a U-Net on Gaussian images: figure 4 of Halder, arXiv 2411.17807, in one unit.

    python experiments/u_net_gaussian_images.py           # 12.9 M parameters: a night or more on two cores
    python experiments/u_net_gaussian_images.py --quick   # a small U-Net: twenty minutes on two cores

Images of 8 × 8 independent pixels, N(0, 0.2²): the source's N(0.5, 0.1²) on the scale from −1 to 1, on which
it trains. Its network, its chain of 200 steps and its Adam at 2e-4 with 128 images a step; β grows to 0.1, so
that no signal is left where sampling starts (the source's 0.02 leaves ᾱ = 0.13). Train set, reference and
generated images keep one unit throughout; the number of steps is an axis of its own beside n, where the
source's 10 epochs tie them together. The exact scores of the train set and of the population are the ends.

What to look for: whether P(Δ > 0) stays above 0.8 at every n, as published; whether that depends on the
steps; and what the distance can see at all, from the two ends.
"""

import sys
from dataclasses import replace
from pathlib import Path

import xarray as xr

import jaxmem
from jaxmem.plotting import Curve, Guide, Panel, plot, save
from jaxmem.populations import PopulationSettings
from jaxmem.statistics import summary_table
from jaxmem.studies import NonlinearOnset

RESULTS = Path("results")
SAMPLES = (50, 250, 450, 650, 850, 1_050)
PIXELS = 64
NAMES = ("delta_marginal", "delta", "delta_sliced_wasserstein", "memorised_fraction")
LABELS = ("marginal kernel gap", "kernel gap", "sliced Wasserstein", "fraction memorised")

SOURCE = NonlinearOnset(
    dims=(PIXELS,),
    loads=tuple(n / PIXELS for n in SAMPLES),
    widths=(64,),
    population=PopulationSettings(variance=0.04),
    score="halder",
    steps=800,
    batch_size=128,
    learning_rate=2e-4,
    decay="constant",
    noising="chain",
    levels=200,
    generated_size=10,
    reference_size=10_000,
    bandwidth=0.2,
)


def main(quick: bool) -> None:
    study, steps, replicates, exact_replicates = SOURCE, (200, 800, 3_200), 20, 300
    if quick:
        few = {"widths": (8,), "loads": tuple(n / PIXELS for n in (50, 450, 1_050)), "learning_rate": 2e-3}
        study = replace(
            SOURCE, score="u-net", depth=1, levels=100, last_beta=0.2, reference_size=2_000, **few
        )
        steps, replicates, exact_replicates = (100, 400), 10, 100
    runs = {
        "train set": (replace(study, score="empirical"), exact_replicates),
        **{f"{count:,} steps": (replace(study, steps=count), replicates) for count in steps},
        "population": (replace(study, score="population"), exact_replicates),
    }
    found = {
        name: jaxmem.sweep(
            run,
            replicates=count,
            store=RESULTS / f"u_net_gaussian_images{'_quick' if quick else ''}" / name.replace(" ", "_"),
            chunk_size=1 if "steps" in name else None,
            progress=True,
        )
        for name, (run, count) in runs.items()
    }
    for name, dataset in found.items():
        print(f"\nscore: {name}\n{summary_table(dataset[list(NAMES)].squeeze())}")
    together = xr.concat(
        [dataset[list(NAMES)] for dataset in found.values()], xr.DataArray(list(found), dims="model")
    ).squeeze(drop=True)
    together["model"].attrs = {"long_name": "score"}
    together["n"] = found["population"]["n"].squeeze(drop=True)
    panels = tuple(
        Panel(
            (Curve(name),),
            x="n",
            hue="model",
            x_scale="linear",
            limits=(-0.03, 1.03),
            title=label,
            guides=(Guide("P = 1/2", y=0.5),) if name.startswith("delta") else (),
        )
        for name, label in zip(NAMES, LABELS, strict=True)
    )
    save(plot(together, panels=panels), RESULTS / "u_net_gaussian_images.png")


if __name__ == "__main__":
    main("--quick" in sys.argv)
