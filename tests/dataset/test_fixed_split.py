"""A fixed split: the column that names it, its one model, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.dataset import fixed_split, split
from workflow_scripts.errors import UserError

PARTS = ["train", "train", "validation", "test"]


def tracks(**columns):
    """Four tracks of each of two classes."""
    table = pd.DataFrame({"label": [*"aaaabbbb"], "split": PARTS * 2} | columns)
    return table.assign(track_id=[f"{label}/{n}" for n, label in enumerate(table["label"])])


def test_a_split_of_all_classes_is_accepted():
    fixed_split.check(tracks(), "split")
    fixed_split.check(tracks(), "")
    # Blanks and invisible characters do not count, as with group_by.
    fixed_split.check(tracks(split=[" train", "train\u200b", "validation", "test "] * 2), "split")


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        (
            ["train", "train", "valid", "test"] * 2,
            "the column 'split', which split_by names, must say train, validation or test, but it "
            r"has 'valid' \(2 times\), first at a/2; change these values",
        ),
        (["Train", *PARTS[1:], *PARTS], r"has 'Train' \(1 times\), first at a/0"),
        (["", *PARTS[1:], *PARTS], r"has '' \(1 times\), first at a/0"),
        (
            [*PARTS, *["train"] * 4],
            "the split of split_by has no validation track of b; add one, or leave these classes "
            "out of tracks.csv",
        ),
        ([*PARTS, "validation", *PARTS[2:], "test"], "has no train track of b"),
        (["train", "train", "validation", "train"] * 2, "has no test track of a, b"),
    ],
)
def test_other_columns_are_refused(parts, sentence):
    with pytest.raises(UserError, match=sentence):
        fixed_split.check(tracks(split=parts), "split")


def test_a_column_that_is_missing_is_refused():
    with pytest.raises(UserError, match="split_by is 'part', but the tracks have no such column; "):
        fixed_split.check(tracks(), "part")
    with pytest.raises(UserError, match="rename 'split'"):
        fixed_split.check(tracks(), "Split")


@pytest.fixture
def written(tmp_path):
    table = tracks().assign(digest=[f"{n:064x}" for n in range(8)])
    split.write(tmp_path / "folds.csv", table, fixed_split.folds(table["split"]), is_fixed=True)
    return tmp_path / "folds.csv"


def test_the_file_says_the_part_of_each_track(written):
    table = pd.read_csv(written)
    assert table["split"].tolist() == PARTS * 2
    assert table["fold"].tolist() == [2, 2, 1, 0] * 2


def test_one_model_is_tested_on_the_test_tracks_only(written):
    read = split.read(written)
    assert (read.is_fixed, read.n_folds, len(read.keys_of_rest)) == (True, 1, 1)
    parts = {name: read.part(0, name).tolist() for name in ("train", "validation", "test", "rest")}
    assert parts == {
        "train": [0, 1, 4, 5],
        "validation": [2, 6],
        "test": [3, 7],
        "rest": [0, 1, 2, 4, 5, 6],
    }
    assert read.tested.tolist() == [3, 7]
    assert read.lacking("test") == read.lacking("validation") == read.lacking("train") == {}


def test_folds_test_every_track():
    table = tracks().assign(digest="x")
    read = split.Tracks.of(table, np.array([0, 1, 2, 0] * 2))
    assert (read.is_fixed, read.n_folds) == (False, 3)
    assert read.tested.tolist() == [*range(8)]


def test_a_model_of_a_fixed_split_is_that_of_a_fold_with_the_same_tracks(written):
    """What it learned from is the same."""
    fixed = split.read(written)
    folds = split.Tracks.of(pd.read_csv(written, dtype=str), fixed.fold)
    assert folds.keys_of_rest[0] == fixed.keys_of_rest[0]
