"""When do two denoisers that share no image generate the same images? Figure 1 of arXiv 2310.02557.

Source: Kadkhodaie, Guth, Simoncelli & Mallat, ICLR 2024. Two blind bias-free U-Nets on disjoint sets of n
images, from the same weights; the same starts and the same injected noise for both.

    python experiments/denoiser_convergence_images.py                      # digits, 15 minutes on two cores
    python experiments/denoiser_convergence_images.py --quick              # digits, three minutes
    python experiments/denoiser_convergence_images.py mnist|photographs    # 14 × 14, or patches of 16 × 16
    python experiments/denoiser_convergence_images.py PATH [SIZE]          # faces or any folder, CIFAR-10

Prints convergence q, memorisation m, copies and the peak signal-to-noise ratio (dB, pixels from −1 to 1)
by noise level on the own train set, held out and on the other's train set; pictures lie beside the store.

What to look for: copies at small n, where q is that of unlike images; at large n equal errors on train
and test set, and pairs of images that are nearly the same.

What is seen (digits, --quick: 8 channels, 1,500 steps, 2 replicates ± standard errors; PSNR at σ = 0.3):

      n    q              m              copies           train           held out        the other's
      1    0.31 ± 0.26    0.78 ± 0.03    (one image)      36.6 ± 3.5      9.3 ± 0.2       9.5 ± 0.9
     16    0.61 ± 0.05    0.61 ± 0.04    0.033 ± 0.006    21.2 ± 0.1      14.3 ± 0.1      14.2 ± 0.1
    128    0.86 ± 0.03    0.601 ± 0.001  0                17.8 ± 0.2      17.1 ± 0.2      17.0 ± 0.3
    512    0.90 ± 0.03    0.635 ± 0.005  0                17.6 ± 0.2      17.4 ± 0.3      17.4 ± 0.2

The source's picture in small: errors on train and held-out images meet between n = 128 and 512, where the
images of two networks that share no data have a cosine of 0.9; at n = 16 they are alike by 0.6 and no
more. Held-out and the other's train images are the same to a network, as they must be.

mnist (14 × 14) and photographs (16 × 16), --quick, 13 and 20 minutes on one core:

    mnist     q            held out     train          photographs  q            held out     train
      1       0.32 ± 0.04  12.0 ± 0.3   29.3 ± 2.2          1       0.03 ± 0.19  14.1 ± 0.3   37.1 ± 2.0
     16       0.73 ± 0.01  17.9 ± 0.9   19.7 ± 1.5         16       0.54 ± 0.07  21.6 ± 0.6   25.5 ± 0.4
    128       0.92 ± 0.02  18.8 ± 1.5   19.1 ± 1.6        128       0.84 ± 0.04  25.3 ± 1.5   23.8 ± 0.4
    512       0.96 ± 0.02  18.9 ± 1.5   19.0 ± 1.5        512       0.92 ± 0.01  25.9 ± 1.5   23.5 ± 0.3

The same on all three: q passes 0.9 where train and held-out errors have met. Held-out photographs are
other scenes than the train set's, so their errors need not meet; A's train images are to B what B's are
to A (22.9 and 23.2 dB at n = 128 and 512). On mnist latent recovery stays at 0.27 ± 0.06 while q is 0.96:
convergence without recovery. In this run A's and B's photographs were other patches of the same parts of
photographs, which q may owe something to; the study now keeps them apart. The real settings have not been
run.
"""

import sys
from pathlib import Path

import numpy as np

import jaxmem
from jaxmem.plotting import plot, save
from jaxmem.populations import PopulationSettings
from jaxmem.studies import DenoiserConvergence

RESULTS = Path("results")
SIZES = {"digits": None, "mnist": 14, "photographs": 16}


def decibels(error):
    """Peak signal-to-noise ratio of a mean squared error, for pixels in a range of 2."""
    return 10 * np.log10(4 / error)


def said(values, digits=3):
    """Mean over replicates ± standard error."""
    error = values.std("replicate", ddof=1) / values.sizes["replicate"] ** 0.5
    return f"{values.mean('replicate').item():.{digits}f} ± {error.item():.{digits}f}"


def main(words: list[str]) -> None:
    quick = "--quick" in words
    given = [word for word in words if word != "--quick"]
    source = given[0] if given else "digits"
    size = int(given[1]) if len(given) > 1 else SIZES.get(source)
    study = DenoiserConvergence(
        population=PopulationSettings(images=source, image_size=size),
        samples=(1, 16, 128, 512) if quick else (1, 4, 16, 64, 256, 768),
        channels=(8,),
        blocks=2 if size != 14 else 1,
        steps=1_500 if quick else 5_000,
        noise=(0.1, 0.3, 1.0),
        test_samples=128,
    )
    name = f"denoiser_convergence_{Path(source).stem}{'_quick' if quick else ''}"
    replicates = 2 if quick else 4
    dataset = jaxmem.sweep(study, replicates=replicates, store=RESULTS / f"{name}.zarr", progress=True)
    for n in study.samples:
        at = dataset.sel(samples=n).squeeze("channels")
        orders = {"q": "convergence", "m": "memorisation", "copies": "memorised_fraction"}
        print(f"n = {n}: " + ", ".join(f"{word} {said(at[name])}" for word, name in orders.items()))
        for split in ("train", "test", "other"):
            ratios = [said(decibels(at[f"error_{split}"].sel(noise=sigma)), 2) for sigma in study.noise]
            print(f"    {split:6s} {'   '.join(ratios)} dB at σ = {study.noise}", flush=True)
    save(plot(dataset), RESULTS / f"{name}.png")


if __name__ == "__main__":
    main(sys.argv[1:])
