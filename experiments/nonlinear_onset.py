"""Where does a trained nonlinear score stop memorising? Over load, parameters and intrinsic dimension.

Sources: the question and Δ of Halder, arXiv 2411.17807; the fraction memorised of Bonnaire, Urfin, Biroli &
Mézard, arXiv 2505.17638. Networks are residual MLPs trained by Adam on fresh noise.

    python experiments/nonlinear_onset.py           # hours on two CPU cores, estimated from the quick run
    python experiments/nonlinear_onset.py --quick   # ten minutes on one core

What to look for: P(Δ > 0) by the kernel and by sliced Wasserstein (1/2 where the model knows nothing of its
train set), and the fraction memorised, over the load, over the parameters, and on k-spheres in R^d over n.

What is seen (--quick: 8 replicates, 40 on spheres, 2,000 steps, 95 % Wilson intervals):
- load and parameters, N(0, I) at d = 8: both transitions move to larger loads with the parameters. At n = 4 d
  the fraction memorised is 0.002, 0.01 and 0.53 for 528, 5,184 and 69,888 parameters, at n = 16 d under 0.01
  for all. The kernel's P needs more: at n = 32 d it is 0.62 [0.31, 0.86] for the first two and 0.12 [0.02,
  0.47] for the third. The linear denoiser crosses 1/2 at about 2 to 3 d for d = 16.
- sliced Wasserstein still knows the train set at n = 64 d: P = 0.12 [0.02, 0.47], 0 and 0 [0, 0.32], not 1/2,
  where no sample counts as memorised any more. Being no copy is not yet being independent of the train set.
- two Gaussians, 4 apart: the same order. The fraction memorised falls from 0.06, 0.65 and 0.98 at n = d to
  0.003, 0.02 and 0.58 at 4 d and under 0.03 at 16 d; the kernel's P is 0 up to 4 d, and at 64 d 0.25 [0.07,
  0.59], 0.75 [0.41, 0.93] and 0.50 [0.22, 0.79]. Sliced Wasserstein knows the train set even there, but for
  the smallest model, whose samples are far from both.
- 528 parameters and 2,000 steps leave a bad model, with single runs far off the population: little is
  memorised where little is learnt, so read the sliced Wasserstein distance beside P.
- spheres: the kernel's P is 1 for k = 2 at every n, and at d = 16 even for k = 7, memorised or not. That is
  its bandwidths': N ε^d is constant in the ambient dimension only, and on a k-manifold overlaps grow as
  ε^(k−d), so that the larger reference sample wins whatever the model. Ask another distance there.
- ambient or intrinsic? Intrinsic, as far as 40 replicates tell. At n = 512 the P of sliced Wasserstein is as
  large at d = 8 as at d = 16: 0.08, 0.15 and 0.03 against 0.13, 0.10 and 0.05 for k = 2, 4 and 7, ± 0.05. At
  d = 16, n = 1,024 it falls with k, 0.35 [0.22, 0.50], 0.23 [0.12, 0.38] and 0.10 [0.04, 0.23]. All of these
  are the foot of a transition that lies at larger n. The fraction memorised at n = 16 falls with d instead,
  from 0.22 at d = 8 to 0.03 at d = 16 for k = 7: a network of width 32 leaves noise off the sphere that keeps
  samples from being copies. For samples on the sphere its chance level is 3^−k, 0.1 for k = 2.
- width 32 is too narrow for d = 32: its samples end 4.0 from the population, not 0.1. Hence 128 without
  --quick.
"""

import sys
from dataclasses import replace
from pathlib import Path

import jaxmem
from jaxmem.plotting import Curve, Panel, plot, save
from jaxmem.populations import PopulationSettings
from jaxmem.statistics import summary_table
from jaxmem.studies import NonlinearOnset

RESULTS = Path("results")
LOADS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
REFERENCE_SIZE = 2_100
SHOWN = ("delta", "memorised_fraction", "delta_sliced_wasserstein")


def over(x: str, hue: str) -> tuple[Panel, ...]:
    """What is shown, over one coordinate."""
    return tuple(Panel((Curve(name),), x=x, hue=hue, limits=(-0.03, 1.03)) for name in SHOWN)


def main(quick: bool) -> None:
    gaussian = NonlinearOnset(
        dims=(8,),
        loads=LOADS,
        widths=(8, 32, 128) if quick else (8, 16, 32, 64, 128, 256),
        steps=2_000 if quick else 10_000,
        reference_size=REFERENCE_SIZE,
    )
    sphere = NonlinearOnset(
        dims=(8, 16) if quick else (8, 16, 32),
        loads=LOADS,
        widths=(32,) if quick else (128,),
        sphere_dim=(2, 4, 7),
        steps=2_000 if quick else 10_000,
        reference_size=REFERENCE_SIZE,
    )
    mixture = replace(gaussian, population=PopulationSettings(components=2, separation=4.0))
    figures = {
        "load": ("gaussian", gaussian, over("load", "network_width")),
        "parameters": ("gaussian", gaussian, over("parameters", "load")),
        "mixture": ("mixture", mixture, over("load", "network_width")),
        "intrinsic": ("sphere", sphere, over("n", "sphere_dim")),
    }
    for name, (population, study, shown) in figures.items():
        replicates = 40 if study is sphere else 8 if quick else 20
        ending = "_quick" if quick else ""
        store = RESULTS / f"nonlinear_onset_{population}{ending}.zarr"
        dataset = jaxmem.sweep(study, replicates=replicates, store=store, progress=True)
        save(plot(dataset, panels=shown), RESULTS / f"nonlinear_onset_{name}{ending}.png")
        print(summary_table(dataset), "\n")


if __name__ == "__main__":
    main(quick="--quick" in sys.argv[1:])
