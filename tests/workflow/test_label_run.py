"""The workflow for labelling: pack models, label folders in shards."""

import csv
import json
import os
import re
import shlex
import shutil
import subprocess

import pandas as pd
import pytest
import yaml

from tests.conftest import ROOT, write_classes
from tests.model_files import packed
from tests.runs import Workflow, finished, planned, run_module
from workflow_scripts import checksums
from workflow_scripts.commands.pack_model import best
from workflow_scripts.dataset import split
from workflow_scripts.dataset.digests import digest_of_file
from workflow_scripts.errors import UserError
from workflow_scripts.models import package
from workflow_scripts.networks import weights
from workflow_scripts.networks.identity import ModelKey
from workflow_scripts.paths import ResultPaths
from workflow_scripts.results import checked_predictions, provenance
from workflow_scripts.results.checked_predictions import Origin
from workflow_scripts.steps.list_audio import shard_of
from workflow_scripts.workflow import labelling_configuration


def test_the_best_variant_has_highest_accuracy_then_segment_accuracy_then_fewest_parameters():
    table = pd.DataFrame(
        [
            ("a", 80.0, 70.0, 100),
            ("b", 90.0, 60.0, 300),
            ("c", 90.0, 65.0, 300),
            ("d", 90.0, 65.0, 200),
        ],
        columns=["variant", "accuracy_mean", "segment_accuracy_mean", "parameters"],
    )
    assert best(table) == "d"
    assert best(table.iloc[:3]) == "c"
    assert best(table.iloc[:2]) == "b"


def test_names_are_spread_evenly_over_the_shards():
    names = [f"album {n % 70}/track {n}.mp3" for n in range(7000)]
    counts = pd.Series([shard_of(name, 7) for name in names]).value_counts()
    assert counts.between(900, 1100).all() and len(counts) == 7


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({}, "model is not set; label music with make label MODEL="),
        ({"model": "README.md"}, "audio_dir is not set; label music with make label MODEL="),
        ({"model": "none.zip", "audio_dir": "."}, r"model none\.zip is not a file; .*`make model"),
        ({"model": "README.md", "audio_dir": "none"}, "audio_dir none is not a folder; check"),
        (
            {"models": "README.md"},
            "unknown key models for labelling; known keys: audio_dir, model,",
        ),
        ({"model": "README.md", "audio_dir": ".", "shards": "x"}, "shards is 'x'; it must be"),
        ({"model": "README.md", "audio_dir": ".", "shards": 0}, "shards is 0; it must be"),
        (
            {"model": "README.md", "audio_dir": ".", "shards": 10**6},
            "shards is 1000000; it must be a whole number from 1 to 4096",
        ),
        ({"model": "~nobody-of-this-name/x"}, "audio_dir is not set"),
        ({"model": "x" * 300, "audio_dir": "~nobody-of-this-name"}, "x is not a file; check"),
        (
            {"model": "README.md", "audio_dir": ".", "name": "../x"},
            r"name is '\.\./x'; use at most",
        ),
    ],
)
def test_an_invalid_configuration_is_reported_in_one_sentence(monkeypatch, config, sentence):
    monkeypatch.chdir(ROOT)
    with pytest.raises(UserError, match=sentence):
        labelling_configuration.complete(config)


