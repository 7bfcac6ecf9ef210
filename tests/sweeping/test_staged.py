"""Studies cut into stages: the same bits however they are cut, and after whatever ended them."""

import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax
import numpy as np
import pytest
import zarr
from staged_study import Walk
from toy_study import Means

import jaxmem
from jaxmem.sweeping import batching, families, staged
from jaxmem.sweeping.batching import Layout
from jaxmem.sweeping.grid import Task
from jaxmem.sweeping.unfinished import STAGES, place_of

STUDY = Walk()
SETTINGS = {"replicates": 5, "chunk_size": 2, "seed": 7}


@pytest.fixture(scope="module")
def whole():
    return jaxmem.sweep(STUDY, **SETTINGS)


def same(ours, theirs):
    for name in ("sum", "end"):
        np.testing.assert_array_equal(ours[name], theirs[name])


def by_ones(monkeypatch):
    """Stages of a step each, saved after each."""
    monkeypatch.setattr(staged, "CALL_SECONDS", 0.0)
    monkeypatch.setattr(staged, "STAGE_SHARE", 0.0)
    return {"stage_seconds": 0.0}


def test_simulate_follows_from_the_stages(whole):
    """Chaotic: one step more or less, or another noise, would change every digit."""
    jitted = jax.jit(lambda key, rate: STUDY.simulate(key, {"rate": rate, "size": 3}, shape=3))
    alone = jitted(jaxmem.replicate_key(7, 4), 0.9)
    few = whole.sel(rate=0.9, size=3).isel(replicate=4)
    np.testing.assert_allclose(alone["sum"][:3], few["sum"][:3], rtol=1e-4, atol=1e-4)
    x = np.asarray(STUDY.initial_state(jaxmem.replicate_key(7, 4), {}, shape=3)["x"])
    np.testing.assert_allclose(few["sum"][0], x.sum(), rtol=1e-6)
    assert few["sum"][-1] == few["end"]


@pytest.mark.parametrize("seconds", [None, 0.0])
def test_stages_change_no_bit(tmp_path, monkeypatch, seconds):
    settings = {} if seconds is None else by_ones(monkeypatch)
    one = jaxmem.sweep(STUDY, **SETTINGS, **settings, store=tmp_path / "one.zarr")
    two = jaxmem.sweep(STUDY, **SETTINGS, store=tmp_path / "two.zarr")
    same(one, two)
    assert not (tmp_path / "one.zarr" / STAGES).exists()


class BrokenError(Exception):
    pass


@pytest.mark.parametrize("after", [1, 9, 51, 100, 150])
def test_a_run_that_breaks_goes_on_to_the_same_bits(tmp_path, monkeypatch, after):
    """Broken at a save, of the first task or the second; the next run takes it up where it was."""
    expected = jaxmem.sweep(STUDY, **SETTINGS, store=tmp_path / "whole.zarr")
    settings, saves, steps = by_ones(monkeypatch), [], []
    save, advance = staged.save_tree, staged.Programs.advance

    def break_down(path, tree, header):
        save(path, tree, header)
        saves.append(path)
        if len(saves) == after:
            raise BrokenError

    def count(self, state, number):
        steps.append(number)
        return advance(self, state, number)

    path = tmp_path / "broken.zarr"
    monkeypatch.setattr(staged, "save_tree", break_down)
    with pytest.raises(BrokenError):
        jaxmem.sweep(STUDY, **SETTINGS, **settings, store=path)
    monkeypatch.setattr(staged, "save_tree", save)
    monkeypatch.setattr(staged.Programs, "advance", count)
    same(jaxmem.sweep(STUDY, **SETTINGS, store=path), expected)
    # Three tasks, of two, two and one replicates: no step is taken twice, the task next in line saved too.
    assert sum(steps) == 3 * 100 - len(saves)
    assert after <= len(saves) <= after + 1


