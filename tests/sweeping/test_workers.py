"""Executors kept busy, results written together, data sent once, and the loss of workers in one sentence."""

import contextlib
import multiprocessing
import os
import pickle
import signal
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import distributed
import numpy as np
import pytest
from staged_study import Walk
from toy_study import Means
from typechecking import unchecked

import jaxmem
from jaxmem.cli import main
from jaxmem.populations import GivenArray, PopulationSettings
from jaxmem.studies import LinearOverlaps
from jaxmem.sweeping import Store, WorkersError, cluster, run, staged, workers
from jaxmem.sweeping.workers import workers_of

STUDY = Means(dims=(2,), loads=(1.0, 4.0))
ROWS = GivenArray.from_array(np.random.default_rng(0).normal(size=(40_000, 8)))


def empty(study, seed, task, layout):
    """Results without any work."""
    sizes = {"mean": (), "origin": (), "running": (4,)}
    count = len(task.replicates)
    return [
        (index, {name: np.full((count, *inner), float(task.replicates[0])) for name, inner in sizes.items()})
        for index in task.family.indices
    ]


def slow(*task):
    """Results after a while."""
    time.sleep(0.2)
    return empty(*task)


class Counted:
    """How many calls are in hand at once, and the most that ever were."""

    def __init__(self, seconds):
        self.now, self.most, self.calls, self.seconds, self.lock = 0, 0, 0, seconds, threading.Lock()

    def __call__(self, *task):
        with self.lock:
            self.now, self.calls = self.now + 1, self.calls + 1
            self.most = max(self.most, self.now)
        time.sleep(self.seconds)
        with self.lock:
            self.now -= 1
        return empty(*task)


HANDED = []


def handed(*task):
    """What a test has put into HANDED; Dask carries a function of a module by its name."""
    return HANDED[-1](*task)


@pytest.mark.parametrize(("told", "most"), [(None, 16), (3, 7)])
def test_sixteen_workers_do_sixteen_tasks_at_once(monkeypatch, told, most):
    """And where it is told that there are three, it hands over seven: each has one more that waits."""
    counted = Counted(0.05)
    monkeypatch.setattr(run, "run_task", counted)
    with ThreadPoolExecutor(16) as executor:
        found = jaxmem.sweep(STUDY, replicates=32, chunk_size=1, executor=executor, workers=told)
    assert counted.most == most
    assert counted.calls == 32
    np.testing.assert_array_equal(found["running"][0, 0, 2], np.arange(32))


def test_work_is_cut_for_all_workers(monkeypatch):
    """Without a chunk size: four tasks a worker, where there are as many replicates."""
    counted = Counted(0.0)
    monkeypatch.setattr(run, "run_task", counted)
    with ThreadPoolExecutor(4) as executor:
        jaxmem.sweep(STUDY, replicates=40, executor=executor)
        assert counted.calls == 14  # of three replicates
        jaxmem.sweep(STUDY, replicates=2, executor=executor)
    assert counted.calls == 14 + 2


def test_short_tasks_are_written_together(tmp_path, monkeypatch):
    """And long ones as they come."""
    writes, original = [], Store.write
    monkeypatch.setattr(
        Store, "write", lambda self, *tasks: (writes.append(len(tasks)), original(self, *tasks))
    )
    monkeypatch.setattr(run, "run_task", empty)
    with ThreadPoolExecutor(2) as executor:
        found = jaxmem.sweep(STUDY, replicates=150, chunk_size=1, executor=executor, store=tmp_path / "a")
        assert sum(writes) == 150
        assert len(writes) < 30
        assert found["completed"].all()
        np.testing.assert_array_equal(found["mean"][0, 1], np.arange(150))
        monkeypatch.setattr(run, "WRITE_SECONDS", 0.0)
        writes.clear()
        jaxmem.sweep(STUDY, replicates=20, chunk_size=5, executor=executor, store=tmp_path / "b")
    assert writes == [1] * 4
    assert jaxmem.sweeping.check_store(tmp_path / "a") == 0


def test_what_has_come_is_written_while_other_tasks_run(tmp_path, monkeypatch):
    """The second result comes at once after the first write, the third task runs until the second is seen."""
    monkeypatch.setattr(run, "WRITE_SECONDS", 0.2)
    store, seen = tmp_path / "s", threading.Event()

    def task(study, seed, task, layout):
        if task.replicates == (2,):
            for _ in range(200):
                if int(jaxmem.open_store(store)["completed"].sum()) >= 2 * 2:
                    seen.set()
                    break
                time.sleep(0.05)
        return empty(study, seed, task, layout)

    monkeypatch.setattr(run, "run_task", task)
    with ThreadPoolExecutor(3) as executor:
        jaxmem.sweep(STUDY, replicates=3, chunk_size=1, executor=executor, store=store)
    assert seen.is_set()


