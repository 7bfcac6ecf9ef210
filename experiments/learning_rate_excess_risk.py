"""Excess risk and sharpness over the learning rate, d = 1 and d = 10.

Source: Wu, Marion, Biau & Boyer, COLT 2025, arXiv 2502.03435: 20 samples of N(0, I), width 1,000, 2,500/η
steps, 30 replicates, two noise levels.

    python experiments/learning_rate_excess_risk.py [--quick]

What to look for: the excess risk grows with η and falls with σ; the sharpness stays at or under the bound of
linear stability, 2/(mη), and comes near it where η is large.

What is seen in d = 1 at these settings (30 replicates, 1 h 32 min on two cores):

    η                                          0.01            0.05            0.1             0.5
    excess risk at σ = 0.31 (Gaussian: 1.16)   0.53 ± 0.12     0.37 ± 0.07     0.43 ± 0.08     0.90 ± 0.15
    excess risk at σ = 0.57 (Gaussian: 0.094)  0.024 ± 0.010   0.012 ± 0.006   0.012 ± 0.007   0.029 ± 0.008
    total variation at 0.31 (of s*: 1.93)      1.14 ± 0.16     0.97 ± 0.09     0.76 ± 0.06     0.15 ± 0.01
    λ_max / bound at 0.31 (median)             0.18            0.58            0.81            0.83
    λ_max / bound at 0.57 (median)             0.02            0.11            0.21            0.80

- From η = 0.05 to 0.5 the excess risk grows, by 0.53 ± 0.13 at σ = 0.31 and 0.017 ± 0.006 at 0.57 (of paired
  differences: all η have the same data sets); it falls with σ, and stays under the fitted Gaussian's.
- η = 0.01 is no better than 0.05: its risk is higher by 0.16 ± 0.09 and 0.012 ± 0.007, under two errors.
- The sharpness comes up to the bound as η grows. At η = 0.5, σ = 0.31 it is 0.89 ± 0.04 of it, and 11 of 30
  networks end above, up to 1.33 times.

What is seen in d = 10 at these settings, but with 4 replicates of η = 0.05 and 0.1 (38 minutes on one core):
8.0 ± 0.6 and 18.3 ± 1.3 at σ = 0.31 (Gaussian: 93), 2.7 ± 0.7 and 2.9 ± 0.4 at 0.57 (Gaussian: 18). The
sharpness of every run ends at 1.02 to 1.20 times the bound.

What is seen with --quick (width 300, 300/η steps, 8 replicates), from η = 0.05 to 0.5 unless said otherwise:
- d = 1: risks as above within their errors.
- d = 10: 12.3 ± 0.7 at η = 0.05 and 22.1 ± 1.5 at 0.1 (σ = 0.31; 3.2 ± 0.2 and 4.2 ± 0.3 at 0.57), with a
  sharpness of 1.05 to 1.28 times the bound. At η = 0.5 all networks diverge: `learning_rate_dimension.py`
  says why, and what averaging over coordinates changes.
"""

import sys
from pathlib import Path

import jaxmem
from jaxmem.plotting import plot, save
from jaxmem.statistics import summary_table
from jaxmem.studies import LearningRate

RESULTS = Path("results")


def main(quick: bool) -> None:
    for dim in (1, 10):
        study = LearningRate(
            learning_rates=(0.05, 0.1, 0.5) if quick else (0.01, 0.05, 0.1, 0.5),
            noise=(0.31, 0.57),
            dim=dim,
            width=300 if quick else 1_000,
            batch_size=1_000,  # 50 noises for each of the 20 samples: `LearningRate.batch_size` says why
            epochs_at_unit_rate=300.0 if quick else 2_500.0,
            noises=1_000 if quick else 5_000,
        )
        store = RESULTS / f"learning_rate_excess_risk_d{dim}{'_quick' if quick else ''}.zarr"
        dataset = jaxmem.sweep(study, replicates=8 if quick else 30, store=store, progress=True)
        print(summary_table(dataset))
        save(plot(dataset), store.with_suffix(".png"))


if __name__ == "__main__":
    main(quick="--quick" in sys.argv[1:])
