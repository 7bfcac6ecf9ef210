"""Does a large learning rate still keep a score from memorising when the dimension grows?

Source: Wu, Marion, Biau & Boyer, COLT 2025, arXiv 2502.03435: η = 0.5, 50,000 epochs, d up to 1,000, three
replicates.

    python experiments/learning_rate_dimension.py [--quick]

With the risk summed over coordinates λ_max grows with d, and at η = 0.5 every network diverges from d = 5
on. So the risk is averaged here, which is a learning rate of 0.5/d for the sum.

What to look for: the excess risk over that of the zero score, which is 1 for a network that has learnt
nothing and 0 for the empirical optimum, beside the absolute one, which grows with d because s* does.

What is seen (--quick, 1,000 steps, width 300, 3 replicates): the relative excess risk falls with d, from 0.52
at d = 2 to 0.08 at d = 100, a tenth of the fitted Gaussian's. 20 samples in many dimensions lie so far apart
that s* is smooth where they are, and a large learning rate no longer keeps the network from it. The sharpness
is 1.29 to 1.07 of the bound 2/(mη), after so few steps still above it.
"""

import sys
from pathlib import Path

import xarray as xr

import jaxmem
from jaxmem.plotting import Curve, Panel, plot, save
from jaxmem.statistics import summary_table
from jaxmem.studies import LearningRate

RESULTS = Path("results")
PANELS = (
    Panel(
        (
            Curve("excess_risk", label="trained network"),
            Curve("excess_risk_gaussian", label="fitted Gaussian"),
        ),
        x="dim",
        y_scale="log",
        y_label="Excess risk",
    ),
    Panel((Curve("relative_excess_risk"),), x="dim", y_label="Relative excess risk"),
    Panel((Curve("sharpness_ratio"),), x="dim"),
)


def main(quick: bool) -> None:
    steps, found = (1_000 if quick else 50_000), []
    for dim in (2, 5, 10, 50, 100) if quick else (2, 5, 10, 50, 80, 100, 200, 400, 1000):
        rate = 0.5 / dim
        study = LearningRate(
            learning_rates=(rate,),
            noise=0.31,
            dim=dim,
            width=300 if quick else 1_000,
            batch_size=1_000,
            epochs_at_unit_rate=steps * rate,
            noises=200 if quick else 1_000,
        )
        store = RESULTS / f"learning_rate_dimension_d{dim}{'_quick' if quick else ''}.zarr"
        dataset = jaxmem.sweep(study, replicates=3, store=store, progress=True)
        print(summary_table(dataset))
        found.append(dataset.isel(learning_rate=0, drop=True).assign_coords(dim=dim))
    together = xr.concat(found, "dim", combine_attrs="drop_conflicts", coords="minimal", compat="override")
    together["dim"].attrs |= {"long_name": "dimension d", "units": "1"}
    figure = plot(together, panels=PANELS)
    save(figure, RESULTS / f"learning_rate_dimension{'_quick' if quick else ''}.png")


if __name__ == "__main__":
    main(quick="--quick" in sys.argv[1:])