def test_an_executor_is_told_to_stop(tmp_path, monkeypatch):
    """Ctrl-C: a task in another thread or process saves its state, and is not waited for to its end."""
    monkeypatch.setattr(staged, "CALL_SECONDS", 0.0)
    advance, steps, study = staged.Programs.advance, [], Walk(last=10_000)

    def interrupt(self, state, number):
        steps.append(number)
        if sum(steps) == 5:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        time.sleep(0.001)
        return advance(self, state, number)

    monkeypatch.setattr(staged.Programs, "advance", interrupt)
    with ThreadPoolExecutor(1) as executor, pytest.raises(KeyboardInterrupt):
        jaxmem.sweep(study, replicates=1, executor=executor, store=tmp_path / "run.zarr")
    assert sum(steps) < 5_000
    assert list((tmp_path / "run.zarr" / ".stages").glob("*/group-0/state.eqx"))
    steps.append(5)  # no more interrupts
    monkeypatch.setattr(staged, "CALL_SECONDS", 1.0)
    found = jaxmem.sweep(study, replicates=1, store=tmp_path / "run.zarr")
    assert found["completed"].all()
    np.testing.assert_array_equal(found["sum"], jaxmem.sweep(study, replicates=1)["sum"])


def test_data_go_to_processes_once():
    """As a file that each opens once, instead of 2.5 MB with every task."""
    with unchecked():
        study = LinearOverlaps(population=PopulationSettings(samples=ROWS), loads=(1.0,))
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawn) as pool, workers_of(pool, study, None) as hands:
        words = hands.sent(empty, study)
        assert hands.count() == 2
        assert len(pickle.dumps(words)) < 1_000
        function, *more = words
        assert function(more[0], lambda given, seed: (given, seed), 7) == (study, 7)
        small = workers_of(pool, STUDY, None)
        with small as others:
            assert others.sent(empty, STUDY) == (empty, STUDY)


@pytest.fixture(scope="module")
def client():
    with distributed.Client(
        processes=False, n_workers=2, threads_per_worker=2, dashboard_address=":0"
    ) as one:
        yield one


def test_a_dask_client_is_an_executor(client, tmp_path):
    expected = jaxmem.sweep(STUDY, replicates=6, seed=3)
    for executor in (client, client.get_executor()):
        found = jaxmem.sweep(STUDY, replicates=6, seed=3, chunk_size=2, executor=executor)
        np.testing.assert_allclose(found["mean"], expected["mean"], rtol=1e-6)
    half = tmp_path / "half.zarr"  # in process, then on the cluster: one store
    jaxmem.sweep(STUDY, replicates=3, seed=3, store=half)
    found = jaxmem.sweep(STUDY, replicates=6, seed=3, store=half, executor=client)
    np.testing.assert_allclose(found["mean"], expected["mean"], rtol=1e-6)


def test_data_go_to_dask_workers_once(client):
    with unchecked():
        study = LinearOverlaps(population=PopulationSettings(samples=ROWS), loads=(1.0,))
    with workers_of(client, study, None) as hands:
        assert hands.count() == 4
        _, sent = hands.sent(empty, study)
        assert sent.result() == study
        assert len(client.who_has()[sent.key]) == 2
    found = jaxmem.sweep(study, replicates=2, executor=client)
    np.testing.assert_allclose(
        found["convergence"], jaxmem.sweep(study, replicates=2)["convergence"], rtol=1e-5
    )


def test_a_cluster_that_grows_is_kept_busy(monkeypatch):
    """Two threads at first, then four; where it is told how many there will be, it does not wait."""
    counted, growing = Counted(0.1), threading.Event()

    def task(*words):
        if counted.calls == 8:
            growing.set()
        return counted(*words)

    HANDED.append(task)
    monkeypatch.setattr(run, "run_task", handed)
    monkeypatch.setattr(workers, "ASKED_SECONDS", 0.0)
    settings = {"processes": False, "threads_per_worker": 2, "dashboard_address": ":0"}
    with distributed.LocalCluster(n_workers=1, **settings) as local, distributed.Client(local) as client:
        grow = threading.Thread(target=lambda: (growing.wait(60), local.scale(2)))
        grow.start()
        jaxmem.sweep(STUDY, replicates=60, chunk_size=1, executor=client)
        grow.join()
        assert counted.most == 4
        with workers_of(client, STUDY, 64) as told:
            assert told.count() == 64


