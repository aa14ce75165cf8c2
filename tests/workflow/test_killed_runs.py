"""Runs that are killed, and two runs at once: neither requires an option to continue."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import DATA, SMOKE, Workflow
from tests.processes import Process
from workflow_scripts.errors import UserError
from workflow_scripts.workflow.run_lock import RunLock

KILLED = ("time_1x60", "frequency_32x1")


class TestRunLock:
    def test_a_second_run_fails_and_names_the_first(self, tmp_path):
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

    def test_a_run_that_was_planned_during_another_fails(self, tmp_path):
        first = RunLock(tmp_path)
        first.acquire()
        planned = RunLock(tmp_path)
        first.release()
        with pytest.raises(UserError, match="run the same command again"):
            planned.acquire()

    def test_a_killed_process_releases_its_lock(self, tmp_path):
        program = (
            "import os, pathlib, workflow_scripts.workflow.run_lock as r\n"
            f"r.RunLock(pathlib.Path({str(tmp_path)!r})).acquire()\n"
            "os.kill(os.getpid(), 9)"
        )
        killed = subprocess.run([sys.executable, "-c", program], check=False)
        assert killed.returncode == -signal.SIGKILL
        RunLock(tmp_path).acquire()

    def test_other_results_have_their_own_lock(self, tmp_path):
        RunLock(tmp_path / "a").acquire()
        RunLock(tmp_path / "b").acquire()

    def test_a_folder_that_cannot_be_made_is_reported_in_one_sentence(self, tmp_path):
        (tmp_path / "results").write_text("a file where the folder should be")
        with pytest.raises(UserError, match=r"cannot write to .*results/x: Not a directory; "):
            RunLock(tmp_path / "results" / "x").acquire()


class Run:
    """A run of the workflow in its own process group."""

    def __init__(self, workflow, *arguments):
        self.log = workflow.folder.parent / "run.log"
        self.process = Process(
            *("snakemake", "--cores", 2, *arguments),
            folder=workflow.folder,
            output=self.log,
            leads_group=True,
        )

    def wait_for(self, file, pattern):
        """Wait until a line of `file` matches `pattern`."""
        deadline = time.monotonic() + 180
        while not (file.exists() and re.search(pattern, file.read_text(), flags=re.MULTILINE)):
            assert time.monotonic() < deadline and self.process.poll() is None, self.output()
            time.sleep(0.02)

    def kill_all(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def output(self):
        return self.log.read_text()


def results_in(folder):
    """The bytes of the data set's tables, and of the models and predictions of KILLED, by path."""
    named = [folder / f"{name}.csv" for name in ("tracks", "replicas", "folds", "skipped")]
    patterns = ("predictions/{}/*", "models/{}/*/weights.npz", "models/{}/*/history.csv")
    of_variants = [
        p for v in KILLED for pattern in patterns for p in folder.glob(pattern.format(v))
    ]
    return {str(path.relative_to(folder)): path.read_bytes() for path in [*named, *of_variants]}


def finished_trainings(results):
    """The logs of all finished trainings: {path: text}."""
    models = [path.parent for path in results.glob("models/*/*/fit.json")]
    logs = [results / "logs/train" / m.parent.name / f"{m.name}.log" for m in models]
    return {log: log.read_text() for log in logs}


@pytest.mark.endurance
def test_a_run_killed_at_random_times_gives_the_bits_of_an_undisturbed_run(done, tmp_path, request):
    home, _, arguments = done
    targets = [f"{DATA}/predictions/{variant}/fold-0.csv" for variant in KILLED]
    expected = results_in(home / "workflow" / DATA)
    seconds = request.config.getoption("--kill-within")
    rng = random.Random(2016)
    for number in range(request.config.getoption("--rounds")):
        folder = tmp_path / f"round-{number}"
        shutil.copytree(home / "audio", folder / "audio")
        shutil.copy(home / "own.yaml", folder)
        workflow = Workflow(folder / "workflow")
        results = workflow.folder / DATA
        kills, logs = 0, {}
        while True:
            run = Run(workflow, *arguments, "--", *targets)
            try:
                code = run.process.wait(rng.uniform(2, seconds))
            except TimeoutError:
                run.kill_all()
                kills += 1
            else:
                assert code == 0, run.output()
                break
            repeated = [log for log, text in logs.items() if trained_again(log, text)]
            assert not repeated, "a finished training was repeated"
            logs = finished_trainings(results)
        assert not [log for log, text in logs.items() if trained_again(log, text)]
        assert results_in(results) == expected
        assert not list(results.rglob("*partial*"))
        print(f"round {number + 1}: {kills} kills")


