"""How long a sweep will take: a clock that the test moves, and what a store has already."""

import pytest
from staged_study import Walk
from toy_study import Means

import jaxmem
from jaxmem.cli import main
from jaxmem.cli.running import duration
from jaxmem.sweeping import estimate as estimated
from jaxmem.sweeping import families
from jaxmem.sweeping.estimating import time
from jaxmem.sweeping.staged import Programs

STUDY = Means(dims=(2, 3), loads=(1.0, 4.0))


class Clock:
    """Seconds that tasks say they take."""

    def __init__(self, monkeypatch):
        self.now, self.seen = 0.0, set()
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)

    def take(self, what, compiling, seconds):
        self.now += seconds + (0 if what in self.seen else compiling)
        self.seen.add(what)


def test_shapes_are_compiled_once_and_missing_replicates_computed(monkeypatch, tmp_path):
    jaxmem.sweep(STUDY, replicates=3, store=tmp_path / "s")
    clock = Clock(monkeypatch)

    def task(study, seed, task, layout):
        clock.take(task.family, 10.0, 0.5 * task.size)

    monkeypatch.setattr("jaxmem.sweeping.estimating.run_task", task)
    assert len(families(STUDY)) == 2
    assert estimated(STUDY, replicates=5) == pytest.approx((20.0, 0.5 * 20, 20, 20))
    left = estimated(STUDY, replicates=5, store=tmp_path / "s")
    assert left == pytest.approx((0.0, 0.5 * 8, 8, 20))  # this process has compiled them
    assert estimated(STUDY, replicates=3, store=tmp_path / "s") == (0.0, 0.0, 0, 12)
    assert estimated(STUDY, replicates=5, store=tmp_path / "none").missing == 20


def test_steps_and_looks_of_stages(monkeypatch):
    """100 steps of 0.3 s and five looks of 2 s, for each of two points; compiled in 5 s and 7 s."""
    clock = Clock(monkeypatch)
    advance, observe = Programs.advance, Programs.observe

    def steps(self, state, number):
        found = advance(self, state, number)
        clock.take("steps", 5.0, 0.3 * int(number) * 2)
        return found

    def look(self, state):
        clock.take("look", 7.0, 2.0 * 2)
        return observe(self, state)

    monkeypatch.setattr(Programs, "advance", steps)
    monkeypatch.setattr(Programs, "observe", look)
    found = estimated(Walk(), replicates=4)
    assert found.computing == pytest.approx(4 * 2 * (100 * 0.3 + 5 * 2.0))
    assert found.compiling == pytest.approx(12 + 0.6)  # with the step that the first call takes
    assert (found.missing, found.total) == (8, 8)


def test_the_command_says_it_and_writes_nothing(tmp_path, capsys):
    words = ["run", "condensation", "--samples", "8", "--replicates", "3", "--store", str(tmp_path / "s")]
    assert main([*words, "--estimate"]) == 0
    assert "for 84 of 84 (point, replicate) pairs" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())
    assert main([*words, "--quiet"]) == 0
    capsys.readouterr()
    assert main([*words, "--estimate"]) == 0
    assert "nothing is missing" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.5, "0.5 s"), (119, "119 s"), (150, "2.5 min"), (7_300, "2.0 h")],
)
def test_durations(seconds, words):
    assert duration(seconds) == words
