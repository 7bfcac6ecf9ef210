"""The sweep on a study that knows nothing of diffusion: the invariants hold for any."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax
import numpy as np
import pytest
import xarray as xr
import zarr.storage
from toy_study import Means

import jaxmem
from jaxmem.sweeping import compilations, families, run

STUDY = Means(spread=(0.5, 1.0))


@pytest.fixture(scope="module")
def result():
    return jaxmem.sweep(STUDY, replicates=10, seed=3)


def run_python(code: str, **environment: str) -> subprocess.Popen:
    folder = str(Path(__file__).parent)
    return subprocess.Popen(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {folder!r})\n" + textwrap.dedent(code)],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_dimensions_and_labels(result):
    assert result["mean"].dims == ("dim", "load", "spread", "replicate")
    assert result["running"].dims == ("dim", "load", "spread", "step", "replicate")
    assert result["mean"].dtype == np.float64
    np.testing.assert_array_equal(result["n"], [[2, 8, 40], [3, 12, 60]])
    assert result["load"].attrs == {"long_name": "load n/d", "units": "1"}
    assert result["mean"].attrs["summary"] == "sign"
    assert result.attrs["seed"] == 3
    assert bool(result["completed"].all())


def test_a_replicate_alone_is_what_was_stored(result):
    point = {"dim": 3, "load": 4.0, "spread": 0.5}
    alone = STUDY.simulate(jaxmem.replicate_key(3, 7), point)
    stored = result.sel(dim=3, load=4.0, spread=0.5).isel(replicate=7)
    for name, value in alone.items():
        np.testing.assert_allclose(stored[name], value, rtol=1e-5, atol=1e-6)


def test_prepared_work_is_shared_within_a_replicate_only(result):
    origin = result["origin"].sel(dim=2)
    assert np.ptp(origin.isel(replicate=0).values) == 0
    assert len(np.unique(origin.isel(load=0, spread=0))) == 10


def test_loads_and_dims_have_independent_draws(result):
    first = result["running"].isel(step=0, spread=0)
    assert len(np.unique(first)) == first.size


@pytest.mark.parametrize("chunk_size", [1, 7, 64])
def test_chunk_size_changes_nothing(result, chunk_size):
    other = jaxmem.sweep(STUDY, replicates=10, seed=3, chunk_size=chunk_size)
    xr.testing.assert_allclose(other["mean"], result["mean"], rtol=1e-5, atol=1e-6)


def test_memory_budget_changes_nothing(result):
    other = jaxmem.sweep(STUDY, replicates=10, seed=3, memory_budget=1)
    xr.testing.assert_allclose(other["mean"], result["mean"], rtol=1e-5, atol=1e-6)


def test_an_executor_changes_nothing(result):
    with ThreadPoolExecutor(2) as executor:
        other = jaxmem.sweep(STUDY, replicates=10, seed=3, chunk_size=2, executor=executor)
    xr.testing.assert_identical(other["mean"], result["mean"].copy(data=other["mean"]))
    xr.testing.assert_allclose(other["mean"], result["mean"], rtol=1e-5, atol=1e-6)


def test_devices_share_the_replicates_evenly_and_change_nothing(result, tmp_path):
    """1, 2, 4 and 8 of them, of a process that is told it has eight."""
    code = f"""
        import jax, jaxmem
        from jaxmem.sweeping import batching
        from toy_study import Means
        every, shares, within = jax.local_devices(), [], batching.within_memory
        assert len(every) == 8
        def spy(*words):
            found = within(*words)
            shares.append([shard.data.shape[0] for shard in found["mean"].addressable_shards])
            return found
        batching.within_memory = spy
        for count in (1, 2, 4, 8):
            jax.local_devices, jax.local_device_count = lambda: every[:count], lambda: count
            shares.clear()
            store = {str(tmp_path)!r} + f"/{{count}}"
            jaxmem.sweep(Means((2,), (4.0,), (0.5, 1.0)), replicates=10, seed=3, store=store)
            assert shares
            assert all(len(one) == count and len(set(one)) == 1 for one in shares), shares
    """
    process = run_python(code, XLA_FLAGS="--xla_force_host_platform_device_count=8")
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    for count in (1, 2, 4, 8):
        other = jaxmem.open_store(tmp_path / str(count))
        assert other.attrs["device"].startswith("" if count == 1 else f"{count} × ")
        expected = result["mean"].sel(dim=[2], load=[4.0])
        xr.testing.assert_allclose(other["mean"], expected, rtol=1e-5, atol=1e-6)


def test_one_compilation_per_shape():
    study = Means(loads=(1.0, 1.5, 2.0, 3.0, 20.0, 30.0))
    before = compilations()
    jaxmem.sweep(study, replicates=3)
    shapes = {group.shape for family in families(study) for group in family.groups}
    assert len(shapes) == 5  # capacities 16 and 64 at d = 2; 16, 64 and 256 at d = 3
    assert compilations() - before == len(shapes) + 2  # and the common origin once per d


def test_more_replicates_keep_those_there_are(result, tmp_path):
    jaxmem.sweep(STUDY, replicates=4, seed=3, store=tmp_path / "s")
    grown = jaxmem.sweep(STUDY, replicates=10, seed=3, store=tmp_path / "s")
    assert bool(grown["completed"].all())
    xr.testing.assert_allclose(grown["mean"], result["mean"], rtol=1e-5, atol=1e-6)
    fewer = jaxmem.sweep(STUDY, replicates=2, seed=3, store=tmp_path / "s")
    assert fewer.sizes["replicate"] == 2
    assert jaxmem.open_store(tmp_path / "s").sizes["replicate"] == 10


def test_only_what_is_missing_is_computed(tmp_path, monkeypatch):
    path = tmp_path / "s"
    jaxmem.sweep(STUDY, replicates=6, seed=3, store=path)
    before = compilations()
    monkeypatch.setattr("jaxmem.sweeping.run.run_task", lambda *_: pytest.fail("nothing is missing"))
    jaxmem.sweep(STUDY, replicates=6, seed=3, store=path)
    assert compilations() == before


def test_killed_and_resumed(result, tmp_path):
    path = tmp_path / "s"
    code = f"""
        import time, jaxmem
        import jaxmem.sweeping.run as run
        from toy_study import Means
        fast = run.run_task
        run.run_task = lambda *arguments: (time.sleep(0.3), fast(*arguments))[1]
        jaxmem.sweep(Means(spread=(0.5, 1.0)), replicates=10, seed=3, chunk_size=1, store={str(path)!r})
    """
    process = run_python(code)
    done = 0
    while done < 15 and process.poll() is None:
        time.sleep(0.1)
        done = int(jaxmem.open_store(path)["completed"].sum()) if path.exists() else 0
    process.send_signal(signal.SIGKILL)
    process.communicate()
    half = jaxmem.open_store(path)
    finished = half["completed"].values.astype(bool)
    assert 0 < finished.sum() < finished.size
    assert np.isfinite(half["mean"].values[finished]).all()
    resumed = jaxmem.sweep(STUDY, replicates=10, seed=3, store=path)
    xr.testing.assert_allclose(resumed["mean"], result["mean"], rtol=1e-5, atol=1e-6)


def test_interrupt_keeps_the_chunk_in_progress(tmp_path, monkeypatch):
    path, written = tmp_path / "s", []
    original = jaxmem.sweeping.Store.write

    def interrupted_once(self, *tasks):
        written.append(tasks)
        if len(written) == 2:
            raise KeyboardInterrupt
        original(self, *tasks)

    monkeypatch.setattr(run, "WRITE_SECONDS", 0.0)
    monkeypatch.setattr(jaxmem.sweeping.Store, "write", interrupted_once)
    with pytest.raises(KeyboardInterrupt):
        jaxmem.sweep(STUDY, replicates=10, seed=3, chunk_size=2, store=path)
    assert int(jaxmem.open_store(path)["completed"].sum()) >= 2 * 2 * 6


def test_another_configuration_is_refused(tmp_path):
    path = tmp_path / "s"
    jaxmem.sweep(STUDY, replicates=2, seed=3, store=path)
    with pytest.raises(jaxmem.StoreError, match=r"spread = \[0.5, 1.0\] and cannot .* spread = 2.0"):
        jaxmem.sweep(Means(spread=2.0), replicates=2, seed=3, store=path)
    with pytest.raises(jaxmem.StoreError, match="seed = 3 and cannot be continued with seed = 4"):
        jaxmem.sweep(STUDY, replicates=2, seed=4, store=path)


def test_foreign_and_missing_stores_are_refused(tmp_path):
    (tmp_path / "letter.txt").write_text("dear reader")
    with pytest.raises(jaxmem.StoreError, match="damaged or not a Zarr store"):
        jaxmem.sweep(STUDY, replicates=2, store=tmp_path)
    with pytest.raises(jaxmem.StoreError, match="must be an existing directory"):
        jaxmem.open_store(tmp_path / "nothing")
    xr.Dataset({"x": ("a", [1.0])}).to_zarr(tmp_path / "other")
    with pytest.raises(jaxmem.StoreError, match="made by jaxmem"):
        jaxmem.open_store(tmp_path / "other")
    with pytest.raises(jaxmem.StoreError, match="holds other data"):
        jaxmem.sweep(STUDY, replicates=2, store=tmp_path / "other")


def test_a_store_without_a_variable_is_not_continued(tmp_path):
    path = tmp_path / "s"
    study = Means(spread=2.0)
    jaxmem.sweep(study, replicates=2, store=path)
    name = next(iter(study.variables()))
    shutil.rmtree(path / name)
    with pytest.raises(jaxmem.StoreError, match=f"has no variable {name}: it is damaged, or another version"):
        jaxmem.sweep(study, replicates=3, store=path)


def test_a_damaged_store_says_so(tmp_path):
    path = tmp_path / "s"
    jaxmem.sweep(STUDY, replicates=2, store=path)
    for chunk in (path / "completed" / "c").rglob("0"):
        if chunk.is_file():
            chunk.write_bytes(b"garbage")
    with pytest.raises(jaxmem.StoreError, match="variable completed' is damaged"):
        jaxmem.open_store(path)
    with pytest.warns(UserWarning, match="had lost 36 finished replicates"):
        mended = jaxmem.sweep(STUDY, replicates=3, store=path)
    assert bool(mended["completed"].all())


def test_a_full_disk_keeps_what_was_written(tmp_path, monkeypatch):
    path, original = tmp_path / "s", zarr.storage.LocalStore.set
    written = []

    async def full_after_a_while(self, key, value, *rest):
        written.append(key)
        if len(written) > 60:
            raise OSError(28, "No space left on device")
        return await original(self, key, value, *rest)

    monkeypatch.setattr(run, "WRITE_SECONDS", 0.0)
    monkeypatch.setattr(zarr.storage.LocalStore, "set", full_after_a_while)
    with pytest.raises(jaxmem.StoreError, match="No space left on device; what was finished is kept"):
        jaxmem.sweep(STUDY, replicates=20, seed=3, chunk_size=1, store=path)
    monkeypatch.undo()
    done = int(jaxmem.open_store(path)["completed"].sum())
    assert 0 < done < 240
    assert bool(jaxmem.sweep(STUDY, replicates=20, seed=3, store=path)["completed"].all())


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(jaxmem.StoreError, match="file"):
        jaxmem.sweep(STUDY, replicates=2, store=tmp_path / "file" / "s")
    with pytest.raises(jaxmem.StoreError, match="file"):
        jaxmem.sweep(STUDY, replicates=2, store=tmp_path / "file")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"replicates": 0}, "replicates must be a whole number of at least 1, got 0"),
        (
            {"replicates": 2, "seed": -1},
            "seed must be a whole number of at least 0 and at most 4294967295, got -1",
        ),
        ({"replicates": 2, "chunk_size": 0}, "chunk_size must be a whole number of at least 1, got 0"),
        ({"replicates": 2, "memory_budget": 0}, "memory_budget must be a whole number of at least 1, got 0"),
    ],
)
def test_bad_arguments(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        jaxmem.sweep(STUDY, **arguments)


@pytest.mark.parametrize("loads", [(), (2.0, 1.0), (1.0, 1.0)])
def test_bad_axes(loads):
    with pytest.raises(ValueError, match="loads must"):
        jaxmem.sweep(Means(loads=loads), replicates=2)


def test_settings_are_left_alone(result):
    assert not jax.config.jax_enable_x64
    assert jax.numpy.ones(1).dtype == np.float32
