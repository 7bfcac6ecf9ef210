"""The memorisation-time study against gradient descent in NumPy, its padding, its exponent, its contract."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import jaxmem
from jaxmem.cli import main
from jaxmem.numerics.randomness import stream
from jaxmem.populations import Gaussian
from jaxmem.scores import RandomFeatures
from jaxmem.statistics import summary_table
from jaxmem.studies import MemorisationTime
from jaxmem.studies._turning_points import first_crossing
from jaxmem.studies.memorisation_time import Shape
from jaxmem.training import feature_moments

TINY = MemorisationTime(
    samples=(5, 12),
    dim=3,
    features=20,
    time=0.1,
    levels=3,
    noised=640,
    generated=20,
    first_time=0.5,
    last_time=2e5,
    steps=25,
)
KEY = jaxmem.replicate_key(0, 0)


@pytest.fixture(scope="module")
def found():
    return jaxmem.sweep(TINY, replicates=3)


def test_train_loss_is_that_of_gradient_descent_by_hand(found):
    """Own draws of the noise: the two agree up to the average over it."""
    n, dim, draws = 12, TINY.dim, 400
    data = np.asarray(Gaussian.isotropic(dim).sample(stream(KEY, "train"), 16), np.float64)[:n]
    model = RandomFeatures.draw(stream(KEY, "model"), dim, TINY.features)
    weights = np.asarray(model.directions.value, np.float64)
    mu, sigma = np.exp(-TINY.time), np.sqrt(-np.expm1(-2 * TINY.time))
    normal = np.random.default_rng(1).normal(size=(draws * n, dim))
    features = np.tanh((mu * np.tile(data, (draws, 1)) + sigma * normal) @ weights.T / np.sqrt(dim))
    second, cross = features.T @ features / len(normal), normal.T @ features / len(normal)
    readout, step = np.zeros((dim, TINY.features)), 0.02 * dim / sigma**2
    losses, wanted = {}, found["step"].values[2:8]
    for k in range(1, int(wanted[-1] / step) + 2):
        gradient = 2 / dim * (sigma**2 * readout @ (second + TINY.ridge * np.eye(20)) + sigma * cross)
        readout = readout - step * gradient
        losses[k * step] = (
            1
            + (sigma**2 * np.trace(readout @ second @ readout.T) + 2 * sigma * (readout * cross).sum()) / dim
        )
    by_hand = np.interp(wanted, list(losses), list(losses.values()))
    measured = found["train_loss"].sel(samples=12)[2:8, 0]
    # V averages 640 · 12/16 normals a coordinate: the fall of the loss is known to a few per cent
    np.testing.assert_allclose(1 - measured, 1 - by_hand, rtol=0.15)
    assert by_hand[-1] < 0.95


def test_the_ends_of_training(found):
    """Train and test loss part, and the test loss is never below that of the population's score, μ²."""
    assert (found["test_loss"] > np.exp(-2 * TINY.time) - 0.05).all()
    assert (found["train_loss"].diff("step") < 1e-3).all()
    late = found.isel(step=-1)
    assert (late["test_loss"] > late["train_loss"] + 0.1).all()
    early = found["memorisation_time"] > found["generalisation_time"]
    assert early.all()
    assert (late["train_loss"].sel(samples=5) < late["train_loss"].sel(samples=12)).all()


def test_the_modes_of_the_samples_are_those_after_the_first_d(found):
    """By the eigenvalues of the study's own moments, one replicate."""
    mu, sigma = np.exp(-TINY.time), np.sqrt(-np.expm1(-2 * TINY.time))
    data = Gaussian.isotropic(TINY.dim).sample(stream(KEY, "train"), 16)
    model = RandomFeatures.draw(stream(KEY, "model"), TINY.dim, TINY.features)
    moments = feature_moments(stream(KEY, "noise"), model, data, mu, sigma, draws=400, count=12)
    eigenvalues = np.linalg.eigvalsh(moments.covariance)[::-1]
    by_hand = TINY.dim / (2 * sigma**2 * (eigenvalues[3:12].mean() + TINY.ridge))
    # 480 noised rows against 4,800: the bulk is known to a few per cent
    assert found["sample_mode_time"].sel(samples=12)[0] == pytest.approx(by_hand, rel=0.1)


def test_few_samples_in_few_dimensions_are_memorised():
    study = dataclasses.replace(
        TINY, samples=(4,), levels=8, last_time=1e7, features=200, time=0.02, noised=2_048
    )
    fraction = jaxmem.sweep(study, replicates=1)["memorised_fraction"][0, :, 0]
    assert fraction[0] < 0.2
    assert fraction[-1] > 0.4  # of 20; a fresh sample counts with probability of about 3^-3


class Wide(MemorisationTime):
    """Padded to four times as many rows."""

    def shape(self, point):
        return Shape(4 * super().shape(point).capacity)


def test_padding_changes_nothing(found):
    """The same 40 normals a sample, in an array four times as long."""
    fields = dataclasses.asdict(TINY) | {"samples": (12,), "noised": 4 * TINY.noised}
    wide = jaxmem.sweep(Wide(**fields), replicates=1)
    for name in ("train_loss", "memorised_fraction"):
        np.testing.assert_allclose(
            wide[name][0, :, 0], found[name].sel(samples=12)[:, 0], rtol=1e-6, atol=1e-6
        )


