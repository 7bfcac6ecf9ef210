"""Curves that are one over a rescaled abscissa, with and without noise, and distances by hand."""

import numpy as np
import pytest
import xarray as xr

from jaxmem.statistics import curve_collapse

SAMPLES = np.array([16.0, 64.0, 256.0])
STEPS = np.geomspace(10, 1e5, 60)


def curves(noise=0.0, replicates=4, power=1.0, seed=0):
    """A rise at τ ∝ n^power."""
    rise = 1 / (1 + (30 * SAMPLES[:, None] ** power / STEPS) ** 2)
    values = rise[..., None] + noise * np.random.default_rng(seed).normal(size=(3, 60, replicates))
    return xr.DataArray(
        values, dims=("samples", "step", "replicate"), coords={"samples": SAMPLES, "step": STEPS}
    )


def test_a_collapse_is_none_by_the_step_and_whole_by_the_step_per_sample():
    given = curves()
    apart = curve_collapse(given, "samples", given["step"])
    together = curve_collapse(given, "samples", given["step"] / given["samples"])
    assert apart.distance > 0.2
    assert together.distance < 2e-3  # of the interpolation
    assert together.floor == 0
    assert apart.low == pytest.approx(apart.distance)
    assert apart.high == pytest.approx(apart.distance)


def test_two_constants_by_hand():
    """1 and 4, whatever the abscissa: a distance of 3."""
    values = xr.DataArray(
        np.stack([np.full((5, 2), 1.0), np.full((5, 2), 4.0)]),
        dims=("width", "step", "replicate"),
        coords={"step": np.arange(1.0, 6)},
    )
    found = curve_collapse(values, "width", values["step"])
    assert found.distance == pytest.approx(3)
    values = values + xr.DataArray([-0.5, 0.5], dims="replicate")
    # standard errors of ½; between two points w² + (1 − w)² of the variance is left, 2/3 in the mean
    floor = curve_collapse(values, "width", values["step"]).floor
    assert floor == pytest.approx(0.5 * np.sqrt(2 * 2 / 3), rel=0.02)


def test_noise_alone_is_the_floor():
    """Of curves that collapse: the distance is that of the means' noise, and its interval holds it."""
    found = [
        curve_collapse(given, "samples", given["step"] / given["samples"])
        for given in (curves(0.1, 6, seed=seed) for seed in range(8))
    ]
    ratio = np.array([one.distance / one.floor for one in found])
    assert abs(ratio.mean() - 1) < 0.15
    assert all(one.low < one.high for one in found)


def test_a_wrong_power_is_seen():
    given = curves(0.02, power=0.5)
    wrong = curve_collapse(given, "samples", given["step"] / given["samples"])
    right = curve_collapse(given, "samples", given["step"] / given["samples"] ** 0.5)
    assert wrong.low > 3 * right.high


def test_bad_input_is_refused():
    given = curves()
    for words, sentence in (
        ((given, "width", given["step"]), "variable must have the dimensions width, replicate and one more"),
        ((given[:1], "samples", given["step"]), "over must be an axis of two values at least"),
        ((given, "samples", -given["step"]), "abscissa must be above 0 and rise"),
        ((given, "samples", given["step"] * given["samples"] ** 9), "abscissa must overlap for all curves"),
    ):
        with pytest.raises(ValueError, match=sentence):
            curve_collapse(*words)
