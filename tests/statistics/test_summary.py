import subprocess
import sys

import fake_stores
import numpy as np
import pytest
import xarray as xr

from jaxmem.statistics import summarise, wilson_interval


def test_each_kind_of_variable():
    store = fake_stores.kernel_onset(replicates=50)
    store["memorised"] = (store["delta"] < 0).astype(float).assign_attrs(summary="fraction")
    store["delta_energy"] = (-store["delta"]).assign_attrs(summary="sign", long_name="Δ of the energy")
    summary = summarise(store, confidence=0.9)
    assert "replicate" not in summary.dims
    positive = (store["delta"].values > 0).sum(-1)
    np.testing.assert_allclose(summary["p_positive"], positive / 50)
    np.testing.assert_array_equal(summary["p_positive_low"], wilson_interval(positive, 50, 0.9).low)
    np.testing.assert_array_equal(summary["p_positive_high"], wilson_interval(positive, 50, 0.9).high)
    np.testing.assert_allclose(summary["p_positive_energy"], 1 - positive / 50)
    np.testing.assert_allclose(summary["memorised"], 1 - positive / 50)
    np.testing.assert_allclose(summary["memorised_high"], 1 - summary["p_positive_low"])
    hellinger = store["hellinger_squared"]
    np.testing.assert_allclose(summary["hellinger_squared"], hellinger.mean("replicate"))
    np.testing.assert_allclose(
        summary["hellinger_squared_standard_error"], hellinger.std("replicate", ddof=1) / np.sqrt(50)
    )
    assert "log_scale" not in summary
    assert "completed" not in summary


def test_labels_coordinates_and_attributes_travel():
    store = fake_stores.kernel_onset(replicates=5)
    summary = summarise(store)
    assert summary.attrs == store.attrs | {"confidence": 0.95}
    assert summary["n"].dims == ("dim", "load")
    assert summary["p_positive"].attrs == {"long_name": "P(Δ > 0)", "units": "1"}
    assert summary["kl_generated_population"].attrs["units"] == "nat"
    assert summary["kl_generated_population_standard_error"].attrs["units"] == "nat"
    assert summary["load"].attrs["long_name"] == "load n/d"


def test_infinite_replicates():
    store = fake_stores.kernel_onset(replicates=4)
    store["kl_generated_population"][0, -1, 0] = np.inf
    summary = summarise(store)
    share = summary["kl_generated_population_infinite_fraction"]
    np.testing.assert_array_equal(share[0], [1, 1, 1, 0, 0, 0.25])
    assert np.isposinf(summary["kl_generated_population"][0, -1])
    assert "hellinger_squared_infinite_fraction" not in summary


def test_medians():
    store = fake_stores.kernel_onset(replicates=9)
    store["kl_generated_population"].attrs["summary"] = "median"
    store["kl_generated_population"][0, -1, 0] = np.inf
    store["kl_generated_population"][1, -1, 0] = np.nan
    summary = summarise(store)
    assert "kl_generated_population" not in summary
    ordered = np.sort(store["kl_generated_population"], axis=-1)
    np.testing.assert_allclose(summary["kl_generated_population_median"][:, :-1], ordered[:, :-1, 4])
    np.testing.assert_allclose(summary["kl_generated_population_low"][:, :-1], ordered[:, :-1, 1])
    np.testing.assert_allclose(summary["kl_generated_population_high"][:, :-1], ordered[:, :-1, 7])
    assert np.isfinite(summary["kl_generated_population_median"][0, -1])
    assert summary["kl_generated_population_infinite_fraction"][0, -1] == pytest.approx(1 / 9)
    assert summary["kl_generated_population_undefined_fraction"][1, -1] == pytest.approx(1 / 9)
    for end, words in (("median", ""), ("low", ", lower 95% bound"), ("high", ", upper 95% bound")):
        attributes = summary[f"kl_generated_population_{end}"].attrs
        assert attributes == {"long_name": f"median KL(generated‖population){words}", "units": "nat"}


def test_unfinished_replicates_are_left_out():
    whole = fake_stores.kernel_onset(replicates=40)
    part = fake_stores.kernel_onset(replicates=40, complete=0.25)
    expected = summarise(whole.isel(replicate=slice(0, 10)))
    for store in (part, part.drop_vars("completed")):
        summary = summarise(store)
        assert (summary["replicates"] == 10).all()
        xr.testing.assert_allclose(summary, expected)
        assert "hellinger_squared_undefined_fraction" not in summary


def test_finished_but_undefined_replicates_are_reported():
    store = fake_stores.kernel_onset(replicates=20, complete=0.5)
    store["delta"][1, 2, :3] = np.nan
    summary = summarise(store)
    assert summary["p_positive_undefined_fraction"][1, 2] == pytest.approx(0.3)
    assert summary["p_positive_undefined_fraction"].sum() == pytest.approx(0.3)
    assert summary["replicates"][1, 2] == 10


def test_a_variable_with_a_dimension_of_its_own():
    values = np.random.default_rng(0).random((3, 5, 8))
    values[2, :, 4:] = np.nan
    store = xr.Dataset(
        {
            "loss": (("samples", "step", "replicate"), values, {"summary": "mean"}),
            "time": (("samples", "replicate"), values[:, 0], {"summary": "mean"}),
        },
        {"samples": [32, 64, 128], "step": np.arange(5)},
    )
    summary = summarise(store)
    assert summary["loss"].dims == ("samples", "step")
    assert summary["replicates"].dims == ("samples",)
    np.testing.assert_array_equal(summary["replicates"], [8, 8, 4])


def test_exponents_over_the_other_dimensions_from_one_replicate():
    samples = np.array([32.0, 64.0, 128.0])
    values = np.stack([samples, 2 * samples**2, samples**-1])[:, :, None]
    attributes = {"summary": "mean", "power_law_over": "samples"}
    store = xr.Dataset({"time": (("rate", "samples", "replicate"), values, attributes)}, {"samples": samples})
    summary = summarise(store)
    assert summary["time_exponent"].dims == ("rate",)
    np.testing.assert_allclose(summary["time_exponent"], [1, 2, -1])
    np.testing.assert_allclose(summary["time"], values[..., 0])


def test_replicate_need_not_be_last():
    store = fake_stores.kernel_onset(replicates=6)
    xr.testing.assert_allclose(
        summarise(store.transpose("replicate", "load", "dim")).transpose("dim", "load"), summarise(store)
    )


def test_plain_zarr_and_bare_delta(tmp_path):
    store = fake_stores.kernel_onset(replicates=12)
    store.to_zarr(tmp_path / "store.zarr")
    xr.testing.assert_allclose(
        summarise(xr.open_zarr(tmp_path / "store.zarr", chunks=None)), summarise(store)
    )
    bare = xr.Dataset({"delta": (("load", "replicate"), [[1.0, -1.0, 0.0, 2.0]])})
    assert summarise(bare)["p_positive"].item() == 0.5


def test_a_dataset_without_replicates_is_refused():
    with pytest.raises(ValueError, match=r"dataset must have a dimension replicate, got \('load',\)"):
        summarise(xr.Dataset({"delta": ("load", [1.0])}))


def test_statistics_do_without_jax():
    program = "import sys, jaxmem.statistics; assert 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