def last_command(*arguments):
    """The words of the last command that `make` would run."""
    # These tests may run below `make test`.
    environment = {
        name: v for name, v in os.environ.items() if not name.startswith(("MAKE", "MFL"))
    }
    command = ["make", "--no-print-directory", "--dry-run", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return shlex.split(done.stdout.replace("\\\n", " "))


@pytest.mark.parametrize("text", ["a b", "/x/a: b", "#1 hits", "it's", '"q"', "010", "[a]", "~x;y"])
def test_make_passes_paths_and_names_unchanged(text):
    *_, model, audio, name = last_command("label", f"MODEL={text}", f"AUDIO={text}", f"NAME={text}")
    settings = dict(part.split("=", 1) for part in (model, audio, name))
    # As Snakemake reads --config.
    assert {key: yaml.safe_load(value) for key, value in settings.items()} == {
        "model": text,
        "audio_dir": text,
        "name": text,
    }
    assert last_command("archive", "NAME=a", f"FILE={text}")[-2:] == ["results/a", text]


def test_defaults_are_filled_in(monkeypatch):
    monkeypatch.chdir(ROOT)
    config = {"model": "README.md", "audio_dir": "envs", "shards": "4"}
    labelling_configuration.complete(config)
    assert (config["name"], config["shards"]) == ("labelled", 4)


def test_labels_do_not_replace_an_experiment_or_labels_of_other_audio(tmp_path):
    results = ResultPaths(tmp_path / "results")
    (tmp_path / "other").mkdir()
    config = {"audio_dir": str(tmp_path)}
    labelling_configuration.check_results(config, results)
    results.folder.mkdir()
    labelling_configuration.keep(config, results)
    labelling_configuration.check_results(config, results)
    with pytest.raises(UserError, match=r"has labels of .*, but this run uses .*/other; "):
        labelling_configuration.check_results({"audio_dir": str(tmp_path / "other")}, results)
    results.config.touch()
    with pytest.raises(UserError, match="has an experiment; give the labels another name"):
        labelling_configuration.check_results(config, results)


def train_again(results, key):
    """Replace a model by another one with the same predictions; keep its ONNX file."""
    model = ResultPaths(results).models([key.variant], key.fold + 1)[-1]
    folds, fit = split.read(results / "folds.csv"), provenance.read(model.fit, key)
    predicted = checked_predictions.read(model.predictions, folds, Origin.of(fit))
    trained = weights.read(model.weights, key)
    weights.write(model.weights, {name: 2 * array for name, array in trained.items()}, key)
    fit["digests"]["weights"] = digest_of_file(model.weights)
    checksums.write_json(model.fit, fit, key.record)
    checked_predictions.write(model.predictions, predicted, folds, Origin.of(fit))


class TestPacking:
    @pytest.fixture
    def results(self, done, tmp_path):
        """A copy of a finished run's results."""
        source = done[0] / "workflow/results/smoke"
        ignored = shutil.ignore_patterns("features", "sounds", "figures")
        return shutil.copytree(source, tmp_path / "smoke", ignore=ignored)

    def test_the_best_variant_is_packed_by_default(self, results, tmp_path):
        table = pd.read_csv(results / "table1.csv")
        code, output = run_module("commands.pack_model", results)
        assert code == 0 and "the best of its Table I" in output
        read = package.read(results / "model.zip")
        assert list(read.variants()) == [best(table)]
        assert [model.metadata.fold for model in read.models] == list(range(len(read.models)))
        named = ("timefrequency", "time_1x60", "timefrequency")
        code, output = run_module(
            "commands.pack_model", results, "--variants", *named, "--file", tmp_path / "m.zip"
        )
        assert code == 0, output
        assert list(package.read(tmp_path / "m.zip").variants()) == ["timefrequency", "time_1x60"]

    def test_a_model_that_was_trained_after_its_export_is_not_packed(self, results):
        variant = best(pd.read_csv(results / "table1.csv"))
        train_again(results, ModelKey.of(variant, 1, split.read(results / "folds.csv")))
        code, output = run_module("commands.pack_model", results)
        assert code == 1
        assert re.search(
            r"fold-1\.onnx is not the model in .*; remove it and run snakemake", output
        )
        assert not (results / "model.zip").exists()

    def test_an_unknown_variant_or_a_missing_file_is_reported_in_one_sentence(self, results):
        code, output = run_module("commands.pack_model", results, "--variants", "blackbox")
        assert code == 1
        assert re.match(r"error: .* has no variant blackbox; it has time_1x60, ", output)
        shutil.rmtree(results / "onnx/time_1x60")
        code, output = run_module("commands.pack_model", results, "--variants", "time_1x60")
        assert (code, output.count("\n")) == (1, 1)
        assert "is unfinished: onnx/time_1x60/fold-0.onnx and" in output


@pytest.mark.workflow
class TestLabelWorkflow:
    @pytest.fixture
    def label(self, tmp_path):
        """Label a folder of twelve tracks."""
        write_classes(tmp_path / "music")
        packed(tmp_path / "model.zip", "time_1x60", "frequency_32x1")
        workflow = Workflow(tmp_path / "workflow")

        def run(*arguments, check=True):
            options = ("audio_dir=../music", "model=../model.zip", "shards=3")
            return workflow(
                "--snakefile", "label.smk", "--config", *options, *arguments, check=check
            )

        run.folder = tmp_path
        run.results = workflow.folder / "results/labelled"
        return run

    def labels(self, label):
        with (label.results / "labels.csv").open() as file:
            return {row["path"]: row for row in csv.DictReader(file)}

    def test_a_folder_is_labelled_in_shards_and_a_new_track_relabels_one_shard(self, label):
        (label.folder / "music/bad.mp3").write_text("no audio")
        output = label()
        always = {"list_audio": 1, "collect_labels": 1, "label": 1}
        assert finished(output) == always | {"label_shard": 3}
        assert "12 tracks labelled, " in output and "1 could not be labelled" in output
        assert "Training" not in output
        # A line a job, as in a run of the experiment.
        for shard in range(3):
            assert f"\nLabel the tracks of shard {shard}\n" in output
        assert "The labels are in results/labelled/labels.csv\n" in output
        assert "rule label_shard:" not in output
        rows = self.labels(label)
        assert len(rows) == 13 and list(rows) == sorted(rows)
        assert rows["../music/bad.mp3"]["problem"].startswith("cannot be decoded as audio: ")
        details = json.loads((label.results / "labels.json").read_text())
        assert [track["path"] for track in details] == list(rows)
        # The command alone gives the same labels.
        track = "../music/slow/slow 1.wav"
        code, output = run_module(
            "commands.label", "--model", "../model.zip", "--format", "csv", track,
            folder=label.folder / "workflow",
        )  # fmt: skip
        assert code == 0 and next(csv.DictReader(output.splitlines())) == rows[track]

        assert "Nothing to be done" in label()
        shutil.copy(label.folder / "music/slow/slow 1.wav", label.folder / "music/new.wav")
        assert finished(label()) == always | {"label_shard": 1}
        assert self.labels(label)["../music/new.wav"]["class"] == rows[track]["class"]
        all_shards = {"label_shard": 3, "collect_labels": 1, "label": 1}
        packed(label.folder / "model.zip", "time_1x60")
        assert planned(label("-n")) == all_shards
        # As with `cp -p`, the new model is older than the labels of the model that it replaces.
        packed(label.folder / "model.zip", "frequency_32x1")
        os.utime(label.folder / "model.zip", (0, 0))
        assert planned(label("-n")) == all_shards

    def test_a_missing_or_damaged_model_is_reported_in_one_sentence(self, label):
        workflow = Workflow.at(label.folder / "workflow")
        code, output = workflow("--snakefile", "label.smk", check=False)
        assert code == 1 and "Traceback" not in output
        assert "model is not set; label music with make label MODEL=" in output
        (label.folder / "model.zip").write_bytes(b"PK\x03\x04")
        code, output = label(check=False)
        assert code == 1 and "error: the model ../model.zip is damaged or truncated" in output
        assert not (label.results / "labels.csv").exists()
