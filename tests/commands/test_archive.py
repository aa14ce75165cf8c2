"""Archives: results packed with their workflow, and tables made again from predictions."""

import os
import re
import shutil
import subprocess
import sys
import tarfile

import pandas as pd
import pytest
import yaml

from tests.conftest import shipped_config, write_classes
from tests.runs import UP_TO_THE_TABLE, VARIANTS, Workflow, made_once, run_module
from workflow_scripts.commands.archive import files_in
from workflow_scripts.commands.finished_results import FinishedResults
from workflow_scripts.errors import UserError
from workflow_scripts.paths import ResultPaths
from workflow_scripts.workflow import configuration
from workflow_scripts.workflow.run_lock import RunLock

RESULTS = "results/smoke"


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(UserError, match="results is not a folder; give the results of a run"):
        FinishedResults.open(tmp_path / "results")
    with pytest.raises(
        UserError, match=r"config\.yaml is missing, so the configuration of the run is"
    ):
        FinishedResults.open(tmp_path)


def test_results_in_use_are_refused(tmp_path):
    run = RunLock(tmp_path)
    run.acquire()
    with pytest.raises(UserError, match=r"is in use by .*, process \d+, since "):
        FinishedResults.open(tmp_path)


def test_no_run_starts_while_a_command_uses_the_results(tmp_path):
    config = shipped_config()
    configuration.complete(config)
    configuration.keep(config, ResultPaths(tmp_path))
    results = FinishedResults.open(tmp_path)
    with pytest.raises(UserError, match="is in use by"):
        RunLock(tmp_path).acquire()
    del results
    RunLock(tmp_path).acquire()


def without_level():
    """The configuration of results of version 0.9.0."""
    lines = configuration.BASE.read_text().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("level:"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is damaged or of another version of the workflow; remove it and run snakemake"),
        ("[]", "is damaged or of another version"),
        (
            without_level(),
            "lacks level: an earlier version .* use that version, or run snakemake",
        ),
        ("a: [", "is not YAML; remove it and run snakemake"),
        (
            "dataset: demo\naudio_dir: null\n",
            "lacks name: an earlier version .* use that version, or run snakemake, which may train",
        ),
    ],
)
def test_a_damaged_configuration_is_reported_in_one_sentence(tmp_path, text, sentence):
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(UserError, match=sentence) as error:
        FinishedResults.open(tmp_path)
    assert "\n" not in str(error.value)


def test_results_of_before_several_seeds_have_one(tmp_path):
    config = shipped_config()
    configuration.complete(config)
    del config["seeds"]
    configuration.keep(config, ResultPaths(tmp_path))
    results = FinishedResults.open(tmp_path)
    assert {seed: own.folder for seed, own in results.seeds.items()} == {2016: tmp_path}
    assert [m.folder for m in results.all_models] == [m.folder for m in results.models]


