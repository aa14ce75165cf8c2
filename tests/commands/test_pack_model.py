"""The variants that are packed into a model file, and the commands that are printed with it."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests import processes
from tests.evidence import FLAT, RISING, fit, history
from tests.runs import DATA
from workflow_scripts import checked_tables, checksums
from workflow_scripts.commands.finished_results import FinishedResults
from workflow_scripts.commands.pack_model import (
    best_of,
    label_command,
    never_predicted,
    not_converged,
)
from workflow_scripts.dataset import split
from workflow_scripts.networks.identity import ModelKey
from workflow_scripts.paths import ResultPaths
from workflow_scripts.results import checked_predictions, predictions


@pytest.mark.parametrize("name", ["010", "1e3", "NA", "true"])
def test_a_name_that_looks_like_another_value_stays_text(tmp_path, name):
    columns = "variant,accuracy_mean,segment_accuracy_mean,parameters"
    (tmp_path / "table1.csv").write_text(f"{columns}\n020,80,80,9\n{name},90,80,9\n")
    assert best_of(tmp_path / "table1.csv") == name


def test_classes_that_a_variant_never_predicts_are_named(tmp_path):
    labels = ["01", "jazz"] * 3
    table = pd.DataFrame({"track_id": [*"012345"], "label": labels, "digest": [*"abcdef"]})
    split.write(tmp_path / "folds.csv", table, np.arange(6) % 3)
    tracks = split.read(tmp_path / "folds.csv")
    for variant, predicted in {"same": ["01"] * 3, "good": ["01", "jazz", "01"]}.items():
        for fold, name in enumerate(predicted):
            test = tracks.part(fold, "test")
            # One segment a track.
            certain = np.tile([float(name == c) for c in tracks.classes], (2, 1))
            ids, classes = tracks.track_id[test], tracks.classes
            found = predictions.table(ids, tracks.label[test], classes, certain, np.arange(2))
            path = tmp_path / f"predictions/{variant}/fold-{fold}.csv"
            origin = checked_predictions.Origin(variant, fold, "0" * 64)
            checked_predictions.write(path, found, tracks, origin)
            fit = {"variant": variant, "fold": fold, "digests": {"weights": origin.weights}}
            path = tmp_path / f"models/{variant}/fold-{fold}/fit.json"
            path.parent.mkdir(parents=True)
            checksums.write_json(path, fit, ModelKey.of(variant, fold, tracks).record)
    results = FinishedResults(ResultPaths(tmp_path), {"folds": 3}, [], None)
    assert never_predicted(results, ["same", "good"]) == ["same never predicts jazz."]


def test_variants_that_have_not_converged_are_named(tmp_path):
    table = pd.DataFrame({"track_id": [*"012"], "label": "jazz", "digest": [*"abc"]})
    split.write(tmp_path / "folds.csv", table, np.arange(3))
    tracks = split.read(tmp_path / "folds.csv")
    for variant, curve in {"flat": FLAT, "rises": RISING, "short": FLAT[:2]}.items():
        for fold in range(3):
            key, folder = ModelKey.of(variant, fold, tracks), tmp_path / f"models/{variant}"
            path = folder / f"fold-{fold}/fit.json"
            path.parent.mkdir(parents=True)
            checksums.write_json(path, fit(variant, fold, max_epochs=len(curve)), key.record)
            checked_tables.write(path.with_name("history.csv"), history(curve), key.history)
    results = FinishedResults(ResultPaths(tmp_path), {"folds": 3}, [], None)
    assert not_converged(results, ["flat"]) == []
    short, rising = not_converged(results, ["flat", "rises", "short"])
    assert "after 2 epochs" in short and "needed): short." in short
    assert "rises (3 of 3)" in rising and "flat" not in rising


def printed_commands(output):
    """The commands in the output of a command or of make: their lines are indented."""
    return [line for line in output.splitlines() if line.startswith("  ")]


def typed(command, folder, **environment):
    """Run a command as a person types it whose environment is not activated."""
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": os.environ["HOME"]} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


class TestPrintedCommands:
    def test_the_command_works_in_another_folder_of_results(self, again):
        elsewhere = again.folder / "else where"
        elsewhere.mkdir()
        workflow = again.folder / "workflow"
        (workflow / "results").rename(elsewhere / "results")
        code, output = processes.run(
            *("workflow_scripts.commands.pack_model", DATA, "--file", "it's a model.zip"),
            folder=elsewhere,
            environment={"PYTHONPATH": str(workflow)},
        )
        assert code == 0, output
        (command,) = printed_commands(output)
        assert "(probability" in typed(command, elsewhere)

    def test_make_demo_ends_with_commands_that_work_as_printed(self, again):
        folder = (again.folder / "workflow").rename(again.folder / "it's copy #1")
        # The fixture's run, in place of that of the demo: it has been tested, and takes less time.
        (folder / DATA).rename(folder / "results/quick")
        programs = {"snakemake": "exit 0", "python": f'exec {shlex.quote(sys.executable)} "$@"'}
        (folder / ".venv/bin").mkdir(parents=True)
        for name, script in programs.items():
            (folder / ".venv/bin" / name).write_text(f"#!/bin/sh\n{script}\n")
            (folder / ".venv/bin" / name).chmod(0o755)
        (folder / ".venv/cpu").touch()
        output = typed("make demo", folder)
        opens, labels = printed_commands(output)
        assert opens.startswith("  .venv/bin/python -m ")
        browser = folder / "browser"
        browser.write_text(f'#!/bin/sh\necho "$1" >{shlex.quote(str(folder / "opened"))}\n')
        browser.chmod(0o755)
        (folder / "browser").rename(again.folder / "browser")
        typed(opens, folder, BROWSER=str(again.folder / "browser"))
        report = (folder / "results/quick/report.html").as_uri()
        assert (folder / "opened").read_text().strip() == report
        assert "(probability" in typed(labels, folder)


@pytest.mark.parametrize("name", ["a b.zip", "it's.zip", "$(touch x).zip", "-model.zip", "a;b.zip"])
def test_a_printed_command_has_its_names_as_single_words(name):
    words = shlex.split(label_command(Path(name), f"{name}.wav"))
    assert [Path(word) for word in words[-2:]] == [Path(name), Path(f"{name}.wav")]
    assert not words[-1].startswith("-")
