"""A run that is killed at any moment, and two runs at once: nobody needs to know a flag."""

import os
import random
import re
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import SMOKE, UP_TO_THE_TABLE, Workflow
from workflow_scripts.errors import UserError
from workflow_scripts.workflow.run_lock import RunLock

DEMO = ("--config", "dataset=demo")


class TestRunLock:
    def test_the_second_is_told_who_is_first(self, tmp_path):
        first, second = RunLock(tmp_path / "results"), RunLock(tmp_path / "results")
        first.acquire()
        with pytest.raises(UserError, match=rf"is in use by .* process {os.getpid()}, since "):
            RunLock(tmp_path / "results").acquire()
        first.release()
        with pytest.raises(UserError, match=r"has changed .* since this one was planned"):
            second.acquire()
        third = RunLock(tmp_path / "results")
        third.acquire()
        third.release()

    def test_what_was_planned_during_a_run_is_planned_again(self, tmp_path):
        first = RunLock(tmp_path)
        first.acquire()
        planned = RunLock(tmp_path)
        first.release()
        with pytest.raises(UserError, match="run the same command again"):
            planned.acquire()

    def test_it_ends_with_its_process(self, tmp_path):
        program = (
            "import os, pathlib, workflow_scripts.workflow.run_lock as r\n"
            f"r.RunLock(pathlib.Path({str(tmp_path)!r})).acquire()\n"
            "os.kill(os.getpid(), 9)"
        )
        killed = subprocess.run([sys.executable, "-c", program], check=False)
        assert killed.returncode == -signal.SIGKILL
        RunLock(tmp_path).acquire()

    def test_other_results_are_free(self, tmp_path):
        RunLock(tmp_path / "a").acquire()
        RunLock(tmp_path / "b").acquire()

    def test_without_permission_it_is_a_sentence(self, tmp_path):
        (tmp_path / "results").write_text("a file where the folder should be")
        with pytest.raises(UserError, match=r"cannot write to .*results/x: Not a directory; "):
            RunLock(tmp_path / "results" / "x").acquire()


