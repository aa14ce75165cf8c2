"""The command that compares finished results."""

import io
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from tests.conftest import ROOT
from tests.finished_runs import write_run
from tests.runs import made_once, run_module
from workflow_scripts import checksums
from workflow_scripts.commands import compare
from workflow_scripts.commands.finished_results import FinishedResults
from workflow_scripts.errors import UserError
from workflow_scripts.results import checked_predictions
from workflow_scripts.results.run_comparison import ALL_NETWORKS

WORSE = {"time_1x60": 0.5, "frequency_32x1": 0.6}
BETTER = {"time_1x60": 0.9, "frequency_32x1": 0.9}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """results/ with runs that differ in one thing each."""
    folder = tmp_path_factory.mktemp("compare") / "results"
    more = {"n_tracks": 240}
    write_run(folder / "base", WORSE, **more)
    write_run(folder / "good", BETTER, {"sampling": "overlapping"}, **more)
    write_run(folder / "seed", WORSE, {"seed": 7}, fold_of=lambda n: n // 4 % 3, **more)
    write_run(folder / "seeds", WORSE, {"seeds": [2016, 2017]}, **more)
    write_run(folder / "more", BETTER, {"seeds": [2017, 2016]}, **more)
    write_run(folder / "other", WORSE, classes=("a", "b", "c"))
    write_run(folder / "filter", BETTER, {"variants": {"time_1x60": {"input_frames": 90}}}, **more)
    return folder


def made(results, tmp_path, *names):
    """Compare these runs; return the table and the text of the page and of the Markdown."""
    folders = [str(results / name) for name in names]
    compare.main([*folders, "--output", str(tmp_path / "out")])
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == {"compare.html", "compare.csv", "compare.md"}
    table = pd.read_csv(out / "compare.csv").set_index(["variant", "run"])
    return table, (out / "compare.html").read_text(), (out / "compare.md").read_text()


class TestPages:
    def test_two_runs_on_the_same_folds(self, results, tmp_path, capsys):
        table, page, text = made(results, tmp_path, "base", "good")
        assert capsys.readouterr().out.strip() == text.strip()
        # Read again, without the readers of the workflow.
        files = (results / "good/predictions/time_1x60").glob("*.csv")
        folds = [pd.read_csv(path) for path in files]
        means = [100 * (fold["predicted"] == fold["label"]).mean() for fold in folds]
        assert table.loc[("time_1x60", "good"), "accuracy_mean"] == pytest.approx(np.mean(means))
        assert set(table["test"].dropna()) == {"paired"}
        overall = table.loc[(ALL_NETWORKS, "good")]
        assert overall["p_holm"] < 0.05 < overall["difference"]
        for shown in (page, text):
            assert "good is significantly better than base" in shown
            assert "have the same tracks in the same folds" in shown
            assert "contiguous" in shown and "overlapping" in shown
        assert f"{overall['difference']:+.2f}" in page

    def test_other_folds(self, results, tmp_path):
        table, _, text = made(results, tmp_path, "base", "seed")
        assert set(table["test"].dropna()) == {"unpaired"}
        assert "the same tracks in different folds (seed: 2016 and 7)" in text

    def test_other_classes_are_not_tested(self, results, tmp_path):
        table, page, text = made(results, tmp_path, "base", "other")
        assert table[["difference", "p", "p_holm"]].isna().all(axis=None)
        for shown in (page, text):
            assert "accuracies are not comparable" in shown
            assert "significant" not in re.sub("<style.*?</style>", "", shown, flags=re.DOTALL)

    def test_several_seeds(self, results, tmp_path):
        table, _, text = made(results, tmp_path, "seeds", "more")
        assert set(table["n_results"]) == {6}
        assert set(table["test"].dropna()) == {"paired"}
        assert "over folds and seeds" in text
        files = (results / "more").rglob("predictions/time_1x60/*.csv")
        folds = [pd.read_csv(path) for path in files]
        means = [100 * (fold["predicted"] == fold["label"]).mean() for fold in folds]
        assert len(means) == 6
        assert table.loc[("time_1x60", "more"), "accuracy_mean"] == pytest.approx(np.mean(means))

    def test_one_seed_against_several(self, results, tmp_path):
        table, page, _ = made(results, tmp_path, "base", "seeds")
        assert set(table["test"].dropna()) == {"unpaired"}
        assert "different folds (seeds: null and [2016, 2017])" in page

    def test_another_network_under_the_same_name(self, results, tmp_path):
        table, page, text = made(results, tmp_path, "base", "filter")
        assert not table.loc[("time_1x60", "filter"), "same_network"]
        for shown in (page, text):
            assert "time_1x60 (another network in filter)" in shown
            assert "variants.time_1x60.input_frames" in shown

    def test_a_copy_differs_in_nothing(self, results, tmp_path):
        shutil.copytree(results / "base", tmp_path / "copy")
        folders = [str(results / "base"), str(tmp_path / "copy")]
        compare.main([*folders, "--output", str(tmp_path / "o")])
        text = (tmp_path / "o/compare.md").read_text()
        assert "copy and base predict the same tracks correctly with every network." in text
        assert "## Differences in the configuration\n\nNone.\n" in text

    def test_three_runs_have_a_table_each(self, results, tmp_path):
        _, page, text = made(results, tmp_path, "base", "good", "seed")
        assert re.findall("^## .*", text, flags=re.MULTILINE)[:3] == [
            "## Side by side",
            "## good against base",
            "## seed against base",
        ]
        assert page.count("<table") == 5

    def test_results_are_not_changed(self, results, tmp_path):
        def state():
            return {
                path: (path.stat().st_mtime_ns, path.read_bytes())
                for path in results.rglob("*")
                if path.is_file() and not path.name.startswith(".run")
            }

        before = state()
        made(results, tmp_path, "base", "good")
        assert state() == before

    def test_the_folder_is_beside_results(self, results, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        compare.main([str(results / "base"), str(results / "good")])
        assert (tmp_path / "comparisons/base+good/compare.html").exists()


class TestRefused:
    def check(self, sentence, *folders, output="out"):
        with pytest.raises(UserError, match=sentence) as error:
            compare.main([*map(str, folders), "--output", str(output)])
        assert "\n" not in str(error.value)

    def test_one_run(self, results):
        self.check("one run cannot be compared; give", results / "base")

    def test_the_same_folder_twice(self, results, tmp_path):
        self.check(
            "base is given twice; give", results / "base", results / "good", results / "base"
        )
        (tmp_path / "link").symlink_to(results / "base")
        self.check("link is given and is the same folder as", results / "base", tmp_path / "link")

    def test_a_folder_without_results(self, results, tmp_path):
        self.check("nothing is not a folder", results / "base", tmp_path / "nothing")
        self.check("config.yaml is missing", results / "base", tmp_path)

    def test_an_output_in_results(self, results):
        self.check(
            "is in results that are compared",
            results / "base",
            results / "good",
            output=results / "base/new",
        )

    @pytest.fixture
    def copy(self, results, tmp_path):
        return shutil.copytree(results / "base", tmp_path / "copy")

    def test_unfinished_results(self, results, copy):
        (copy / "predictions/time_1x60/fold-1.csv").unlink()
        self.check("is unfinished: predictions/time_1x60/fold-1.csv", results / "base", copy)

    def test_damaged_predictions(self, results, copy):
        path = copy / "predictions/time_1x60/fold-1.csv"
        path.write_text(path.read_text().replace("jazz", "rock", 1))
        self.check("fold-1.csv", results / "base", copy)

    def test_other_settings_than_those_of_the_trainings(self, results, copy):
        path = copy / "config.yaml"
        path.write_text(path.read_text().replace("seed: 2016", "seed: 1"))
        self.check("trained with another seed than in", results / "base", copy)

    def test_an_earlier_version(self, results, tmp_path):
        old = write_run(tmp_path / "old", WORSE)
        read = FinishedResults.open(old)
        for model in read.models:
            fit = read.fit_of(model)
            del fit["n_train_segments"]
            checksums.write_json(model.fit, fit, read.key_of(model).record)
        del read
        self.check("fit.json is damaged or of another version", results / "base", old)

    def test_results_in_use(self, results):
        held = FinishedResults.open(results / "good")
        self.check("good is in use by", results / "base", results / "good")
        del held

    def test_nothing_is_written(self, results, copy, tmp_path):
        (copy / "folds.csv").write_text("")
        self.check("folds.csv is damaged", results / "base", copy, output=tmp_path / "out")
        assert not (tmp_path / "out").exists()


def test_results_without_permission_to_write_are_read(results, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    made(results, tmp_path, "base", "good")


def test_a_closed_pipe_is_not_an_error(results, tmp_path, monkeypatch):
    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

        def fileno(self):
            return file.fileno()

    with (tmp_path / "terminal").open("w") as file:
        monkeypatch.setattr(sys, "stdout", Closed())
        made(results, tmp_path, "base", "good")


class TestNames:
    def test_equal_names_have_the_folders_above(self, tmp_path):
        folders = [tmp_path / path for path in ("a/results/run", "b/results/run", "b/results/x")]
        assert compare.names_of(folders) == ["a/results/run", "b/results/run", "x"]

    def test_no_experiment_can_have_the_name_of_a_comparison(self):
        assert compare.name_of(["a/results/run", "x"]) == "a-results-run+x"

    def test_a_long_name_is_cut_and_stays_unique(self):
        one, two = (compare.name_of(["ü" * 90, "y" * 90, end]) for end in ("1", "2"))
        assert one != two and len(one.encode()) < 140


def change_predictions(results):
    """Let time_1x60 predict the classes of its test tracks in turn, with valid checksums."""
    read = FinishedResults.open(results)
    for model in (model for model in read.models if model.variant == "time_1x60"):
        table = checked_predictions.read(model.predictions, read.tracks, read.origin_of(model))
        classes = read.tracks.classes
        for row, name in enumerate(np.resize(classes, len(table))):
            table.loc[row, "predicted"] = name
            number = classes.index(name)
            for position, other in enumerate(classes):
                share = float(position == number)
                table.loc[row, f"votes_{other}"] = int(share) * table.loc[row, "n_segments"]
                table.loc[row, f"probability_{other}"] = share
            table.loc[row, "segments"] = " ".join([str(number)] * table.loc[row, "n_segments"])
        checked_predictions.write(model.predictions, table, read.tracks, read.origin_of(model))


@pytest.fixture(scope="module")
def checkout(done, tmp_path_factory):
    """A finished run beside a copy with other predictions, in a checkout with an environment."""

    def make(home):
        folder = shutil.copytree(done[0] / "workflow", home / "workflow")
        shutil.copytree(folder / "results/smoke", folder / "results/other")
        change_predictions(folder / "results/other")
        programs = folder / ".venv/bin"
        programs.mkdir(parents=True)
        (programs / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        (programs / "python").chmod(0o755)
        (folder / ".venv/cpu").touch()

    return made_once(tmp_path_factory, "compared", make) / "workflow"


class TestFinishedRun:
    def test_the_documented_command(self, checkout):
        documented = re.search(r"^make compare .*", (ROOT / "docs/results.md").read_text(), re.M)[0]
        command = documented.replace("quick", "smoke")
        done = subprocess.run(command, shell=True, cwd=checkout, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "comparisons/smoke+other/compare.html" in done.stderr
        page = checkout / "comparisons/smoke+other"
        table = pd.read_csv(page / "compare.csv").set_index(["variant", "run"])
        changed = table.loc[table["difference"].fillna(0) != 0].index.get_level_values(0)
        assert set(changed) == {"time_1x60", ALL_NETWORKS}
        own = pd.read_csv(checkout / "results/smoke/table1.csv").set_index("variant")
        means = table.xs("smoke", level="run")["accuracy_mean"].drop(ALL_NETWORKS)
        assert means.to_dict() == pytest.approx(own["accuracy_mean"].to_dict())

    def test_an_unpacked_archive(self, checkout, tmp_path):
        code, output = run_module(
            *("commands.archive", "results/smoke", tmp_path / "a.tar.gz"), folder=checkout
        )
        assert code == 0, output
        shutil.unpack_archive(tmp_path / "a.tar.gz", tmp_path, filter="data")
        folders = (tmp_path / "smoke/results/smoke", checkout / "results/smoke")
        compare.main([*map(str, folders), "--output", str(tmp_path / "out")])
        text = (tmp_path / "out/compare.md").read_text()
        assert "predict the same tracks correctly with every network" in text
        assert "workflow/results/smoke" in text, "the names are equal"
