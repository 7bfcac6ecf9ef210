"""A store holds what was written, one run at a time; what it has lost is found and made again."""

import multiprocessing
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr
from toy_study import Means

import jaxmem
from jaxmem.sweeping import Store, check_store
from jaxmem.sweeping.integrity import checksums
from jaxmem.sweeping.store import BYTES_PER_FILE, replicates_per_file

STUDY = Means(dims=(2,), loads=(1.0, 4.0))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "s"
    jaxmem.sweep(STUDY, replicates=6, seed=3, store=path)
    return path


@pytest.fixture
def path(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "s"))


def chunk_of(path: Path, name: str) -> Path:
    return next(file for file in (path / name / "c").rglob("*") if file.is_file())


def delete(path):
    chunk_of(path, "mean").unlink()
    return 12


def fill_with_garbage(path):
    chunk_of(path, "running").write_bytes(b"garbage")
    return 12


def overwrite_with_nan(path):
    zarr.open_group(str(path), mode="r+")["origin"][..., 2] = np.nan
    return 2


def change_one_value(path):
    array = zarr.open_group(str(path), mode="r+")["running"]
    array[0, 1, 2, 4] = np.nextafter(array[0, 1, 2, 4], np.inf)
    return 1


def lose_the_marks(path):
    chunk_of(path, "completed").write_bytes(b"garbage")
    return 12


@pytest.mark.parametrize(
    "damage", [delete, fill_with_garbage, overwrite_with_nan, change_one_value, lose_the_marks]
)
def test_what_is_lost_is_found_and_made_again(whole, path, damage):
    assert check_store(path) == 0
    lost = damage(path)
    assert check_store(path) == lost
    with pytest.warns(UserWarning, match=f"had lost {lost} finished replicates"):
        mended = jaxmem.sweep(STUDY, replicates=6, seed=3, store=path)
    assert check_store(path) == 0
    xr.testing.assert_allclose(mended.load(), jaxmem.open_store(whole).load(), rtol=1e-5, atol=1e-6)


def test_a_nan_that_was_computed_is_kept(tmp_path, recwarn):
    values = {"mean": np.full(3, np.nan), "origin": np.zeros(3), "running": np.full((3, 4), np.nan)}
    store = Store(STUDY, 3, 3, tmp_path / "s")
    store.write((range(3), [(index, values) for index in ((0, 0), (0, 1))]))
    store.close()
    assert check_store(tmp_path / "s") == 0
    jaxmem.sweep(STUDY, replicates=3, seed=3, store=tmp_path / "s")
    assert not [w for w in recwarn if "had lost" in str(w.message)]
    assert np.isnan(jaxmem.open_store(tmp_path / "s")["mean"]).all()


def test_marks_without_values_of_an_earlier_version_are_healed(path):
    group = zarr.open_group(str(path), mode="r+")
    for name in STUDY.variables():
        group[name][..., 4:] = np.nan
    del group["checksum"]
    with pytest.warns(UserWarning, match="had lost 4 finished"):
        healed = jaxmem.sweep(STUDY, replicates=6, seed=3, store=path)
    assert np.isfinite(healed["mean"]).all()
    assert check_store(path) == 0


def test_checksums_tell_places_and_bits_apart():
    values = np.random.default_rng(0).normal(size=(2, 5, 3))
    swapped, negated = values[:, [1, 0, 2, 3, 4]], np.where(values == values[0, 0, 0], -values, values)
    first = checksums({"a": values, "b": values}, 1)
    assert first.shape == (2, 3)
    assert (first != checksums({"a": swapped, "b": values}, 1)).all()
    assert (first != checksums({"a": negated, "b": values}, 1)).sum() == 1
    assert (checksums({"a": values, "b": negated}, 1) != checksums({"a": negated, "b": values}, 1)).sum() == 1
    alone = [checksums({"a": values[i], "b": values[i]}, 0) for i in range(2)]
    np.testing.assert_array_equal(first, alone)


