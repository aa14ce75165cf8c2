"""When the last of some tasks ends, against schedules drawn by hand."""

import pytest

from workflow_scripts.run_display.schedule import Task, makespan


@pytest.mark.parametrize(
    ("tasks", "cores", "end"),
    [
        ({}, 2, 0),
        ({1: Task(3), 2: Task(2)}, 1, 5),
        ({1: Task(3), 2: Task(2)}, 2, 3),
        # The longest starts first: 4 | 3 2 and not 2 3 | 4 after one of them.
        ({1: Task(2), 2: Task(3), 3: Task(4)}, 2, 5),
        # A serial tail.
        ({1: Task(4), 2: Task(4), 3: Task(1, {1, 2}), 4: Task(2, {3})}, 2, 7),
        # What is needed but is no task has ended.
        ({1: Task(4, {9})}, 2, 4),
        # Two cores are free only after 3 s.
        ({1: Task(3), 2: Task(2.5, cores=2), 3: Task(1)}, 2, 5.5),
        # A job never gets more cores than there are.
        ({1: Task(3, cores=1024), 2: Task(2)}, 2, 5),
    ],
)
def test_the_end_of_the_last_task(tasks, cores, end):
    assert makespan(tasks, cores) == end


def test_gpus_limit_the_tasks_that_ask_for_them():
    tasks = {1: Task(4, gpus=1), 2: Task(4, gpus=1), 3: Task(5)}
    assert makespan(tasks, 3, gpus=1) == 8
    assert makespan(tasks, 3, gpus=2) == 5
    assert makespan(tasks, 3) == 5
    # `--resources gpu=0` still runs them, on CPUs.
    assert makespan(tasks, 3, gpus=0) == 5


def test_what_runs_keeps_its_core():
    tasks = {1: Task(1), 2: Task(5), 3: Task(2)}
    # 1 and 3 run; 2 starts after 1 s.
    assert makespan(tasks, 2, running={1, 3}) == 6
