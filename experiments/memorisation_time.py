"""Memorisation time against the number of samples n: random-feature scores by exact gradient flow.

Source: Bonnaire, Urfin, Biroli & Mézard, NeurIPS 2025, arXiv 2505.17638, section 3: d = 100, p = 64 d, data
N(0, I), t = 0.01, ridge λ = 0.001, n from 4 d to 32 d.

    python experiments/memorisation_time.py [--quick]

What to look for: the train losses fall, and the test losses rise, later and later as n grows, while their
common first descent does not move: τ_mem ∝ n, τ_gen constant.

What is seen at the source's settings (one replicate, 18 minutes on two cores) and with --quick (d = 16,
p = 64 d, n = 32 to 256, 6 replicates, two minutes), as exponents of n:

                                        real     quick
    generalisation time                 0.07     0.04 [0.02, 0.06]
    mean mode of the samples            0.97     0.98 [0.94, 1.01]
    the same by theory                  0.98     0.99
    loss gap half of its last value     0.60     0.98 [0.96, 1.01]

- The source's mechanism holds: the n - d modes that single samples own are learned in a time ∝ n, as
  `jaxmem.theory.sample_mode_rate` says, within 5 % at d = 100 (6,420 to 48,600) and 23 % at d = 16.
- A time read off the losses has no exponent of its own. On the real data, where test minus train loss passes
  0.2, 0.5, 1 or 2, or the test loss 1.05 to 2 times its least value, it is 1.0 to 1.5; at shares of the last
  gap from 0.02 to 0.8, -0.2 to 0.6. The points do not lie on a line either: 0.85, 0.64, 0.31 between
  neighbours (quick: 1.45, 0.95, 0.56), since the loss at the end grows with n/p. The half of the last gap is
  kept for its clear meaning; its 0.98 at the quick sizes is a coincidence of them, and was known when the
  half was chosen. The mean mode was fixed before it was measured.
- Sixteen times more noise draws for each sample change no time at d = 16 by more than 1.2 %.

Hardly any generated sample is a copy: with --quick 3 % at n = 32, 0.3 % at 64, none above, and none at
d = 100, where two noise levels generate too coarsely to tell. p random features with tanh do not reach the
empirical score: the train loss ends at 0.13 for n = 400 and 0.61 for 3,200, where its own is near 0.
"""

import sys
from pathlib import Path

import jaxmem
from jaxmem.plotting import plot, save
from jaxmem.statistics import summary_table
from jaxmem.studies import MemorisationTime

RESULTS = Path("results")


def main(quick: bool) -> None:
    if quick:
        study = MemorisationTime(samples=(32, 64, 128, 256))
    else:
        study = MemorisationTime(
            samples=(400, 800, 1_600, 3_200), dim=100, features=6_400, noised=32_768, levels=2, last_time=1e8
        )
    store = RESULTS / f"memorisation_time{'_quick' if quick else ''}.zarr"
    dataset = jaxmem.sweep(study, replicates=6 if quick else 1, store=store, progress=True)
    print(summary_table(dataset))
    save(plot(dataset), store.with_suffix(".png"))


if __name__ == "__main__":
    main(quick="--quick" in sys.argv[1:])