def test_what_another_run_has_left_is_not_taken_up(tmp_path, monkeypatch):
    """A damaged state is made again; a task of another chunk size is finished as it was begun."""
    settings, save = by_ones(monkeypatch), staged.save_tree

    def break_down(path, tree, header):
        save(path, tree, header)
        raise BrokenError

    path = tmp_path / "run.zarr"
    monkeypatch.setattr(staged, "save_tree", break_down)
    with pytest.raises(BrokenError):
        jaxmem.sweep(STUDY, **SETTINGS, **settings, store=path)
    for state in (path / STAGES).glob("*/group-0/state.eqx"):
        damaged = bytearray(state.read_bytes())
        damaged[-1] ^= 1
        state.write_bytes(damaged)
    monkeypatch.setattr(staged, "save_tree", save)
    found = jaxmem.sweep(STUDY, **SETTINGS | {"chunk_size": 5, "replicates": 6}, store=path)
    expected = jaxmem.sweep(STUDY, **SETTINGS, store=tmp_path / "whole.zarr")
    same(found.isel(replicate=slice(0, 2)), expected.isel(replicate=slice(0, 2)))
    assert found["completed"].all()


def broken_after(saves, path, monkeypatch, **more):
    """A run that ends at the last of so many saves of its first task."""
    settings, save, left = by_ones(monkeypatch), staged.save_tree, [saves]

    def break_down(where, tree, header):
        save(where, tree, header)
        left[0] -= 1
        if not left[0]:
            raise BrokenError

    with monkeypatch.context() as broken:
        broken.setattr(staged, "save_tree", break_down)
        with pytest.raises(BrokenError):
            jaxmem.sweep(STUDY, **SETTINGS | more, **settings, store=path)


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"PK")])
def test_a_lost_snapshot_is_made_again(tmp_path, monkeypatch, whole, damage):
    path = tmp_path / "run.zarr"
    broken_after(20, path, monkeypatch)
    (first,) = (path / STAGES).glob("*/group-0/snapshot-1-*")
    damage(first)
    same(jaxmem.sweep(STUDY, **SETTINGS, store=path), whole)


def test_more_devices_finish_what_fewer_began(tmp_path, monkeypatch, whole):
    """Laid out for two replicates, which three devices cannot share evenly."""
    path = tmp_path / "run.zarr"
    broken_after(20, path, monkeypatch)
    here = Path(__file__).parent
    environment = os.environ | {
        "PYTHONPATH": f"{here}:{here.parents[1]}",
        "XLA_FLAGS": "--xla_force_host_platform_device_count=3",
    }
    code = f"import jaxmem, staged_study as s; jaxmem.sweep(s.Walk(), **{SETTINGS}, store={str(path)!r})"
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=300)
    found = jaxmem.open_store(path)
    assert found["completed"].all()
    np.testing.assert_allclose(found["sum"][..., 0, :], whole["sum"][..., 0, :], rtol=1e-6)
    assert not (path / STAGES).exists()


def test_a_run_that_is_told_to_stop_saves_and_ends(tmp_path, monkeypatch):
    """Ctrl-C while a stage is in hand: the state of that moment is kept, though no stage was over."""
    advance, steps = staged.Programs.advance, []
    monkeypatch.setattr(staged, "CALL_SECONDS", 0.0)

    def interrupt(self, state, number):
        steps.append(number)
        if sum(steps) == 5:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            time.sleep(0.3)  # until it has heard
        return advance(self, state, number)

    monkeypatch.setattr(staged.Programs, "advance", interrupt)
    path = tmp_path / "run.zarr"
    with pytest.raises(KeyboardInterrupt):
        jaxmem.sweep(STUDY, **SETTINGS, store=path)
    monkeypatch.setattr(staged.Programs, "advance", advance)
    assert len(list((path / STAGES).glob("*/group-0/state.eqx"))) == 1
    assert sum(steps) < 10
    same(
        jaxmem.sweep(STUDY, **SETTINGS, store=path),
        jaxmem.sweep(STUDY, **SETTINGS, store=tmp_path / "whole.zarr"),
    )


