"""The notes below the table, and the section of the page, that name replicas."""

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.dataset import replicas, split
from workflow_scripts.report.replica_texts import MOST_ROWS, replica_section
from workflow_scripts.results.replica_notes import doubtful, handled, leaks

TRACKS = split.Tracks.of(
    pd.DataFrame({"track_id": [*"abcdef"], "label": "x", "digest": [*"abcdef"]}),
    np.array([0, 1, 0, 0, 1, 1]),
)


def replica_notes(table, tracks):
    """The sentences that apply."""
    return [sentence for note in (leaks, handled, doubtful) if (sentence := note(table, tracks))]


def pairs(*rows):
    return pd.DataFrame(rows, columns=replicas.COLUMNS).astype({"score": float})


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (
            ("a", "b", 0.95, "same sound"),
            "1 pair of tracks is of the same recording in different folds: a and b. A model may be "
            "tested on audio that it was trained on.",
        ),
        (
            ("a", "c", 1, "same file"),
            "1 pair of tracks is of the same recording, in one fold or with one track skipped: "
            "a and c.",
        ),
        (
            ("a", "skipped", 1, "same file"),
            "1 pair of tracks is of the same recording, in one fold or with one track skipped: "
            "a and skipped.",
        ),
        (
            ("a", "b", 0.91, "doubtful"),
            "1 pair of tracks is treated as different recordings but may be of the same one; "
            "check by ear: a and b.",
        ),
    ],
)
def test_each_kind_of_pair_has_a_sentence(row, sentence):
    assert replica_notes(pairs(row), TRACKS) == [sentence]


def test_pairs_of_tracks_that_are_not_used_are_not_mentioned():
    unused = pairs(("y", "z", 1, "same file"), ("a", "z", 0.91, "doubtful"))
    assert replica_notes(unused, TRACKS) == []
    assert replica_notes(pairs(), TRACKS) == [] and replica_section(pairs(), TRACKS) == {}


def test_a_note_names_three_pairs_and_counts_the_others():
    table = pairs(*(("a", other, 1, "same file") for other in "bef"), ("c", "e", 1, "same file"))
    (sentence,) = replica_notes(table, TRACKS)
    assert sentence.startswith("4 pairs of tracks are of the same recording in different folds: ")
    assert "a and b; a and e; a and f; 1 more, see replicas.csv. A model" in sentence


def test_the_page_shows_doubtful_pairs_first_and_a_bounded_number():
    certain = [("a", f"copy {number}", 1, "same file") for number in range(MOST_ROWS)]
    section = replica_section(
        pairs(*certain, ("d", "e", np.nan, "listed"), ("a", "b", 0.914, "doubtful")), TRACKS
    )
    assert len(section["rows"]) == MOST_ROWS and section["more"] == 2
    assert section["rows"][0] == {
        "first": "a",
        "second": "b",
        "verdict": "doubtful",
        "score": "0.91",
        "folds": ["0", "1"],
    }
    assert section["rows"][1]["folds"] == ["0", "skipped"]
    listed = replica_section(pairs(("d", "e", np.nan, "listed")), TRACKS)
    assert listed["rows"][0]["score"] == ""
