"""The table of running trainings: which run, and what it says of them."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time

import pytest
from filelock import FileLock

from tests.conftest import only, overlay, shipped_config
from tests.networks.test_forecast import epochs
from tests.processes import ROOT
from tests.runs import run_module
from workflow_scripts.networks import epoch_file
from workflow_scripts.networks.epoch_file import EpochFile
from workflow_scripts.paths import ResultPaths
from workflow_scripts.run_display.running_trainings import is_locked, started_trainings
from workflow_scripts.workflow import configuration


@pytest.fixture
def results(tmp_path):
    """results/mine with the configuration of a run of two variants, two folds and two seeds."""
    folder = tmp_path / "results/mine"
    folder.mkdir(parents=True)
    config = overlay(shipped_config(), {"variants": only(time_1x60={}, frequency_32x1={})})
    overlay(config, {"name": "mine", "folds": 3, "seeds": [7, 8], "training": {"max_epochs": 40}})
    configuration.complete(config, ROOT / "config.yaml")
    configuration.keep(config, ResultPaths(folder))
    return folder


def model(results, variant, fold, seed=None):
    root = results if seed is None else results / f"seeds/{seed}"
    folder = root / f"models/{variant}/fold-{fold}"
    folder.mkdir(parents=True)
    return folder


def ended(results, variant, fold, n_epochs=20):
    fit = model(results, variant, fold) / "fit.json"
    fit.write_text(json.dumps({"n_epochs": n_epochs, "seconds": 60}))


def start(folder, history=()):
    EpochFile(folder / epoch_file.NAME).start(history)
    lock = FileLock(folder / ".lock")
    lock.acquire()
    return lock


def watch(results):
    return run_module("commands.watch", results)


def test_a_lock_tells_whether_a_training_runs(tmp_path):
    path = tmp_path / ".lock"
    assert not is_locked(path)
    with FileLock(path):
        assert is_locked(path) and is_locked(path), "looking changes nothing"
    path.touch()
    assert not is_locked(path)


def test_trainings_are_found_in_all_seeds(results):
    for seed in (None, 8):
        model(results, "time_1x60", 1, seed)
    model(results, "frequency_32x1", 0).joinpath("fold-x").mkdir()
    titles = [training.title for training in started_trainings(results)]
    assert titles == ["frequency_32x1, fold 0", "time_1x60, fold 1", "time_1x60, fold 1, seed 8"]


def test_a_row_says_how_far_a_training_is(results):
    ended(results, "time_1x60", 0)
    folder = model(results, "time_1x60", 1)
    # Without a lock: a killed training.
    EpochFile(model(results, "time_1x60", 2) / epoch_file.NAME).start(epochs(1))
    history = epochs(1.5, 1.25, 1.125, seconds=30.0)
    locks = [start(folder, history), start(model(results, "frequency_32x1", 0, 8))]
    code, output = watch(results)
    for lock in locks:
        lock.release()
    assert code == 0, output
    head, *rows, total = [line.strip() for line in output.splitlines()]
    assert head.split("  ")[0] == "training" and head.endswith("time left")
    # Half of the maximum is expected, as in the training that has ended; 20 - 3 = 17 epochs, fewer
    # than the learning rate needs: 10 halvings from 0.01 to below 0.00001, 40 epochs each.
    # So the maximum: 37 epochs of 30 s.
    words = [" ".join(row.split()) for row in rows]
    assert words[0] == "time_1x60, fold 1 3 of 40 1.1250 1.1250 50.0 % 0.02 30 18 min"
    assert words[1] == "frequency_32x1, fold 0, seed 8 starts"
    assert len(rows) == 2
    assert total == "1 of 12 trainings have ended."


def test_a_sentence_says_that_nothing_runs(results):
    ended(results, "time_1x60", 0)
    code, output = watch(results)
    assert (code, output) == (0, f"No training runs in {results}; 1 of 12 trainings have ended.\n")


def test_a_name_without_results_is_an_error(tmp_path):
    code, output = watch(tmp_path / "results/other")
    assert code == 1
    assert output == (
        f"error: {tmp_path}/results/other has no results of a run; start one, or give another NAME "
        "of a folder in results\n"
    )


def test_a_terminal_shows_a_table_until_ctrl_c(results):
    lock = start(model(results, "time_1x60", 0), epochs(1.5))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "workflow_scripts.commands.watch", str(results)]
    terminal = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True, **terminal)
    os.close(theirs)
    shown = read_until(ours, b"1 of 40")
    EpochFile(results / f"models/time_1x60/fold-0/{epoch_file.NAME}").start(epochs(1.5, 1.4))
    shown += read_until(ours, b"2 of 40")
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    lock.release()
    assert b"Traceback" not in shown and b"interrupted" not in shown


def read_until(terminal, text, seconds=60):
    shown, end = b"", time.monotonic() + seconds
    while text not in shown:
        assert time.monotonic() < end, shown
        if select.select([terminal], [], [], 1)[0]:
            shown += os.read(terminal, 10000)
    return shown
