"""The variants that are packed into a model file."""

import numpy as np
import pandas as pd
import pytest

from workflow_scripts import checksums
from workflow_scripts.commands.finished_results import FinishedResults
from workflow_scripts.commands.pack_model import best_of, never_predicted
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