def test_only_regular_files_are_packed_and_no_link_is_followed_upwards(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/a").touch()
    (tmp_path / "deep/up").symlink_to("..")
    (tmp_path / "dangling").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    assert files_in(tmp_path) == [tmp_path / "deep/a"]


def pack(folder, file):
    """Archive the results of the checkout in `folder`; return exit code and output."""
    return run_module("commands.archive", RESULTS, file, folder=folder)


@pytest.fixture(scope="module")
def packed(done, tmp_path_factory):
    """A finished run without its audio, and its archive."""

    def make(home):
        folder = shutil.copytree(done[0] / "workflow", home / "workflow")
        # Files that an earlier configuration has made.
        results = folder / RESULTS
        shutil.copytree(results / "models/time_1x60", results / "models/time_1x30")
        (results / "predictions/time_1x60/fold-9.csv").write_text("")
        # What another checkout made.
        shutil.copytree(results / "models/time_1x60", results / ".adopted/models/time_1x60")
        assert pack(folder, "smoke.tar.gz")[0] == 0

    return made_once(tmp_path_factory, "packed", make) / "workflow"


@pytest.fixture
def unpacked(packed, tmp_path):
    """The archive in a new folder."""
    with tarfile.open(packed / "smoke.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "smoke"


class TestArchive:
    def test_the_documented_command_makes_the_same_tables(self, packed, unpacked):
        page = (unpacked / "ARCHIVE.md").read_text()
        (command,) = re.findall(r"^make tables .*", page, flags=re.MULTILINE)
        # An existing environment.
        programs = unpacked / ".venv" / "bin"
        programs.mkdir(parents=True)
        (programs / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        (programs / "python").chmod(0o755)
        (unpacked / ".venv" / "cpu").touch()
        before = {}
        for path in ResultPaths(unpacked / "results/smoke").tables:
            before[path.name] = path.read_bytes()
            path.unlink()
        subprocess.run(command.split(), cwd=unpacked, check=True)
        for name, content in before.items():
            assert (unpacked / "results/smoke" / name).read_bytes() == content
            assert (packed / "results/smoke" / name).read_bytes() == content
        tidy = {"predictions.csv", "per_class.csv", "confusions.csv"}
        assert set(before) == {"table1.csv", "table1.md", "table1.tex", *tidy}

    def test_it_is_a_working_tree_without_audio_features_and_locks(self, packed, unpacked):
        names = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
        assert names >= {"Snakefile", "LICENSE", "rules/training.smk"}
        assert (unpacked / "envs/install").stat().st_mode & 0o100
        assert not [name for name in names if "__pycache__" in name]
        assert not [name for name in names if name.startswith("data/") or ".npy" in name]
        results = packed / RESULTS
        kept = {str(path.relative_to(packed)) for path in results.rglob("*") if path.is_file()}
        left_out = {name.removeprefix("results/smoke/") for name in kept - names}
        # Snakemake's own, in a folder that a rule makes.
        left_out.discard("figures/.snakemake_timestamp")
        assert {re.split(r"/|-\d", name)[0] for name in left_out if "/" in name} == {
            ".adopted",
            "models",
            "predictions",
            "sounds",
        }
        others = {"predictions/time_1x60/fold-9.csv"} | {
            f"models/time_1x30/fold-{fold}/{file}"
            for fold in range(3)
            for file in ("weights.npz", "history.csv", "fit.json")
        }
        assert others <= left_out
        assert not any(re.search(r"/checkpoint$|/\.|partial-", name) for name in names)
        named = ("tracks.csv", "folds.csv", "scaler.json", "table1.csv", "logs/tabulate.log")
        assert {f"results/smoke/{name}" for name in named} <= names

    def test_it_has_the_configuration_of_the_run(self, unpacked):
        config = yaml.safe_load((unpacked / "config.yaml").read_text())
        assert list(config["variants"]) == VARIANTS
        assert (config["name"], config["folds"], config["seed"]) == ("smoke", 3, 2016)

    def test_its_page_describes_code_and_licences(self, unpacked):
        page = (unpacked / "ARCHIVE.md").read_text()
        assert "Trained with python" in page and "mxnet 1.9.1; seed 2016;" in page
        assert "The packed code trained these models; its commit is unknown." in page
        assert "MIT licence" in page and "its owner holds the rights" in page

    def test_the_same_results_give_the_same_bytes(self, packed):
        assert pack(packed, "again.tar.gz")[0] == 0
        assert (packed / "again.tar.gz").read_bytes() == (packed / "smoke.tar.gz").read_bytes()

    @pytest.mark.endurance
    def test_a_run_with_the_audio_trains_nothing_again(self, unpacked):
        write_classes(unpacked.parent / "audio")
        again = Workflow.at(unpacked)
        before = (unpacked / "results/smoke/table1.csv").read_bytes()
        code, output = again(*UP_TO_THE_TABLE, check=False)
        assert code != 0 and "was made by another checkout" in output
        assert run_module("commands.adopt", RESULTS, folder=unpacked)[0] == 0
        again(*UP_TO_THE_TABLE)
        assert (unpacked / "results/smoke/table1.csv").read_bytes() == before
        for log in (unpacked / "results/smoke/logs/train").rglob("*.log"):
            assert log.read_text().startswith("trained by another checkout; copied from ")


def change_a_prediction(results):
    path = results / "predictions/time_1x60/fold-0.csv"
    table = pd.read_csv(path)
    table["predicted"] = table["predicted"].map({"slow": "fast", "fast": "slow"})
    table.to_csv(path, index=False)


def change_the_configuration(results):
    path = results / "config.yaml"
    path.write_text(path.read_text().replace("seed: 2016", "seed: 2017"))


def change_the_folds(results):
    path = results / "config.yaml"
    path.write_text(path.read_text().replace("folds: 3", "folds: 4"))


def shorten_a_prediction(results):
    path = results / "predictions/time_1x60/fold-0.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (change_the_configuration, "was trained with another seed than in"),
        (change_the_folds, "folds.csv has 3 folds, "),
        (
            shorten_a_prediction,
            "fold-0.csv lacks 3 of the 4 test tracks of fold 0; remove it and run",
        ),
        (
            lambda results: (results / "predictions/time_1x60/fold-1.csv").write_text(""),
            "fold-1.csv is damaged or of another version of the workflow; remove it",
        ),
        (
            lambda results: (results / "models/time_1x60/fold-0/fit.json").write_text("{}"),
            "fit.json is damaged or of another version",
        ),
        (
            lambda results: (results / "baselines.csv").write_text(""),
            "baselines.csv is damaged or of another version",
        ),
        (
            lambda results: (results / "folds.csv").write_text(""),
            "folds.csv is damaged or of another version",
        ),
    ],
)
@pytest.mark.parametrize("command", ["rewrite_tables", "pack_model"])
def test_damaged_results_give_neither_tables_nor_a_model(
    packed, tmp_path, command, change, sentence
):
    results = shutil.copytree(packed / "results/smoke", tmp_path / "smoke")
    for made in (results / "onnx").glob("*/*.onnx"):
        made.unlink()
    before = (results / "table1.csv").read_bytes()
    change(results)
    code, output = run_module(f"commands.{command}", results)
    assert code == 1, output
    assert output.startswith("error: ") and output.count("\n") == 1
    assert sentence in output
    assert (results / "table1.csv").read_bytes() == before
    assert not (results / "model.zip").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda results: shutil.rmtree(results / "predictions/time_1x60"),
            "is unfinished: predictions/time_1x60/fold-0.csv and 2 more are missing; run snakemake",
        ),
        (
            lambda results: (results / "models/time_1x60/fold-1/weights.npz").write_text(""),
            "weights.npz is damaged or of another version of the workflow: it has no",
        ),
        (change_a_prediction, " that is not the one with the most votes; remove it and run"),
        (
            change_the_configuration,
            "was trained with another seed than in results/smoke/config.yaml",
        ),
    ],
)
def test_inconsistent_results_are_not_packed(packed, tmp_path, change, sentence):
    shutil.copytree(packed, tmp_path / "workflow")
    change(tmp_path / "workflow/results/smoke")
    code, output = pack(tmp_path / "workflow", "new.tar.gz")
    assert code == 1
    assert output.startswith("error: ") and output.count("\n") == 1
    assert sentence in output
    assert not (tmp_path / "workflow/new.tar.gz").exists()


def test_a_full_disk_is_reported_and_no_file_remains(packed, tmp_path):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))"
    run = "import runpy; runpy.run_module('workflow_scripts.commands.archive', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", f"{limit}; {run}", "results/smoke", tmp_path / "new.tar.gz"],
        cwd=packed,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert re.fullmatch(
        r"error: cannot use .*new.tar.gz: File too large; free space, .*\n", done.stderr
    )
    assert not list(tmp_path.iterdir())
