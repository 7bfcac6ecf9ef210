"""Datasets in the store's convention, of known law, without a simulation."""

import json

import numpy as np
import xarray as xr


def probability(dim, load):
    """P(Δ > 0): logistic in log load, crossing 1/2 at `location`."""
    return 1 / (1 + np.exp(-slope(dim) * np.log(load / location(dim))))


def location(dim):
    return np.sqrt(dim / 16)


def slope(dim):
    """d log-odds / d log load; the width from 10 % to 90 % is 2 log(9)/slope."""
    return 2.0 * (dim / 16) ** 0.25


def kernel_onset(dims=(16, 100), loads=(0.25, 0.5, 1.0, 2.0, 4.0, 8.0), replicates=300, seed=0, complete=1.0):
    """A fake of what the kernel-onset study stores; the last replicates unfinished where `complete` < 1."""
    rng = np.random.default_rng(seed)
    d, load = np.meshgrid(np.array(dims, float), np.array(loads), indexing="ij")
    shape = (*d.shape, replicates)
    # One uniform per replicate and dim, shared by its loads: common random numbers.
    uniform = rng.random((len(dims), 1, replicates))
    delta = probability(d, load)[..., None] - uniform
    affinity = -0.5 * d * np.log1p(0.3 / load)
    log_affinity = affinity[..., None] + 0.05 * rng.standard_normal(shape)
    kl = np.where((load > 1)[..., None], -2 * log_affinity, np.inf)
    axes = ("dim", "load", "replicate")
    values = {
        "delta": (delta, "kernel gap Δ / exp(log_scale)", "sign", "1"),
        "log_scale": (np.zeros(shape), "log scale of Δ", "none", "1"),
        "hellinger_squared": (1 - np.exp(log_affinity), "squared Hellinger distance H²", "mean", "1"),
        "log_affinity": (log_affinity, "log(1 − H²)", "none", "1"),
        "kl_generated_population": (kl, "KL(generated‖population)", "mean", "nat"),
    }
    completed = np.ones(shape, np.int8)
    completed[..., round(complete * replicates) :] = 0
    data = {
        name: (
            axes,
            np.where(completed, array, np.nan),
            {"long_name": long_name, "summary": summary, "units": units},
        )
        for name, (array, long_name, summary, units) in values.items()
    }
    data["completed"] = (axes, completed, {"long_name": "1 where the replicate has been computed"})
    coordinates = {
        "dim": ("dim", np.array(dims), {"long_name": "dimension d", "units": "1"}),
        "load": ("load", np.array(loads, float), {"long_name": "load n/d", "units": "1"}),
        "n": (
            ("dim", "load"),
            np.rint(d * load).astype(int),
            {"long_name": "training samples n", "units": "1"},
        ),
    }
    attributes = {"study": "kernel-onset", "configuration": json.dumps({"reference_size": 10_000}), "seed": 0}
    return xr.Dataset(data, coordinates, attributes)