class Run:
    """A run of the workflow in a process group of its own."""

    def __init__(self, workflow, *arguments):
        self.log = workflow.folder.parent / "run.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "snakemake", "--cores", "2", *map(str, arguments)],
                cwd=workflow.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_for(self, file, text):
        """Wait until `file` has a line of this pattern."""
        deadline = time.monotonic() + 180
        while not (file.exists() and re.search(text, file.read_text(), flags=re.MULTILINE)):
            assert time.monotonic() < deadline and self.process.poll() is None, self.said()
            time.sleep(0.02)

    def kill_all(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def said(self):
        return self.log.read_text()


def tables(results):
    """The bytes of all that a run is for, by name."""
    kept = [*results.glob("table1.*"), *results.glob("*.csv"), *results.glob("predictions/*/*")]
    models = [*results.glob("models/*/*/weights.npz"), *results.glob("models/*/*/history.csv")]
    return {str(path.relative_to(results)): path.read_bytes() for path in [*kept, *models]}


def finished_trainings(results):
    """The logs of the models that are whole."""
    models = [path.parent for path in results.glob("models/*/*/fit.json")]
    logs = [results / "logs/train" / m.parent.name / f"{m.name}.log" for m in models]
    return {log: log.read_text() for log in logs}


@pytest.mark.slow
def test_killed_at_random_moments_a_run_ends_with_the_bits_of_one_that_was_not(tmp_path, request):
    rounds, preset = request.config.getoption("--rounds"), request.config.getoption("--preset")
    command = ("--configfile", f"presets/{preset}.yaml", *DEMO, *UP_TO_THE_TABLE)
    undisturbed = Workflow(tmp_path / "undisturbed")
    started = time.monotonic()
    undisturbed(*command)
    duration = time.monotonic() - started
    expected = tables(undisturbed.folder / "results" / preset)
    moments = random.Random(2016)
    for number in range(rounds):
        workflow = Workflow(tmp_path / f"round-{number}" / "workflow")
        results = workflow.folder / "results" / preset
        kills, trained = 0, {}
        while True:
            run = Run(workflow, *command)
            try:
                code = run.process.wait(moments.uniform(2, duration))
            except subprocess.TimeoutExpired:
                run.kill_all()
                kills += 1
            else:
                assert code == 0, run.said()
                break
            again = [log for log, text in trained.items() if trained_anew(log, text)]
            assert not again, "trained before"
            trained = finished_trainings(results)
        assert not [log for log, text in trained.items() if trained_anew(log, text)]
        assert tables(results) == expected
        assert not list(results.rglob("*partial*"))
        print(f"round {number + 1}: {kills} kills")


def trained_anew(log, before):
    """Whether a training that had ended has gone through an epoch since."""
    now = log.read_text() if log.exists() else ""
    return now != before and re.search(r"^epoch \d+:", now, flags=re.MULTILINE) is not None


@pytest.mark.slow
def test_a_run_that_fails_before_it_has_made_anything_may_run_again(workflow, audio):
    command = ("--configfile", "presets/smoke.yaml", "--config", "dataset=folder")
    target = "results/smoke/tracks.csv"
    code, output = workflow(target, *command, f"audio_dir={audio}x", check=False)
    assert code != 0 and "is not a folder" in output
    workflow(target, *command, f"audio_dir={audio}")


@pytest.mark.slow
def test_a_read_only_folder_is_a_sentence(workflow, audio):
    results = workflow.folder / "results"
    results.mkdir()
    results.chmod(0o555)
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *SMOKE[:-1], f"audio_dir={audio}"]
    if os.getuid() == 0:
        # Root may write anywhere, unless it gives this up.
        unable = "-dac_override,-dac_read_search"
        command = ["setpriv", "--bounding-set", unable, "--inh-caps", unable, *command]
    run = subprocess.run(
        command, cwd=workflow.folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode != 0 and "Traceback" not in run.stderr
    assert "cannot write to results/smoke: Permission denied; free space, set its" in run.stderr


def one_training(workflow, audio, variant, max_epochs):
    """What a run of one training is asked with, and that training's log."""
    (workflow.folder / "long.yaml").write_text(
        f"training: {{max_epochs: {max_epochs}, min_learning_rate: 0}}\n"
    )
    command = (
        f"results/smoke/models/{variant}/fold-0/fit.json",
        *("--configfile", "presets/smoke.yaml", "long.yaml"),
        *("--config", "dataset=folder", f"audio_dir={audio}"),
    )
    return command, workflow.folder / f"results/smoke/logs/train/{variant}/fold-0.log"


@pytest.mark.slow
def test_a_second_run_says_who_holds_the_results_and_harms_nothing(workflow, audio):
    command, log = one_training(workflow, audio, "time_1x60", max_epochs=100_000)
    first = Run(workflow, *command)
    try:
        first.wait_for(log, "epoch 3:")
        code, output = workflow(*command, check=False)
        assert code != 0 and "Traceback" not in output
        holder = rf"results/smoke is in use by .*, process {first.process.pid}, since 20"
        assert re.search(holder, output), output
        assert "train" in workflow(*command, "--dry-run"), "looking is free"
        assert first.process.poll() is None
        epochs = log.read_text().count("\n")
        first.wait_for(log, f"epoch {epochs + 1}:")
    finally:
        first.kill_all()


@pytest.mark.slow
def test_a_training_that_outlived_its_run_is_waited_for(workflow, audio):
    """Someone killed snakemake alone; its job trains on, and the next run has the same job."""
    command, log = one_training(workflow, audio, "frequency_32x1", max_epochs=5000)
    first = Run(workflow, *command)
    first.wait_for(log, "epoch 3:")
    os.kill(first.process.pid, signal.SIGKILL)
    workflow(*command)
    told = log.read_text()
    assert re.search("^waiting for another process that trains .*/fold-0$", told, re.MULTILINE)
    # It is done: fit.json alone has been lost to Snakemake, which removes what is incomplete.
    assert "continuing after epoch " in told
    assert "\nepoch " not in told
