"""A whole run with split_by: one model a variant, its table, page, models, archive, comparison."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from tests.conftest import clicks, write_wav
from tests.runs import DATA, SMOKE, Workflow, finished, planned, run_module

PARTS = ["train", "train", "validation", "test", "test"]
# Two networks: those of config.yaml that train fastest.
REMOVED = ("blackbox_12x8", "timefrequency", "timefrequency_init")
FIXED = "split_by=part"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The finished workflow, its output and the arguments of the run."""
    home = tmp_path_factory.mktemp("fixed")
    rng = np.random.default_rng(0)
    rows = ["path,label,part"]
    for label, tempo in {"slow": 70, "fast": 170}.items():
        for number, part in enumerate(PARTS):
            write_wav(home / f"audio/{label}{number}.wav", clicks(rng, tempo + number, 6))
            rows.append(f"{label}{number}.wav,{label},{part}")
    (home / "audio/tracks.csv").write_text("\n".join(rows) + "\n")
    (home / "own.yaml").write_text("variants:\n" + "".join(f"  {v}: null\n" for v in REMOVED))
    workflow = Workflow(home / "workflow")
    arguments = (SMOKE[0], SMOKE[1], "../own.yaml", *SMOKE[2:], FIXED, "training={batch_size: 4}")
    return workflow, workflow(*arguments), arguments


pytestmark = pytest.mark.endurance


def test_each_variant_has_one_model_of_the_named_parts(run):
    workflow, output, _ = run
    assert finished(output)["train"] == 2
    results = workflow.folder / DATA
    folds = pd.read_csv(results / "folds.csv")
    assert folds["split"].tolist() == PARTS * 2
    for variant in ("time_1x60", "frequency_32x1"):
        predictions = pd.read_csv(results / f"predictions/{variant}/fold-0.csv")
        tested = set(folds["track_id"][folds["split"] == "test"])
        assert set(predictions["track_id"]) == tested and len(predictions) == 4
        assert [p.name for p in (results / f"models/{variant}").iterdir()] == ["fold-0"]
        fit = json.loads((results / f"models/{variant}/fold-0/fit.json").read_text())
        assert fit["n_train_segments"] == 4 * (6 * 44100 // 1024 // 80)


def test_the_table_has_an_interval_and_no_deviation(run):
    workflow, _, _ = run
    table = pd.read_csv(workflow.folder / DATA / "table1.csv").set_index("variant")
    assert (table["n_folds"] == 1).all() and table["accuracy_std"].isna().all()
    assert (table["accuracy_low"] <= table["accuracy_mean"]).all()
    text = (workflow.folder / DATA / "table1.md").read_text()
    assert "95 % interval" in text and "±" not in text
    assert "Accuracy: % of the 4 test tracks of a fixed split" in text


def test_no_sentence_of_the_page_speaks_of_folds(run):
    workflow, _, _ = run
    page = (workflow.folder / DATA / "report.html").read_text()
    page = re.sub(r"<(script|style|svg|pre)\b.*?</\1>", " ", page, flags=re.DOTALL)
    sentences = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    found = re.findall(r"[^.]*\bfolds?\b[^.]*", sentences)
    assert [
        text for text in found if "no spread over folds" not in text and "fold 0" not in text
    ] == []
    assert "4 train, 2 validation, 4 test" in sentences


def test_nothing_is_left_to_do_and_folds_has_no_effect(run):
    workflow, _, arguments = run
    assert planned(workflow("-n", *arguments)) == {}
    # The page has the configuration.
    assert planned(workflow("-n", *arguments, "folds=5")) == {"report": 1, "all": 1}


def test_commands_take_the_results(run, tmp_path):
    workflow, _, _ = run
    folder = workflow.folder
    for module, arguments in {
        "commands.pack_model": ("results/smoke",),
        "commands.rewrite_tables": ("results/smoke",),
        "commands.archive": ("results/smoke", str(tmp_path / "a.tar.gz")),
    }.items():
        code, output = run_module(module, *arguments, folder=folder)
        assert code == 0, output
    card = (folder / DATA / "onnx/time_1x60/MODEL_CARD.md").read_text()
    assert "A fixed split of whole tracks: 4 train, 2 select the epoch, 4 test." in card
    assert "(95 % interval " in card and "Cross-validation" not in card
