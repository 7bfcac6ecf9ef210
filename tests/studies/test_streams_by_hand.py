"""One replicate of each study, recomputed in NumPy from the streams that its draws must come from.

Whatever a stream, a constant or a normalisation is changed to, a number here changes with it.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist, pdist
from scipy.special import logsumexp

import jaxmem
from jaxmem.numerics.randomness import stream
from jaxmem.populations import PopulationSettings, reduced_sample
from jaxmem.studies import Condensation, KernelOnset, LinearOverlaps

KEY = jaxmem.replicate_key(3, 1)


def normals(key, *shape):
    return np.asarray(jax.random.normal(key, shape, jnp.float32), np.float64)


def drawn(key, *shape):
    return normals(stream(key, "population"), *shape)


def gaussian_distances(mean, covariance, eigenvalues):
    """Of N(mean, covariance) and N(0, diag(eigenvalues)), by the textbook."""
    population, dim = np.diag(eigenvalues), len(mean)
    middle = (covariance + population) / 2
    logs = [np.linalg.slogdet(matrix)[1] for matrix in (covariance, population, middle)]
    forth = np.trace(covariance / eigenvalues[:, None]) - dim + logs[1] - logs[0]
    back = np.trace(np.linalg.solve(covariance, population)) - dim + logs[0] - logs[1]
    affinity = (logs[0] + logs[1]) / 4 - logs[2] / 2
    affinity -= mean @ np.linalg.solve(middle, mean) / 8
    root = np.sqrt(eigenvalues)
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root[:, None] * covariance * root), 0)).sum()
    return {
        "kl_generated_population": (forth + mean @ (mean / eigenvalues)) / 2,
        "kl_population_generated": (back + mean @ np.linalg.solve(covariance, mean)) / 2,
        "hellinger_squared": 1 - np.exp(affinity),
        "bures_squared": mean @ mean + np.trace(covariance) + eigenvalues.sum() - 2 * cross,
    }


@pytest.mark.parametrize("fresh", [False, True])
def test_kernel_onset(fresh):
    """n = 10 samples in d = 5 at T = 0.7, where λ = e^-1.4 and not the source's e^-4; mean 10 everywhere."""
    dim, load, size, time, scale, n = 5, 2.0, 30, 0.7, 1.3, 10
    study = KernelOnset(
        dims=(dim,), loads=(load,), reference_size=size, time=time, bandwidth=scale, fresh_reference=fresh,
        distances=("energy", "maximum-mean-discrepancy"), generated_size=40,
    )  # fmt: skip
    capacity = study.shape({"dim": dim, "load": load}).capacity
    train = drawn(stream(KEY, "train", dim, load), capacity, dim)[:n]
    other = drawn(stream(KEY, "reference", dim, *([load] if fresh else [])), size, dim)
    mu, noise = math.exp(-time), math.exp(-2 * time) * (1 - math.exp(-2 * time))
    shaken = normals(stream(stream(KEY, "fit", dim, load), "noise", 0), capacity, dim)[:n]
    noised = mu * train + math.sqrt(noise) * shaken
    slope = np.linalg.lstsq(noised - noised.mean(0), train - train.mean(0), rcond=None)[0].T
    intercept = train.mean(0) - slope @ noised.mean(0)
    variance = mu**2 * train.var(0, ddof=1).mean() + noise
    mean, covariance = intercept + mu * slope @ train.mean(0), variance * slope @ slope.T

    logs = []
    for x in (train, other):
        width = scale * len(x) ** (-1 / dim)
        own = logsumexp(-pdist(x, "sqeuclidean") / (4 * width**2)) + math.log(2) - 2 * math.log(len(x))
        smoothed = covariance + width**2 * np.eye(dim)
        quadratic = ((x - mean) * np.linalg.solve(smoothed, (x - mean).T).T).sum(1)
        cross = logsumexp(-quadratic / 2) - math.log(len(x)) - np.linalg.slogdet(2 * np.pi * smoothed)[1] / 2
        logs += [own - dim / 2 * math.log(4 * np.pi * width**2), cross]
    expected = gaussian_distances(mean, covariance, np.ones(dim))
    expected["log_scale"] = max(logs)
    expected["delta"] = np.dot([1, -2, -1, 2], np.exp(np.array(logs) - max(logs)))

    start = normals(stream(stream(KEY, "generate", dim, load), "generated"), 40, dim)
    generated = intercept + (mu * train.mean(0) + math.sqrt(variance) * start) @ slope.T
    bandwidth = np.median(pdist(other))

    def bell(a, b):
        return np.exp(-cdist(a, b, "sqeuclidean") / (2 * bandwidth**2))

    kernels = {"delta_energy": lambda a, b: -cdist(a, b), "delta_maximum_mean_discrepancy": bell}
    for name, kernel in kernels.items():

        def within(x, kernel=kernel):
            values = kernel(x, x)
            return (values.sum() - np.trace(values)) / (len(x) * (len(x) - 1))

        # with as many of the reference as there are training samples
        ends = [within(x) - 2 * kernel(x, generated).mean() for x in (train, other[:n])]
        expected[name] = ends[0] - ends[1]
    found = jax.jit(lambda key: study.simulate(key, {"dim": dim, "load": load}))(KEY)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=2e-5, err_msg=name)


