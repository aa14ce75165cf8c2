"""The variants that are packed into a model file."""

import pytest

from workflow_scripts.commands.finished_results import FinishedResults
from workflow_scripts.commands.pack_model import best_of, never_predicted
from workflow_scripts.paths import ResultPaths


@pytest.mark.parametrize("name", ["010", "1e3", "NA", "true"])
def test_a_name_that_looks_like_another_value_stays_text(tmp_path, name):
    columns = "variant,accuracy_mean,segment_accuracy_mean,parameters"
    (tmp_path / "table1.csv").write_text(f"{columns}\n020,80,80,9\n{name},90,80,9\n")
    assert best_of(tmp_path / "table1.csv") == name


def test_classes_that_a_variant_never_predicts_are_named(tmp_path):
    folds = "track_id,label,digest,fold\n"
    folds += "".join(f"{i},{label},{i},{i % 3}\n" for i, label in enumerate(["01", "jazz"] * 3))
    (tmp_path / "folds.csv").write_text(folds)
    for variant, predicted in {"same": ["01"] * 3, "good": ["01", "jazz", "01"]}.items():
        for fold, name in enumerate(predicted):
            path = tmp_path / f"predictions/{variant}/fold-{fold}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            columns = "track_id,label,predicted,n_segments,votes_01,votes_jazz,segments"
            votes = "1,0,0" if name == "01" else "0,1,1"
            path.write_text(f"{columns}\n{fold},01,{name},1,{votes}\n")
    results = FinishedResults(ResultPaths(tmp_path), {"folds": 3}, [], None)
    assert never_predicted(results, ["same", "good"]) == ["same never predicts jazz."]