def trained_again(log, before):
    """Whether a training has run epochs since its log contained the text `before`."""
    now = log.read_text() if log.exists() else ""
    return now != before and re.search(r"^epoch \d+:", now, flags=re.MULTILINE) is not None


def test_a_run_after_a_wrong_audio_dir_succeeds(workflow, audio):
    command = ("--configfile", "presets/smoke.yaml", "--config", "dataset=folder")
    target = "results/smoke/tracks.csv"
    code, output = workflow(target, *command, f"audio_dir={audio}x", check=False)
    assert code != 0 and "is not a folder" in output
    workflow(target, *command, f"audio_dir={audio}")


def test_a_read_only_folder_is_reported_in_one_sentence(workflow, audio):
    results = workflow.folder / "results"
    results.mkdir()
    results.chmod(0o555)
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *SMOKE[:-1], f"audio_dir={audio}"]
    if os.getuid() == 0:
        # Root can write anywhere unless it drops these capabilities.
        dropped = "-dac_override,-dac_read_search"
        command = ["setpriv", "--bounding-set", dropped, "--inh-caps", dropped, *command]
    run = subprocess.run(
        command, cwd=workflow.folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode != 0 and "Traceback" not in run.stderr
    assert "cannot write to results/smoke: Permission denied; free space, set its" in run.stderr


def one_training(workflow, audio, variant, max_epochs):
    """The arguments of a run with one training, and the path of the training's log."""
    (workflow.folder / "long.yaml").write_text(
        f"training: {{max_epochs: {max_epochs}, min_learning_rate: 0}}\n"
    )
    command = (
        f"results/smoke/models/{variant}/fold-0/fit.json",
        *("--configfile", "presets/smoke.yaml", "long.yaml"),
        *("--config", "dataset=folder", f"audio_dir={audio}"),
    )
    return command, workflow.folder / f"results/smoke/logs/train/{variant}/fold-0.log"


def test_a_second_run_names_the_first_and_does_not_disturb_it(workflow, audio):
    command, log = one_training(workflow, audio, "time_1x60", max_epochs=100_000)
    first = Run(workflow, *command)
    try:
        first.wait_for(log, "epoch 3:")
        code, output = workflow(*command, check=False)
        assert code != 0 and "Traceback" not in output
        in_use = rf"results/smoke is in use by .*, process {first.process.pid}, since 20"
        assert re.search(in_use, output), output
        assert "train" in workflow(*command, "--dry-run"), "a dry run needs no lock"
        assert first.process.poll() is None
        epochs = log.read_text().count("\n")
        first.wait_for(log, f"epoch {epochs + 1}:")
    finally:
        first.kill_all()


def test_a_run_waits_for_a_training_of_a_killed_run(workflow, audio):
    """If only snakemake is killed, its job continues, and the next run has the same job."""
    command, log = one_training(workflow, audio, "frequency_32x1", max_epochs=5000)
    first = Run(workflow, *command)
    first.wait_for(log, "epoch 3:")
    os.kill(first.process.pid, signal.SIGKILL)
    workflow(*command)
    text = log.read_text()
    assert re.search("^waiting for another process that trains .*/fold-0$", text, re.MULTILINE)
    # No epoch is left to train, but Snakemake has removed fit.json as an incomplete file.
    assert "continuing after epoch " in text
    assert "\nepoch " not in text
