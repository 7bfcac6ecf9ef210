"""What a two-layer network generates in the plane for small and large learning rates.

Source: Wu, Marion, Biau & Boyer, COLT 2025, arXiv 2502.03435: 10 samples of N(0, 4I), input (t, x), 100 times
on [0.01, 1] with probability ∝ σ(t), noise prediction, batch 5,000; η = 2 (20,000 epochs) to 0.05 (10⁶).

    python experiments/learning_rate_diffusion.py [--quick]

As in `learning_rate_dimension.py` the risk is averaged over coordinates; summed, η = 2 diverges.

What to look for: squared MMD (Gaussian kernel, bandwidth 1) of 1,000 generated points to as many that the
empirical score generates (memorised), and to the Gaussian fitted to the data (generalised).

What is seen (--quick, 4,000/η steps of 500 pairs, one data set): at η = 2 the network fills the region of the
data, 0.015 from the Gaussian and 0.026 from the copies, and 24 % of what it generates counts as memorised,
where chance gives 18 %. At η = 0.2 it gathers on filaments between the samples: 0.026, 0.009 and 44 %.
"""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from jaxmem import replicate_key
from jaxmem.metrics import maximum_mean_discrepancy_squared, memorised_fraction
from jaxmem.noising import OrnsteinUhlenbeckLevels, ornstein_uhlenbeck
from jaxmem.numerics.randomness import stream
from jaxmem.plotting import save
from jaxmem.populations import Gaussian
from jaxmem.sampling import sample_reverse_process, time_grid
from jaxmem.scores import NoisePrediction, TwoLayerReLU, empirical_score
from jaxmem.training import DenoisingScoreMatching, Training, advance, start_training

RESULTS = Path("results")
GENERATED, WIDTH = 1_000, 1_000
TIMES = np.linspace(0.01, 1, 100, dtype=np.float32)


def trained(key, data, rate, epochs, batch_size):
    schedule = OrnsteinUhlenbeckLevels(TIMES, weight_exponent=2.0)
    problem = Training(DenoisingScoreMatching(data, schedule, batch_size), WIDTH * rate / 2)
    model = NoisePrediction(TwoLayerReLU.draw(stream(key, "model"), 2, WIDTH, time_input=True))
    return advance(
        problem, start_training(problem, stream(key, "training"), model), round(epochs / rate)
    ).model


def main(quick: bool) -> None:
    key = replicate_key(0, 0)
    data = 2 * Gaussian.isotropic(2).sample(stream(key, "data"), 10)
    grid = time_grid(1.0, 0.01, 100)

    @jax.jit
    def generate(score):
        return sample_reverse_process(score, stream(key, "generated"), GENERATED, 2, grid)

    def optimum(time, x):
        level = ornstein_uhlenbeck(time)
        return empirical_score(x, data, level.mu, level.sigma)

    with jax.enable_x64(True):  # JAX batches the solver's loop after the score's own scope has closed
        copies = sample_reverse_process(optimum, stream(key, "copies"), GENERATED, 2, grid)
    root = np.linalg.cholesky(np.cov(data.T, bias=True))
    normal = jax.random.normal(stream(key, "fitted"), (GENERATED, 2), jnp.float32)
    fitted = (data.mean(0) + normal @ root.T).astype(jnp.float32)
    rates = (2.0, 0.2) if quick else (2.0, 1.0, 0.5, 0.2, 0.1, 0.05)
    shown = {"empirical score": copies, "fitted Gaussian": fitted}
    for rate in rates:
        epochs, batch_size = (4_000, 500) if quick else (4e4 if rate > 1 else 5e4, 5_000)
        shown[f"η = {rate}"] = generate(trained(key, data, rate, epochs, batch_size))
    figure = Figure(figsize=(2.9 * len(shown), 3.4), layout="constrained")
    row = figure.subplots(1, len(shown), sharex=True, sharey=True)
    for axes, (name, points) in zip(row, shown.items(), strict=True):
        if not np.isfinite(points).all():
            print(f"{name}: diverged")
            axes.set(title=f"{name}: diverged", xlabel="x₁", aspect="equal")
            continue
        near, far = (
            float(maximum_mean_discrepancy_squared(points, law, bandwidth=1.0)) for law in (copies, fitted)
        )
        share = float(memorised_fraction(points, data))
        print(f"{name}: MMD² to s* {near:.4f}, to the Gaussian {far:.4f}; memorised {share:.2f}")
        axes.plot(*np.asarray(points).T, ".", color="#0072b2", markersize=2, alpha=0.5, label="generated")
        axes.plot(*np.asarray(data).T, "x", color="#d55e00", markersize=7, label="data")
        axes.set(title=name, xlabel="x₁", xlim=(-7, 7), ylim=(-7, 7), aspect="equal")
    figure.axes[0].set_ylabel("x₂")
    figure.axes[0].legend(fontsize=8, loc="lower left")
    save(figure, RESULTS / f"learning_rate_diffusion{'_quick' if quick else ''}.png")


if __name__ == "__main__":
    main(quick="--quick" in sys.argv[1:])
