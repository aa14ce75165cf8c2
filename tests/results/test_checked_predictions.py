"""Files of predictions are those of the fold's test tracks, or refused with what is wrong."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from workflow_scripts import checked_tables
from workflow_scripts.dataset.split import Tracks
from workflow_scripts.errors import UserError
from workflow_scripts.results import checked_predictions, predictions

CLASSES = ["NA", "a b", "b"]
VARIANT = "time_1x60"
ORIGIN = checked_predictions.Origin(VARIANT, 0, "0" * 64)


def tracks_of(n=27, shift=0):
    """Tracks of three classes in three folds."""
    table = pd.DataFrame(
        {
            "track_id": [f"{i:02d}" for i in range(n)],
            "label": [CLASSES[(i + shift) % 3] for i in range(n)],
            "digest": [f"{i:x}" for i in range(n)],
        }
    )
    return Tracks.of(table, np.arange(n) // 3 % 3)


def table_of(tracks, fold=0, seed=0):
    """Predictions of 5 segments a track."""
    test = tracks.part(fold, "test")
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet([0.5] * 3, 5 * len(test)).astype(np.float32)
    source = np.repeat(np.arange(len(test)), 5)
    ids, labels = tracks.track_id[test], tracks.label[test]
    return predictions.table(ids, labels, tracks.classes, probabilities, source)


@pytest.fixture
def csv(tmp_path):
    """Valid predictions of fold 0."""
    path = tmp_path / "predictions" / VARIANT / "fold-0.csv"
    checked_predictions.write(path, table_of(tracks_of()), tracks_of(), ORIGIN)
    return path


def refusal(csv, tracks=None, **changes):
    """The sentence with which the file is refused, without its name."""
    with pytest.raises(UserError) as reason:
        checked_predictions.read(csv, tracks or tracks_of(), replace(ORIGIN, **changes))
    assert str(reason.value).startswith(f"{csv} ") and "\n" not in str(reason.value)
    assert str(reason.value).endswith("; remove it and run snakemake")
    return str(reason.value).removeprefix(f"{csv} ").removesuffix("; remove it and run snakemake")


def test_predictions_are_read_as_written(csv):
    found = checked_predictions.read(csv, tracks_of(), ORIGIN)
    expected = table_of(tracks_of())
    assert list(found) == list(expected)
    names = ["track_id", "label", "predicted", "n_segments", "segments"]
    pd.testing.assert_frame_equal(found[names], expected[names])
    assert predictions.track_accuracy(found) == predictions.track_accuracy(expected)
    assert predictions.segment_accuracy(found) == predictions.segment_accuracy(expected)


def test_a_file_cut_after_some_rows_is_refused(csv):
    lines = csv.read_text().splitlines(keepends=True)
    for n in range(1, len(lines)):
        csv.write_text("".join(lines[:n]))
        assert refusal(csv) == f"lacks {len(lines) - n} of the 9 test tracks of fold 0"


def test_predictions_of_another_fold_variant_or_experiment_are_refused(csv):
    assert refusal(csv, fold=1) == "has the track '00', which is not a test track of fold 1"
    assert "its checksum is not that of" in refusal(csv, weights="1" * 64)
    assert "its checksum is not that of the predictions of time_1x200" in refusal(
        csv, variant="time_1x200"
    )
    assert refusal(csv, tracks_of(shift=1)) == "gives 00 the label 'NA', not a b"
    # The same test tracks, but others to train on.
    assert "its checksum is not that of" in refusal(csv, tracks_of(n=30 - 4))


def edited(change):
    """A change of a table as text that keeps its checksum."""

    def edit(csv, tracks):
        table = pd.read_csv(csv, dtype=str, keep_default_na=False)
        table = table.drop(columns=checked_tables.COLUMN)
        changed = change(table)
        table = table if changed is None else changed
        what = f"the predictions of {VARIANT}, fold 0, for the tracks {tracks.key}"
        checked_tables.write(csv, table, what)

    return edit


def cell(column, value, row=2):
    """A change of one cell."""

    def change(table):
        table.loc[row, column] = value

    return edited(change)


def swap_votes(table):
    table[["votes_a b", "votes_b"]] = table[["votes_b", "votes_a b"]].to_numpy()


def other_winner(table):
    """Predict another class, everywhere."""
    table["predicted"] = table["predicted"].map({"NA": "b", "b": "a b", "a b": "NA"})


# Each with a correct checksum, as by someone who writes the files with other code.
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (edited(lambda t: pd.concat([t, t[:1]])), "has the track 00 twice"),
        (edited(lambda t: t.assign(track_id="00")), "has the track 00 twice"),
        (edited(lambda t: t[1:]), "lacks 1 of the 9 test tracks of fold 0"),
        (cell("track_id", "x"), "has the track 'x', which is not a test track of fold 0"),
        (cell("track_id", ""), "has the track '', which is not a test track of fold 0"),
        (cell("label", "b", 0), "gives 00 the label 'b', not NA"),
        (cell("label", ""), "gives 02 the label '', not b"),
        (cell("label", "polka"), "gives 02 the label 'polka', not b"),
        (cell("predicted", "polka"), "predicts a class of 02 that is not the one with the most"),
        (cell("predicted", ""), "predicts a class of 02 that is not the one with the most votes"),
        (edited(other_winner), "predicts a class of 00 that is not the one with the most votes"),
        (cell("votes_b", ""), "has a cell that is not a number: "),
        (cell("votes_b", "nan"), "has a cell that is not a number: "),
        (cell("votes_b", "1.5"), "has a cell that is not a number: "),
        (cell("votes_b", "9" * 30), "has a cell that is not a number: "),
        (cell("votes_b", "-1"), "has negative votes for 02"),
        (cell("votes_b", "7"), "has more or fewer votes than segments for 02"),
        (cell("n_segments", "4"), "has more or fewer votes than segments for 02"),
        (edited(swap_votes), "has other votes than the segments of "),
        (cell("segments", "0 0 0 0"), "has other votes than the segments of 02"),
        (cell("segments", ""), "has other votes than the segments of 02"),
        (cell("probability_b", "nan"), "has probabilities of 02 that are not those of classes"),
        (cell("probability_b", "inf"), "has probabilities of 02 that are not those of classes"),
        (cell("probability_b", "-0.5"), "has probabilities of 02 that are not those of classes"),
        (cell("probability_b", "x"), "has a cell that is not a number: "),
        (edited(lambda t: t.drop(columns="votes_b")), "has no column votes_b"),
        (edited(lambda t: t.drop(columns="track_id")), "has no column track_id"),
        (edited(lambda t: t.rename(columns={"label": "Label"})), "has no column label"),
    ],
)
def test_an_inconsistent_file_is_refused_whatever_its_checksum(csv, change, sentence):
    change(csv, tracks_of())
    assert refusal(csv).startswith(sentence)


def test_a_changed_number_that_is_consistent_is_refused_by_the_checksum(csv):
    content = csv.read_text()
    probability = re.search(r",(0\.\d{7,})", content)[1]
    last = str((int(probability[-1]) + 1) % 10)
    csv.write_text(content.replace(probability, probability[:-1] + last))
    assert "is damaged or belongs elsewhere" in refusal(csv)


def test_no_tie_is_refused():
    """Ties of votes go to the higher mean probability, as in the decision."""
    tracks = tracks_of(99)
    for seed in range(20):
        table = table_of(tracks, seed=seed).astype(str)
        assert list(checked_predictions.problems(table, tracks, 0)) == []


@pytest.mark.parametrize("content", [b"", b"\n", b"\0" * 99, b"\xff\xfe\xff", b'"', b"a\n1,2,3\n"])
def test_other_content_is_refused(csv, content):
    csv.write_bytes(content)
    refusal(csv)


def test_a_file_of_an_earlier_version_is_refused(csv):
    table_of(tracks_of()).to_csv(csv, index=False)
    assert refusal(csv).startswith("is damaged or of another version of the workflow: it has")


def test_a_file_saved_by_a_spreadsheet_is_accepted_or_refused(csv):
    expected = checked_predictions.read(csv, tracks_of(), ORIGIN)
    content = csv.read_bytes()
    csv.write_bytes(content.replace(b"\n", b"\r\n"))
    again = checked_predictions.read(csv, tracks_of(), ORIGIN)
    pd.testing.assert_frame_equal(again, expected)
    csv.write_bytes(b"\xef\xbb\xbf" + content)
    refusal(csv)
    csv.write_bytes(content.replace(b",", b";"))
    refusal(csv)
    # Numbers that a spreadsheet has made of names.
    csv.write_bytes(content.replace(b"\n00,", b"\n0,"))
    refusal(csv)


def test_a_flipped_bit_changes_nothing_or_is_refused(csv):
    expected = checked_predictions.read(csv, tracks_of(), ORIGIN)
    content = csv.read_bytes()
    rng = np.random.default_rng(0)
    for position in rng.permutation(len(content))[:100]:
        changed = bytearray(content)
        changed[position] ^= 1 << rng.integers(8)
        csv.write_bytes(changed)
        try:
            found = checked_predictions.read(csv, tracks_of(), ORIGIN)
        except UserError:
            continue
        pd.testing.assert_frame_equal(found, expected)