def test_an_interrupt_keeps_what_dask_has_in_hand(client, tmp_path, monkeypatch):
    """Tasks that run are waited for and written, those that wait are not begun."""
    counted = Counted(1.0)

    def task(*words):
        if counted.calls == 3:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        return counted(*words)

    HANDED.append(task)
    monkeypatch.setattr(run, "run_task", handed)
    with pytest.raises(KeyboardInterrupt):
        jaxmem.sweep(STUDY, replicates=100, chunk_size=1, executor=client, store=tmp_path / "s")
    kept = jaxmem.open_store(tmp_path / "s")["completed"].isel(dim=0, load=0)
    assert 4 <= counted.calls < 10
    assert int(kept.sum()) == counted.calls


def test_the_death_of_the_cluster_is_one_sentence(tmp_path, monkeypatch):
    """What was finished is kept."""
    monkeypatch.setattr(run, "run_task", slow)
    monkeypatch.setattr(run, "WRITE_SECONDS", 0.0)
    local = distributed.LocalCluster(
        processes=False, n_workers=1, threads_per_worker=1, dashboard_address=":0"
    )
    client = distributed.Client(local)
    threading.Timer(1.0, local.close).start()
    with pytest.raises(WorkersError, match=r"the workers were lost .* finished chunks are kept"):
        jaxmem.sweep(STUDY, replicates=50, chunk_size=1, executor=client, store=tmp_path / "s")
    with contextlib.suppress(Exception):
        client.close()
    assert 0 < int(jaxmem.open_store(tmp_path / "s")["completed"].sum()) < 100


class Broken(ThreadPoolExecutor):
    """A pool whose processes have died."""

    def submit(self, *words):
        raise BrokenProcessPool("a process was killed")


def test_a_broken_pool_is_one_sentence():
    with Broken(1) as executor, pytest.raises(WorkersError, match=r"lost .BrokenProcessPool: a process was"):
        jaxmem.sweep(STUDY, replicates=1, executor=executor)


def test_where_to_compute_is_checked():
    with (
        pytest.raises(ValueError, match="workers must be left out beside a scheduler"),
        cluster(2, "tcp://x:1"),
    ):
        pass
    with (
        pytest.raises(ValueError, match="workers must be a whole number of at least 1, got 0"),
        cluster(0, None),
    ):
        pass
    with ThreadPoolExecutor(1) as executor, pytest.raises(ValueError, match="workers must be a whole number"):
        jaxmem.sweep(STUDY, replicates=1, executor=executor, workers=0)


def state_of_process():
    """Whether Ctrl-C is ignored, and the cores that may be used."""
    return signal.getsignal(signal.SIGINT) is signal.SIG_IGN, sorted(os.sched_getaffinity(0))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cores cannot be asked for")
def test_local_processes_share_the_cores_and_leave_an_interrupt_to_the_client():
    """Also one that was started again."""
    cores = sorted(os.sched_getaffinity(0))
    with cluster(2, None) as client:
        first = client.run(state_of_process)
        with contextlib.suppress(Exception):
            client.run(os._exit, 1, workers=[next(iter(first))])
        again, ends = first, time.monotonic() + 60
        while (set(again) == set(first) or len(again) < 2) and time.monotonic() < ends:
            time.sleep(0.2)
            with contextlib.suppress(OSError):  # one that has just gone
                again = client.run(state_of_process)
        assert set(again) != set(first)
        for states in (first, again):
            assert all(ignored for ignored, _ in states.values())
            assert sorted(mine for _, mine in states.values()) == sorted([cores[::2], cores[1::2] or cores])
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN


@pytest.mark.slow
def test_two_processes_from_the_command_line(tmp_path, capfd):
    words = ["run", "linear-overlaps", "--dims", "8", "--loads", "1", "--replicates", "4"]
    assert main([*words, "--store", str(tmp_path / "two"), "--workers", "2"]) == 0
    assert "dashboard: http" in capfd.readouterr().err
    assert main([*words, "--store", str(tmp_path / "one"), "--quiet"]) == 0
    pair = [jaxmem.open_store(tmp_path / name) for name in ("one", "two")]
    np.testing.assert_allclose(pair[0]["convergence"], pair[1]["convergence"], rtol=1e-6)
    assert main([*words, "--store", str(tmp_path / "x"), "--workers", "0"]) == 1
