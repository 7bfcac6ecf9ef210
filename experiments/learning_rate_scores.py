"""Learned scores on the line against the empirical optimum s* and the score of the fitted Gaussian.

Source: Wu, Marion, Biau & Boyer, COLT 2025, arXiv 2502.03435: 20 samples of N(0, 1), width 1,000, η = 0.5,
0.1 and 0.05, two noise levels.

    python experiments/learning_rate_scores.py [--quick]

What to look for: s* wiggles between the samples. A network trained with a small η follows it, one trained
with a large η cannot bend so sharply.

What is seen (one data set, two minutes on two CPU cores): the root mean square gap to s* near the data is
0.35, 0.11 and 0.10 for η = 0.5, 0.1 and 0.05 at σ = 0.31, and 0.09, 0.01 and 0.01 at σ = 0.57. At η = 0.5 the
neurons of the middle are lost and the score is 0 there: flat, where the fitted Gaussian falls. Every network
bends at the ends of the data as s* does, 0.9 to 1.1 (σ = 0.31) and 0.4 (0.57) away from the straight line of
the fitted Gaussian. With a fifth of the steps (--quick) the gaps are 0.35, 0.14, 0.12 and 0.08, 0.03, 0.02.
"""

import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from jaxmem import replicate_key
from jaxmem.noising import SingleLevel
from jaxmem.numerics.randomness import stream
from jaxmem.plotting import save
from jaxmem.populations import Gaussian
from jaxmem.scores import TwoLayerReLU, empirical_score, scores_at
from jaxmem.training import DenoisingScoreMatching, Training, advance, start_training

RESULTS = Path("results")
LEVELS = ((0.81, 0.57), (0.95, 0.31))
RATES = {0.5: "#d55e00", 0.1: "#009e73", 0.05: "#0072b2"}


def learned(key, data, mu, sigma, rate, width, epochs):
    objective = DenoisingScoreMatching(data, SingleLevel(mu, sigma), 50 * len(data))
    problem = Training(objective, width * rate)
    model = TwoLayerReLU.draw(stream(key, "model"), 1, width)
    return advance(
        problem, start_training(problem, stream(key, "training"), model), round(epochs / rate)
    ).model


def main(quick: bool) -> None:
    key = replicate_key(0, 0)
    data = Gaussian.isotropic(1).sample(stream(key, "data"), 20)
    y = jnp.linspace(-3, 3, 1_201)[:, None]
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    for axes, (mu, sigma) in zip(figure.subplots(1, 2), LEVELS, strict=True):
        optimum = empirical_score(y, data, mu, sigma)
        axes.plot(y, optimum, color="black", linewidth=1.2, label="empirical optimum s*")
        fitted = -(y - mu * data.mean()) / (mu**2 * data.var() + sigma**2)
        axes.plot(y, fitted, color="0.5", linestyle="--", label="fitted Gaussian")
        for rate, colour in RATES.items():
            model = learned(key, data, mu, sigma, rate, 1_000, 500 if quick else 2_500)
            score = np.asarray(scores_at(model, y))
            axes.plot(y, score, color=colour, label=f"learned, η = {rate}")
            inside = np.abs(y - mu * data[:, 0]).min(1) < sigma
            gaps = [np.sqrt(np.mean((score - other)[inside] ** 2)) for other in (optimum, fitted)]
            print(
                f"σ = {sigma}, η = {rate}: rms gap to s* {gaps[0]:.3f}, to the fitted Gaussian {gaps[1]:.3f}"
            )
        axes.plot(mu * data, np.full(len(data), axes.get_ylim()[0]), "|", color="black", markersize=14)
        axes.set(xlabel="Noised sample y", ylabel="Score s(y)", title=f"μ = {mu}, σ = {sigma}")
    figure.axes[0].legend(fontsize=8)
    save(figure, RESULTS / f"learning_rate_scores{'_quick' if quick else ''}.png")


if __name__ == "__main__":
    main(quick="--quick" in sys.argv[1:])