def test_one_writer_at_a_time(path):
    writer = Store(STUDY, 6, 3, path)
    with pytest.raises(jaxmem.StoreError, match="is being written by another run"):
        jaxmem.sweep(STUDY, replicates=7, seed=3, store=path)
    writer.close()
    assert jaxmem.sweep(STUDY, replicates=6, seed=3, store=path).sizes["replicate"] == 6


def test_a_refused_store_is_not_touched(tmp_path):
    other = tmp_path / "other"
    xr.Dataset({"x": ("a", [1.0])}).to_zarr(other)
    before = sorted(other.rglob("*"))
    with pytest.raises(jaxmem.StoreError, match="holds other data"):
        jaxmem.sweep(STUDY, replicates=2, store=other)
    assert sorted(other.rglob("*")) == before


def test_a_start_leaves_whole_stores_and_the_users_folders(tmp_path, monkeypatch):
    (tmp_path / "s.unfinished").mkdir()
    (tmp_path / "s.unfinished" / "mine").write_text("")
    with monkeypatch.context() as broken:
        broken.setattr("jaxmem.sweeping.store._consolidate", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            Store(STUDY, 2, 0, tmp_path / "s")
    assert [entry.name for entry in tmp_path.iterdir()] == ["s.unfinished"]
    Store(STUDY, 2, 0, tmp_path / "s").close()
    assert (tmp_path / "s.unfinished" / "mine").exists()


def test_an_empty_folder_and_the_working_directory_are_places_for_a_store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Store(STUDY, 2, 0, ".").close()
    assert jaxmem.open_store(".").attrs["study"] == "means"


def test_home_is_the_users(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    Store(STUDY, 2, 0, "~/s").close()
    assert not (tmp_path / "~").exists()
    assert jaxmem.open_store("~/s").sizes["replicate"] == 2


def test_files_do_not_depend_on_the_first_run(tmp_path):
    for name, first in {"one": 1, "many": 600}.items():
        Store(STUDY, first, 0, tmp_path / name).close()
        Store(STUDY, 600, 0, tmp_path / name).close()
        assert zarr.open_group(str(tmp_path / name))["mean"].chunks == (1, 2, 256)
    assert replicates_per_file(BYTES_PER_FILE) == 1


def test_versions_that_wrote_are_recorded_and_said(path):
    attributes = zarr.open_group(str(path), mode="r+").attrs
    attributes["writers"] = attributes["writers"].replace('"jaxmem": "0.1.0"', '"jaxmem": "0.0.9"')
    with pytest.warns(UserWarning, match=r"written with jaxmem 0.0.9 and goes on with jaxmem"):
        jaxmem.sweep(STUDY, replicates=6, seed=3, store=path)
    writers = jaxmem.open_store(path).attrs["writers"]
    assert "0.0.9" in writers
    assert writers.count('"jaxmem"') == 2


def test_processes_that_fork_are_refused():
    with (
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as executor,
        pytest.raises(ValueError, match="spawn"),
    ):
        jaxmem.sweep(STUDY, replicates=2, executor=executor)


def test_what_cannot_fit_is_said_before_anything_is_made(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="replicates must leave the result in memory, got 10000000000"):
        jaxmem.sweep(STUDY, replicates=10**10, store=tmp_path / "s")
    monkeypatch.setattr(Means, "bytes_per_replicate", lambda *_: 2**60)
    with pytest.raises(ValueError, match="needs about 1 EiB for one replicate"):
        jaxmem.sweep(STUDY, replicates=2, store=tmp_path / "s")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("wrong", [5.7, "5", True, -1, 2**32])
def test_keys_of_replicates_are_whole_numbers(wrong):
    with pytest.raises(ValueError, match="replicate must be a whole number"):
        jaxmem.replicate_key(0, wrong)
    with pytest.raises(ValueError, match="seed must be a whole number"):
        jaxmem.replicate_key(wrong, 0)
