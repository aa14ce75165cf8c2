"""Runs that are killed, and two runs at once: neither requires an option to continue."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys

import pytest

from tests.runs import DATA, SMOKE, Again, Run, Workflow
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


@pytest.mark.timing
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
            run = Run(Again(folder, arguments), "--", *targets)
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


@pytest.mark.timing
@pytest.mark.endurance
def test_a_second_run_names_the_first_and_does_not_disturb_it(again):
    arguments = again.one_long_training("time_1x60")
    log = again.results / "logs/train/time_1x60/fold-0.log"
    first = Run(again, *arguments)
    try:
        first.wait_for(log, "epoch 3:")
        code, output = again.run(*arguments, check=False)
        assert code != 0 and "Traceback" not in output
        in_use = rf"results/smoke is in use by .*, process {first.process.pid}, since 20"
        assert re.search(in_use, output), output
        assert "train" in again.run("--dry-run", *arguments), "a dry run needs no lock"
        assert first.process.poll() is None
        epochs = log.read_text().count("\n")
        first.wait_for(log, f"epoch {epochs + 1}:")
    finally:
        first.kill_all()


@pytest.mark.timing
@pytest.mark.endurance
def test_a_run_waits_for_a_training_of_a_killed_run(again):
    """If only snakemake is killed, its job continues, and the next run has the same job."""
    # The training must outlast the start of the second run, on a busy machine too: it takes 40 s.
    arguments = again.one_long_training("frequency_32x1", max_epochs=6000)
    log = again.results / "logs/train/frequency_32x1/fold-0.log"
    first = Run(again, *arguments)
    first.wait_for(log, "epoch 3:")
    first.process.kill()
    again.run(*arguments)
    text = log.read_text()
    assert re.search("^waiting for another process that trains .*/fold-0$", text, re.MULTILINE)
    # No epoch is left to train, but Snakemake has removed fit.json as an incomplete file.
    assert "continuing after epoch " in text
    assert "\nepoch " not in text
