"""predictions.csv, per_class.csv and confusions.csv, against scikit-learn and counts by hand."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from tests.fake_results import FakeResults
from tests.names import NAMES
from workflow_scripts.dataset import split
from workflow_scripts.errors import UserError
from workflow_scripts.results import predictions, tidy_tables
from workflow_scripts.results.tidy_tables import FILES, KEY

FIT = {"seed": 7, "variant": "01", "fold": 2}


def predicted_as(labels, answers, classes, **fit):
    """Rows of predictions.csv of tracks with two segments, which agree."""
    source = np.repeat(np.arange(len(labels)), 2)
    probabilities = 0.5 * np.eye(len(classes))[[classes.index(a) for a in answers]][source]
    probabilities += 0.5 / len(classes)
    ids = np.array([f"t{i}" for i in range(len(labels))], object)
    table = predictions.table(ids, np.array([*labels], object), classes, probabilities, source)
    return tidy_tables.of_model(FIT | fit, table, pd.CategoricalDtype(ids), classes)


@pytest.fixture(scope="module", params=[NAMES, ["only"]], ids=["hostile names", "one class"])
def run(tmp_path_factory, request):
    """Finished results of two variants and three folds."""
    folder = tmp_path_factory.mktemp("tidy") / "results"
    n_tracks = 3 * len(request.param) + 1
    return FakeResults(folder, request.param, n_tracks, ["time_1x60", "frequency_32x1"])


@pytest.fixture(scope="module")
def tables(run):
    tracks = split.read(run.folder / "folds.csv")
    return [tidy_tables.read(run.folder / file, tracks) for file in FILES]


def test_a_row_has_the_votes_and_probabilities_of_the_predicted_class_and_the_label():
    classes = ["label", "predicted", "x"]
    probabilities = np.array([[0.2, 0.7, 0.1], [0.1, 0.6, 0.3], [0.5, 0.4, 0.1], [0.0, 0.1, 0.9]])
    ids, labels = np.array(["NA", "1.0"]), np.array(["label", "x"])
    table = predictions.table(ids, labels, classes, probabilities, np.array([0, 0, 0, 1]))
    rows = tidy_tables.of_model(FIT, table, pd.CategoricalDtype(ids), classes)
    first, second = rows.to_dict("records")
    assert list(first) == [
        *("seed", "variant", "fold", "track_id", "label", "predicted", "correct", "n_segments"),
        *("votes_predicted", "votes_label", "probability_predicted", "probability_label"),
    ]
    assert [first[key] for key in KEY] == [7, "01", 2]
    assert (first["track_id"], first["label"], first["predicted"]) == ("NA", "label", "predicted")
    assert (first["correct"], second["correct"]) == (False, True)
    assert (first["n_segments"], first["votes_predicted"], first["votes_label"]) == (3, 2, 1)
    assert first["probability_predicted"] == pytest.approx(1.7 / 3)
    assert first["probability_label"] == pytest.approx(0.8 / 3)
    assert second["probability_predicted"] == second["probability_label"] == np.float32(0.9)


def test_precision_recall_and_f1_by_hand():
    classes = ["a", "b", "c", "d", "e"]
    # c has tracks and is never predicted; d is predicted and has no track; e neither.
    rows = predicted_as("aaaabbc", "aaabbda", classes)
    table = tidy_tables.per_class(rows, classes).set_index("label")
    assert table["support"].tolist() == [4, 2, 1, 0, 0]
    assert table["precision"].tolist() == pytest.approx(
        [3 / 4, 1 / 2, np.nan, 0, np.nan], nan_ok=True
    )
    assert table["recall"].tolist() == pytest.approx([3 / 4, 1 / 2, 0, np.nan, np.nan], nan_ok=True)
    assert table["f1"].tolist() == pytest.approx([3 / 4, 1 / 2, 0, 0, np.nan], nan_ok=True)
    pairs = tidy_tables.confusions(rows)
    assert pairs[["label", "predicted", "tracks"]].to_numpy().tolist() == [
        ["a", "a", 3],
        ["a", "b", 1],
        ["b", "b", 1],
        ["b", "d", 1],
        ["c", "a", 1],
    ]


def test_seeds_variants_and_folds_are_separate():
    classes = ["a", "b"]
    models = [{"seed": 8}, {"variant": "1"}, {"fold": 0}, {}]
    answers = ["ab", "aa", "bb", "ba"]
    pairs = zip(models, answers, strict=True)
    rows = pd.concat(predicted_as("ab", answer, classes, **model) for model, answer in pairs)
    keys = [tuple((FIT | model).values()) for model in models]
    scores = tidy_tables.per_class(rows, classes)
    pairs = tidy_tables.confusions(rows)
    for table in (scores, pairs):
        assert list(dict.fromkeys(table[KEY].itertuples(index=False, name=None))) == keys
    assert scores["recall"].tolist() == [1, 1, 1, 0, 0, 1, 0, 0]
    assert pairs["predicted"].tolist() == list("abaabbba")


def test_the_tables_hold_every_prediction_of_the_files_of_the_folds(run, tables):
    predicted, _, _ = tables
    models = [(1, variant, fold) for variant in run.variants for fold in range(3)]
    groups = predicted.groupby(KEY, sort=False)
    assert [key for key, _ in groups] == models
    for (_, variant, fold), own in groups:
        file = predictions.read(run.folder / variant / f"{fold}.csv")
        for column in ("track_id", "label", "predicted", "n_segments"):
            assert own[column].tolist() == file[column].tolist()
        assert own["correct"].mean() == pytest.approx(predictions.track_accuracy(file) / 100)
        for row, (_, wide) in zip(own.to_dict("records"), file.iterrows(), strict=True):
            for of in ("label", "predicted"):
                assert row[f"votes_{of}"] == wide[f"votes_{row[of]}"]
                assert row[f"probability_{of}"] == pytest.approx(wide[f"probability_{row[of]}"])


def test_scores_and_confusions_equal_those_of_scikit_learn(run, tables):
    predicted, per_class, confusions = tables
    for key, own in predicted.groupby(KEY):
        scores = per_class[(per_class[KEY] == key).all(axis=1)]
        assert scores["label"].tolist() == run.classes
        arguments = {"labels": run.classes, "zero_division": np.nan}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = metrics.precision_recall_fscore_support(
                own["label"], own["predicted"], **arguments
            )
            matrix = metrics.confusion_matrix(own["label"], own["predicted"], labels=run.classes)
        for column, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
            assert scores[column].tolist() == pytest.approx(values.tolist(), nan_ok=True)
        pairs = confusions[(confusions[KEY] == key).all(axis=1)]
        found = pairs.pivot(index="label", columns="predicted", values="tracks")
        found = found.reindex(index=run.classes, columns=run.classes).fillna(0)
        assert found.to_numpy().tolist() == matrix.tolist()
        assert (pairs["tracks"] > 0).all()


def test_undefined_scores_are_empty_cells(run):
    cells = pd.read_csv(run.folder / "per_class.csv", dtype=str, keep_default_na=False)
    never = cells[cells["precision"] == ""]
    assert "nan" not in cells["precision"].str.lower().tolist()
    if len(run.classes) > 1:
        assert len(never), "with random predictions, a class is not predicted in some fold"


@pytest.mark.parametrize("file", FILES)
def test_a_changed_table_is_refused(run, tmp_path, file):
    content = (run.folder / file).read_text()
    (tmp_path / file).write_text(content.replace(",2,", ",1,", 1))
    with pytest.raises(UserError, match=f"{file} is damaged"):
        tidy_tables.read(tmp_path / file, split.read(run.folder / "folds.csv"))


def test_300_classes_have_a_row_for_each_score_but_only_for_confusions_that_occur():
    classes = [f"class {i:03}" for i in range(300)]
    answers = np.random.default_rng(0).choice(classes, 300)
    rows = predicted_as(classes, answers, classes)
    assert len(tidy_tables.per_class(rows, classes)) == 300
    pairs = tidy_tables.confusions(rows)
    assert pairs["predicted"].tolist() == answers.tolist() and (pairs["tracks"] == 1).all()