def test_a_task_that_another_run_has_taken_over_ends_without_a_word(tmp_path, monkeypatch):
    """Its client has died, its worker has not: the next run's files stay as that run writes them."""
    monkeypatch.setattr(staged, "CALL_SECONDS", 0.0)
    advance, saves, steps = staged.Programs.advance, [], []
    (family,), layout = families(STUDY), Layout(2, 2**30)
    task = Task(family, (0, 1))
    place = place_of(tmp_path, task, layout, "first")

    def take_over(self, state, number):
        steps.append(number)
        if sum(steps) == 5:
            place_of(tmp_path, task, layout, "second")
        return advance(self, state, number)

    monkeypatch.setattr(staged.Programs, "advance", take_over)
    monkeypatch.setattr(staged, "save_tree", lambda *words: saves.append(words))
    with pytest.raises(staged.StoppedError):
        staged.run_staged_task(STUDY, 0, task, layout, place, 1e9)
    assert sum(steps) < 10
    assert not saves
    with pytest.raises(staged.StoppedError):  # nor does one begin that had waited
        staged.run_staged_task(STUDY, 0, task, layout, place, 1e9)
    assert sum(steps) < 10


def test_a_killed_run_goes_on_to_the_same_bits(tmp_path):
    """SIGKILL once some stages are saved, in a process of its own."""
    path = tmp_path / "run.zarr"
    code = (
        "import jaxmem; from jaxmem.sweeping import staged; from staged_study import Walk\n"
        "staged.CALL_SECONDS = staged.STAGE_SHARE = 0.0\n"
        f"jaxmem.sweep(Walk(last=100_000), replicates=2, seed=7, stage_seconds=0.0, store={str(path)!r})"
    )
    here = Path(__file__).parent
    environment = os.environ | {"PYTHONPATH": f"{here}:{here.parents[1]}"}
    run = subprocess.Popen([sys.executable, "-c", code], env=environment)
    while run.poll() is None and not list(path.glob(f"{STAGES}/*/group-0/snapshot-2-*")):
        time.sleep(0.01)
    run.kill()
    assert run.wait() == -signal.SIGKILL
    study = Walk(last=100_000)
    same(
        jaxmem.sweep(study, replicates=2, seed=7, store=path),
        jaxmem.sweep(study, replicates=2, seed=7, store=tmp_path / "whole.zarr"),
    )


def test_memory_holds_one_snapshot(tmp_path, monkeypatch):
    kept = []
    monkeypatch.setattr(staged._Seen, "keep", _spied(staged._Seen.keep, kept))
    jaxmem.sweep(STUDY, **SETTINGS, store=tmp_path / "run.zarr")
    assert len(kept) == 15
    assert not any(kept)


def _spied(keep, kept):
    def spy(self, number, arrays):
        keep(self, number, arrays)
        kept.append(len(self._kept))

    return spy


def test_any_executor_carries_stages(tmp_path, whole):
    with ThreadPoolExecutor(2) as executor:
        found = jaxmem.sweep(STUDY, **SETTINGS, executor=executor, store=tmp_path / "run.zarr")
    np.testing.assert_array_equal(found["sum"][..., 0, :], whole["sum"][..., 0, :])


def test_steps_are_shown(tmp_path, capsys):
    jaxmem.sweep(STUDY, **SETTINGS, store=tmp_path / "run.zarr", progress=True)
    assert "step 100 of 100" in capsys.readouterr().err


def test_a_study_without_stages_notices_nothing(tmp_path):
    before = batching.compilations(), staged._compiled._cache_size()
    study = dataclasses.replace(Means(), spread=3.0)
    jaxmem.sweep(study, replicates=2, store=tmp_path / "run.zarr")
    assert batching.compilations() - before[0] == len({study.shape(p) for p in _points(study)}) + 2
    assert staged._compiled._cache_size() == before[1]
    assert not (tmp_path / "run.zarr" / STAGES).exists()


def _points(study):
    return [{"dim": dim, "load": load} for dim in study.dims for load in study.loads]


def test_the_store_is_one_that_zarr_opens(tmp_path):
    jaxmem.sweep(STUDY, **SETTINGS, store=tmp_path / "run.zarr")
    assert set(STUDY.variables()) <= set(zarr.open_group(tmp_path / "run.zarr", mode="r"))


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="stage_seconds must be a finite number at least 0, got -1"):
        jaxmem.sweep(STUDY, replicates=1, stage_seconds=-1)
