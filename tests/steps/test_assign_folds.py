"""Folds that give less than one batch of training segments are refused before any training."""

import argparse

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.audio.parameters import PAPERS
from workflow_scripts.dataset import split
from workflow_scripts.dataset.selection import SKIPPED_COLUMNS, Selection
from workflow_scripts.errors import UserError
from workflow_scripts.steps.assign_folds import assign, n_training_segments

# Four tracks of each of three classes, of 250 frames.
USED = pd.DataFrame(
    [
        (f"{label}/{k}", label, f"{label}{k}", f"{label}{k}.wav", 250)
        for label in "abc"
        for k in range(4)
    ],
    columns=["track_id", "label", "digest", "path", "n_frames"],
)


def assigned(folder, batches, **changes):
    """Assign the folds; return what folds.csv has."""
    options = {"n_folds": 3, "seed": 0, "unstratified": False, "validation": "tracks"}
    options |= {
        "group_by": "",
        "split_by": "",
        "front_end": PAPERS,
        "folds": folder / "folds.csv",
        "skipped": folder / "skipped.csv",
    }
    selection = Selection(USED, None, pd.DataFrame(columns=SKIPPED_COLUMNS))
    assign(selection, argparse.Namespace(**options | changes, batches=batches))
    return split.read(folder / "folds.csv")


@pytest.mark.parametrize(
    ("segment", "hop", "of_a_track"), [(80, 80, 3), (250, 250, 1), (80, 20, 9), (1, 1, 250)]
)
def test_one_batch_is_enough_and_less_is_refused(tmp_path, segment, hop, of_a_track):
    tracks = assigned(tmp_path, {})
    # Three folds: one tests, one validates.
    counts = [of_a_track * len(tracks.part(fold, "train")) for fold in range(3)]
    assigned(tmp_path, {"any": (segment, hop, min(counts))})
    (tmp_path / "folds.csv").unlink()
    sentence = (
        f"fold {np.argmin(counts)} of any would have {min(counts)} training segments, fewer than "
        f"one batch of {min(counts) + 1}; lower training.batch_size or add tracks"
    )
    with pytest.raises(UserError, match=sentence):
        assigned(tmp_path, {"other": (segment, hop, 1), "any": (segment, hop, min(counts) + 1)})
    assert not (tmp_path / "folds.csv").exists()


def test_validation_segments_are_not_counted(tmp_path):
    """As many are drawn as a step of training draws."""
    tracks = assigned(tmp_path, {}, validation="segments")
    counts = n_training_segments(tracks, USED["n_frames"].to_numpy(), 80, 80, "segments")
    for fold, count in enumerate(counts):
        n_rest = 3 * len(tracks.part(fold, "rest"))
        chosen = split.validation_segments(n_rest, 3, np.random.default_rng(0))
        assert count == np.count_nonzero(~chosen)


def test_a_class_of_short_tracks_counts_less():
    labels = USED["label"].to_numpy()
    tracks = split.Tracks.of(USED, np.arange(12) % 3)
    n_frames = np.where(labels == "a", 79, 250)
    counts = n_training_segments(tracks, n_frames, 80, 80, "tracks")
    assert counts == [3 * np.sum(labels[tracks.part(k, "train")] != "a") for k in range(3)]
