"""Lists, whole numbers, half precision, pandas and xarray objects give what float64 arrays give."""

import jax
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from jaxmem import metrics

KEY = jax.random.key(0)
X = np.array([[-1, 2, 0], [1, 0, 3], [4, -2, 1], [0, 1, 1]])
Y = np.array([[2, 2, 0], [1, -3, 3], [0, 2, 1], [5, 1, 4], [-2, 0, 2]])
MEAN = np.array([1, 0, -1])
COVARIANCE = np.array([[3, 1, 0], [1, 2, 0], [0, 0, 4]])
LINE = np.array([[-1], [1], [4]])
LOGS = np.array([-1, -2, -4])

FUNCTIONS = {
    "authenticity": lambda f: metrics.authenticity(f(X), f(Y)).value,
    "condensation": lambda f: metrics.condensation(KEY, f(X), 1.0, 1.0, points=5),
    "density_distances": lambda f: metrics.density_distances(f(LOGS), f(2 * LOGS), f(LOGS - 1), f(LOGS)),
    "energy_distance": lambda f: metrics.energy_distance(f(X), f(Y)),
    "exchange_scores": lambda f: (
        metrics.exchange_scores({"energy": metrics.energy_kernel()}, f(X), f(Y[1:]), f(Y))["energy"].scores
    ),
    "gaussian_distances": lambda f: metrics.gaussian_distances(
        f(MEAN), f(COVARIANCE), f(2 * MEAN), f(np.eye(3))
    ),
    "kernel_gap": lambda f: metrics.kernel_gap(f(X), f(Y), f(MEAN), f(COVARIANCE), scale=1.0),
    "kl": lambda f: metrics.kl_generated_population(
        metrics.SpectralCovariance.from_matrix(f(COVARIANCE)), f([1, 2, 3]), f(MEAN)
    ),
    "likelihood_scores": lambda f: metrics.likelihood_scores(f([[1, 4], [2, 9]]), 2, variance=1.0),
    "log_gaussian_overlap": lambda f: metrics.log_gaussian_overlap(f(X), f(MEAN), f(COVARIANCE), 1.0),
    "log_self_overlap": lambda f: metrics.log_self_overlap(f(X), 1.0),
    "marginal_kernel_gap": lambda f: metrics.marginal_kernel_gap(f(X), f(Y), f(X), scale=1.0),
    "median_bandwidth": lambda f: metrics.median_bandwidth(f(X)),
    "memorisation": lambda f: metrics.memorisation(f(X), f(Y), mean=f(MEAN)),
    "memorised_fraction": lambda f: metrics.memorised_fraction(f(X), f(Y)),
    "mmd": lambda f: metrics.maximum_mean_discrepancy_squared(f(X), f(Y), bandwidth=2.0),
    "nearest_rows": lambda f: metrics.nearest_rows(f(X), f(Y)).distance,
    "nearest_two": lambda f: metrics.nearest_two(f(X), f(Y)),
    "operator_norm_distance": lambda f: metrics.operator_norm_distance(f(COVARIANCE), f(np.eye(3))),
    "regularity_weight": lambda f: metrics.regularity_weight(f(LOGS), f(LINE), 1.0, 1.0),
    "sample_gap": lambda f: metrics.sample_gap(metrics.energy_distance, f(X), f(Y), f(X)),
    "sample_kernel_gap": lambda f: metrics.sample_kernel_gap(f(X), f(Y), f(X), scale=1.0),
    "sampled_convergence": lambda f: metrics.sampled_convergence(f(X), f(X[::-1])),
    "semi_empirical_risk": lambda f: metrics.semi_empirical_risk(
        lambda y: -y, f(LINE), 1.0, 1.0, metrics.gauss_hermite(9)
    ),
    "sliced_pool": lambda f: metrics.sliced_pool(KEY, f(X), f(Y[1:]), f(Y), projections=4).delta,
    "sliced_wasserstein": lambda f: metrics.sliced_wasserstein(KEY, f(X), f(Y), projections=4),
    "total_variation": lambda f: metrics.total_variation_of_kinks(f([0, 1]), f([1, -2]), f(LINE), 1.0, 1.0),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gives_what_float64_gives(name):
    call = FUNCTIONS[name]
    expected = jax.tree.leaves(call(lambda x: np.asarray(x, np.float64)))
    kinds = [lambda x: np.asarray(x).tolist(), lambda x: np.asarray(x, np.int32)]
    if name == "energy_distance":  # one of them stands for all: the conversion has its own tests
        kinds += [lambda x: np.asarray(x, np.float16), pd.DataFrame, xr.DataArray]
    for kind in kinds:
        np.testing.assert_allclose(jax.tree.leaves(call(kind)), expected, rtol=1e-6)
    with pytest.raises(ValueError, match="must be an array of real numbers, got complex128 values"):
        call(lambda x: np.asarray(x) + 0j)
    with pytest.raises(ValueError, match="must be an array of real numbers, got a masked array"):
        call(lambda x: np.ma.masked_equal(np.asarray(x), 1))
