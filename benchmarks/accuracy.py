"""The sign and the size of Δ, float32 pair sums against float64 NumPy, for the same draws at loads 0.1 to 10.

    python benchmarks/accuracy.py [--dims 16 100 400] [--replicates 200] [--reference-size 1000]

Both sides get the same samples and the same noise and go all the way: fit of the denoiser, generated law, Δ.
The NumPy side fits by singular values (numpy.linalg.lstsq) and sums all pairs in float64, k = l left out.

Expect the sign to agree in at least 99.5 % of the replicates at every load, and log|Δ| to 1e-3 in the median.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from scipy.special import logsumexp

from jaxmem.metrics import kernel_gap
from jaxmem.scores import denoiser_capacity, fit_one_step_denoiser, generated_law

MEAN = 10.0
TIME = 2.0
LOADS = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.5, 2.0, 3.0, 5.0, 10.0)


def plain_law(train: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the generated law, λ = e^-2T."""
    train = train.astype(np.float64)
    mu = np.exp(-TIME)
    noise_variance = mu**2 * (1 - mu**2)
    noised = mu * train + np.sqrt(noise_variance) * noise
    mean = train.mean(0)
    slope = np.linalg.lstsq(noised - noised.mean(0), train - mean, rcond=None)[0].T
    variance = mu**2 * (train.var(0, ddof=1).mean() if len(train) > 1 else 0.0) + noise_variance
    return mean + slope @ (mu * mean - noised.mean(0)), variance * slope @ slope.T


def plain_logs(samples: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> tuple[float, float]:
    """Logarithms of a sample's self-overlap and of its overlap with the law."""
    x = samples.astype(np.float64)
    n, dim = x.shape
    variance = n ** (-2 / dim)
    centred = x - x.mean(0)
    norms = (centred**2).sum(1)
    exponents = (2 * centred @ centred.T - norms[:, None] - norms) / (4 * variance)
    np.fill_diagonal(exponents, -np.inf)
    highest = exponents.max()
    log_pairs = highest + np.log(np.exp(exponents - highest).sum()) if n > 1 else -np.inf
    smoothed = covariance + variance * np.eye(dim)
    centred = x - mean
    squares = (centred * np.linalg.solve(smoothed, centred.T).T).sum(1)
    log_cross = logsumexp(-squares / 2) - np.log(n) - np.linalg.slogdet(2 * np.pi * smoothed)[1] / 2
    return log_pairs - 2 * np.log(n) - dim / 2 * np.log(4 * np.pi * variance), log_cross


def plain_gap(train: np.ndarray, noise: np.ndarray, reference: np.ndarray) -> tuple[float, float]:
    """Δ in float64 NumPy as (sign, log|Δ|)."""
    law = plain_law(train, noise)
    (s_t, c_t), (s_o, c_o) = (plain_logs(samples, *law) for samples in (train, reference))
    log_size, sign = logsumexp([s_t, s_o, c_t, c_o], b=[1, -1, -2, 2], return_sign=True)
    return float(sign), float(log_size)


@jax.jit
def gap(train: jax.Array, noise: jax.Array, reference: jax.Array, count: jax.Array) -> tuple[jax.Array, ...]:
    """Δ as the library computes it, as (value, log scale)."""
    denoiser = fit_one_step_denoiser(jax.random.key(0), train, TIME, count=count, noise=noise[None])
    found = kernel_gap(train, reference, *generated_law(denoiser), scale=1.0, count=count)
    return found.value, found.log_scale


def main(dims: Sequence[int] = (16, 100, 400), replicates: int = 200, reference_size: int = 1000) -> None:
    """Print, per dimension and load, how often the signs agree and how far log|Δ| is off.

    Args:
        dims: dimensions d.
        replicates: independent draws at each load; a quarter as many above d = 100.
        reference_size: size N of the reference sample.
    """
    print("    d     n   load  replicates   signs agree   error of log|Δ|: median   largest")
    for dim in dims:
        for load in LOADS:
            n = max(1, round(load * dim))
            rounds = replicates if dim <= 100 else max(1, replicates // 4)
            padding = ((0, denoiser_capacity(n, dim) - n), (0, 0))
            agree, errors = 0, []
            for replicate in range(rounds):
                rng = np.random.default_rng((dim, n, replicate))
                train, noise, reference = (
                    rng.standard_normal((rows, dim), np.float32) for rows in (n, n, reference_size)
                )
                train, reference = MEAN + train, MEAN + reference
                sign, log_size = plain_gap(train, noise, reference)
                value, log_scale = (
                    float(each)
                    for each in gap(np.pad(train, padding), np.pad(noise, padding), reference, jnp.asarray(n))
                )
                agree += np.sign(value) == sign
                errors.append(abs(np.log(abs(value)) + log_scale - log_size))
            print(
                f"{dim:5d} {n:5d} {load:6.2f} {rounds:11d} {agree / rounds:13.2%} "
                f"{np.median(errors):25.1e} {max(errors):9.1e}",
                flush=True,
            )


if __name__ == "__main__":
    tyro.cli(main)
