"""Which tasks of an earlier run are taken up, from the notes in their folders and what the store has."""

import numpy as np
import pytest

from jaxmem.sweeping.batching import Layout
from jaxmem.sweeping.grid import Family, Group, Task
from jaxmem.sweeping.unfinished import STAGES, place_of, unfinished_tasks

GROUPS = tuple(Group(("shape", i), ((0, i),), ((("size", i),),)) for i in range(3))
FAMILY = Family((("dim", 1),), GROUPS)
OTHER = Family((("dim", 2),), (Group(("shape", 0), ((1, 0),), ((("size", 0),),)),))
BYTES = 1_000


@pytest.fixture
def completed():
    return np.zeros((2, 3, 8), np.int8)


def begun(store, groups, replicates, layout=4):
    task = Task(Family(FAMILY.prepared_at, groups), replicates)
    return place_of(store, task, Layout(layout, 1), "run").folder


def found(store, completed):
    return list(unfinished_tasks(store, (OTHER, FAMILY), completed, BYTES))


@pytest.mark.parametrize("groups", [GROUPS, GROUPS[:1], GROUPS[1:]])
def test_a_task_is_taken_up_as_it_was_laid_out(tmp_path, completed, groups):
    begun(tmp_path, groups, (4, 6))
    assert found(tmp_path, completed) == [
        (Task(Family(FAMILY.prepared_at, groups), (4, 6)), Layout(4, BYTES))
    ]


def test_a_half_written_task_is_taken_up_whole(tmp_path, completed):
    """Killed while it wrote: the outcome of what is not in the store lies in the folder."""
    begun(tmp_path, GROUPS, (0, 1))
    completed[0, :2, :2] = 1
    assert [task.replicates for task, _ in found(tmp_path, completed)] == [(0, 1)]
    completed[0, 2, :2] = 1
    assert not found(tmp_path, completed)
    assert not (tmp_path / STAGES).exists()


def test_no_replicate_is_taken_up_twice(tmp_path, completed):
    """A run for fewer replicates began anew what one for more had in hand."""
    begun(tmp_path, GROUPS, (0, 1, 2, 3))
    begun(tmp_path, GROUPS, (0, 1))
    tasks = [task for task, _ in found(tmp_path, completed)]
    both = [
        (replicate, index) for task in tasks for replicate in task.replicates for index in task.family.indices
    ]
    assert len(both) == 12
    assert set(both) == {(replicate, (0, i)) for replicate in range(4) for i in range(3)}


def test_what_lies_beyond_the_replicates_asked_for_is_left(tmp_path, completed):
    folder = begun(tmp_path, GROUPS, (6, 8))
    assert not found(tmp_path, completed)
    assert folder.exists()


def test_a_task_knows_whose_it_is(tmp_path):
    task = Task(Family(FAMILY.prepared_at, GROUPS), (0,))
    place = place_of(tmp_path, task, Layout(4, 1), "first")
    assert place.standing() == "held"
    place.end()
    assert place.standing() == "ended"
    again = place_of(tmp_path, task, Layout(4, 1), "second")
    assert place.folder == again.folder
    assert (place.standing(), again.standing()) == ("taken over", "held")
    again.forget()
    assert again.standing() == "taken over"
    assert not place.folder.exists()


@pytest.mark.parametrize(
    "note",
    [
        "",
        "[]",
        '{"groups": [[[0, 0]]], "replicates": [], "layout": 4}',
        '{"groups": [[[0, 0]]], "replicates": [0, 1], "layout": 1}',
        '{"groups": [[[0, 7]]], "replicates": [0], "layout": 4}',
        '{"groups": [[[0, 0]], [[1, 0]]], "replicates": [0], "layout": 4}',
        '{"groups": [], "replicates": [0], "layout": 4}',
    ],
)
def test_a_note_that_is_none_is_passed_over(tmp_path, completed, note):
    folder = begun(tmp_path, GROUPS, (0,))
    (folder / "task.json").write_text(note)
    assert not found(tmp_path, completed)