def test_linear_overlaps_with_an_estimated_mean():
    dim, load, ridge, spike, n = 4, 3.0, 0.2, 3.0, 12
    study = LinearOverlaps(
        dims=(dim,), loads=(load,), ridge=ridge, estimate_mean=True, generated=6,
        population=PopulationSettings(mean=2.0, spikes=(spike,), variance=1.5),
    )  # fmt: skip
    shape = study.shape({"dim": dim, "load": load})
    key = stream(KEY, "linear-overlaps", dim, load)
    eigenvalues = 1.5 * np.append(1 + spike, np.ones(dim - 1))
    train = [drawn(stream(key, name), shape.capacity, dim)[:n] * np.sqrt(eigenvalues) for name in ("A", "B")]
    means = [x.mean(0) for x in train]
    covariances = [np.cov(x.T, bias=True) + ridge * np.eye(dim) for x in train]
    roots = [sqrtm(covariance).real for covariance in covariances]
    z = normals(stream(key, "z"), 6, dim)
    outputs = [mean + z @ root for mean, root in zip(means, roots, strict=True)]
    norms = [np.linalg.norm(x, axis=1) for x in (*outputs, train[0])]
    leading = np.linalg.eigh(covariances[0])[1][:, -1]
    expected = gaussian_distances(means[0], covariances[0], eigenvalues)
    expected["bures"] = expected.pop("bures_squared") / eigenvalues.sum()
    expected |= {
        "operator_norm": np.linalg.norm(covariances[0] - np.diag(eigenvalues), 2),
        "memorisation": np.abs(outputs[0] @ train[0].T / norms[0][:, None] / norms[2]).max(1).mean(),
        "convergence": np.trace(roots[0] @ roots[1])
        / np.sqrt(np.trace(covariances[0]) * np.trace(covariances[1])),
        "sampled_convergence": ((outputs[0] * outputs[1]).sum(1) / norms[0] / norms[1]).mean(),
        "latent_recovery": leading[0] ** 2,
    }
    found = jax.jit(lambda key: study.simulate(key, {"dim": dim, "load": load}))(KEY)
    assert set(found) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, err_msg=name)


def test_the_short_cut_with_an_estimated_mean():
    dim, load = 4, 3.0
    names = ("kl_generated_population", "kl_population_generated", "hellinger_squared", "bures")
    study = LinearOverlaps(dims=(dim,), loads=(load,), ridge=0.2, estimate_mean=True, quantities=names)
    key = stream(KEY, "linear-overlaps", dim, load)
    sample = reduced_sample(key, 12, dim, ridge=0.2, known_mean=False)
    beside = np.asarray(sample.covariance.off_diagonal())
    matrix = np.diag(np.asarray(sample.covariance.diagonal())) + np.diag(beside, 1) + np.diag(beside, -1)
    expected = gaussian_distances(np.asarray(sample.mean), matrix, np.ones(dim))
    expected["bures"] = expected.pop("bures_squared") / dim
    found = jax.jit(lambda key: study.simulate(key, {"dim": dim, "load": load}))(KEY)
    for name in names:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-9, err_msg=name)


def test_condensation():
    """Some points have a log ratio between 0 and 1, so that the threshold counts."""
    dim, n, time, points = 4, 20, 0.25, 30
    data = drawn(stream(KEY, "data", dim), n, dim)
    shaken = normals(stream(stream(KEY, "noise", dim), "condensation"), points, dim)
    own = np.arange(points) % n
    y = math.exp(-time) * data[own] + math.sqrt(1 - math.exp(-2 * time)) * shaken
    squares = cdist(y, math.exp(-time) * data, "sqeuclidean")
    weights = np.exp(-squares / (2 * (1 - math.exp(-2 * time))))
    share = weights / weights.sum(1, keepdims=True)
    held = weights[np.arange(points), own]
    ratio = np.log(held / (weights.sum(1) - held))
    assert ((ratio > 0) & (ratio < 1)).any()
    expected = {
        "condensed": (ratio > 0).mean(),
        "largest_weight": share.max(1).mean(),
        "participation": (share**2).sum(1).mean(),
        "log_ratio": ratio.mean(),
    }
    study = Condensation(dims=(dim,), samples=(n,), times=(time,), points=points)
    found = jax.jit(lambda key: study.simulate(key, {"dim": dim, "samples": n, "time": time}))(KEY)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-6, err_msg=name)
