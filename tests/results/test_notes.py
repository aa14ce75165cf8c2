"""The notes below a table name what may be wrong with the labels."""

import numpy as np
import pandas as pd

from workflow_scripts.dataset.split import Tracks
from workflow_scripts.results.notes import notes


def of(labels, digests):
    frame = pd.DataFrame({"track_id": range(len(labels)), "label": labels, "digest": digests})
    return notes(Tracks.of(frame, np.arange(len(labels)) % 2), 0, "folder")


def test_classes_that_look_alike_are_named():
    (note,) = (
        note for note in of(["a", "A", "a\u200b", "b"] * 2, [*"12345678"]) if "Classes" in note
    )
    assert note == (
        "Classes whose names differ only by blanks, invisible characters or case: "
        "'A' and 'a' and 'a\\u200b'."
    )


def test_tracks_of_two_classes_are_counted():
    (note,) = (
        note for note in of(["a", "b", "b", "b"], ["1", "1", "2", "2"]) if "another class" in note
    )
    assert note.startswith("2 tracks have the same audio as a track of another class, so at least")


def test_tidy_labels_have_no_note():
    assert len(of(["a", "b", "a", "b", "a", "b"], [*"123456"])) == 3, "legend, and classes of folds"