def test_the_times_are_where_half_is_done(found):
    """Half of the last gap, which the last step has reached, and half of the fall of the test loss from 1."""
    log_time = np.log(found["step"].values)
    for samples in TINY.samples:
        for replicate in range(3):
            one = found.sel(samples=samples).isel(replicate=replicate)
            test, gap = one["test_loss"].values, (one["test_loss"] - one["train_loss"]).values
            at_memorisation = np.interp(np.log(one["memorisation_time"]), log_time, gap)
            at_generalisation = np.interp(np.log(one["generalisation_time"]), log_time, test)
            assert at_memorisation == pytest.approx(gap[-1] / 2, rel=0.02)
            assert at_generalisation == pytest.approx((1 + test.min()) / 2, rel=1e-3)


def test_names_dims_and_exponents(found):
    for name in ("memorised_fraction", "train_loss", "test_loss"):
        assert found[name].dims == ("samples", "step", "replicate")
        assert np.isfinite(found[name]).all()
    assert found["memorisation_time"].dims == ("samples", "replicate")
    np.testing.assert_allclose(found["step"], np.geomspace(0.5, 2e5, 25))
    summary = jaxmem.summarise(found)
    low, exponent, high = (
        summary[f"memorisation_time_exponent{end}"].item() for end in ("_low", "", "_high")
    )
    by_hand = np.log(found["memorisation_time"][1] / found["memorisation_time"][0]).mean() / np.log(12 / 5)
    assert low <= exponent <= high
    assert exponent == pytest.approx(by_hand.item())


def test_a_known_exponent_is_found_per_remaining_axis_and_shown():
    generator = np.random.default_rng(0)
    n, b = np.array([32.0, 64, 128, 256]), np.array([1.0, 2.0])
    times = 3 * n[:, None, None] ** b[:, None] * np.exp(0.05 * generator.normal(size=(4, 2, 30)))
    times[0, 0, 3] = np.nan
    store = xr.Dataset(
        {"time": (("samples", "dim", "replicate"), times, {"summary": "mean", "power_law_over": "samples"})},
        {"samples": n, "dim": [8, 16]},
    )
    summary = jaxmem.summarise(store)
    assert summary["time_exponent"].dims == ("dim",)
    error = 0.05 / np.sqrt(30) / (np.log(2) * np.sqrt(5))
    np.testing.assert_allclose(summary["time_exponent"], b, atol=4.5 * error)
    assert (summary["time_exponent_low"] < b).all()
    assert (summary["time_exponent_high"] > b).all()
    text = summary_table(store)
    assert "time ~ samples^exponent, 95% intervals:" in text
    value, low, high = (summary[f"time_exponent{end}"][1].item() for end in ("", "_low", "_high"))
    assert f"  dim 16: exponent {value:.3f} [{low:.3f}, {high:.3f}]" in text


def test_a_time_that_is_never_reached_is_infinite_and_no_fit_is_said():
    times, rising = jnp.array([1.0, 10.0, 100.0]), jnp.array([0.0, 0.4, 0.8])
    assert first_crossing(times, rising, jnp.array(0.9)) == np.inf
    assert first_crossing(times, rising, jnp.array(0.6)) == pytest.approx(10**1.5, rel=1e-5)
    assert first_crossing(times, rising + 0.5, jnp.array(0.2)) == pytest.approx(1.0)
    data = np.full((2, 3), np.inf)
    store = xr.Dataset(
        {"time": (("samples", "replicate"), data, {"summary": "mean", "power_law_over": "samples"})},
        {"samples": [32, 64]},
    )
    assert "  no fit" in summary_table(store)


def test_the_command_line(tmp_path, capsys, monkeypatch, found):
    """With the fields of `found`, so that nothing is compiled anew."""
    monkeypatch.setattr(MemorisationTime, "default_replicates", found.sizes["replicate"])
    words = ["run", "memorisation-time", "--store", str(tmp_path / "store"), "--quiet"]
    for name, value in dataclasses.asdict(TINY).items():
        words += [f"--{name.replace('_', '-')}", *map(str, value if isinstance(value, tuple) else [value])]
    assert main(words) == 0
    assert "memorisation_time ~ samples^exponent" in capsys.readouterr().out
    xr.testing.assert_equal(jaxmem.open_store(tmp_path / "store")["train_loss"].load(), found["train_loss"])


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"samples": (1, 2)}, "samples must be a whole number of at least 2, got 1"),
        ({"ridge": 0.0}, "ridge must be a finite number above 0, got 0.0"),
        ({"start": 0.01}, "start must be a finite number above 0.01"),
        ({"steps": 1}, "steps must be a whole number of at least 2, got 1"),
        ({"last_time": 0.5}, "last_time must be a finite number above 1, got 0.5"),
    ],
)
def test_bad_input_is_refused(fields, sentence):
    with pytest.raises(ValueError, match=sentence):
        MemorisationTime(**fields)
