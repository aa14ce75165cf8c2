"""What a message advises leads to a run: each advice is followed."""

import re

import pandas as pd
import pytest
import yaml

from tests.conftest import ROOT
from workflow_scripts.dataset import replicas
from workflow_scripts.dataset import tracks as dataset
from workflow_scripts.dataset.selection import Criteria, select
from workflow_scripts.errors import UserError

NO_PAIRS = pd.DataFrame(columns=replicas.COLUMNS)
INPUTS = {"time_1x60": 80, "blackbox_12x200": 250, "time_1x200": 250}


def frames_of(n_frames, problem=""):
    """Tracks of two classes in turn with these numbers of frames, and the index of features."""
    n = len(n_frames)
    frame = pd.DataFrame(
        {
            "track_id": [f"t{i}" for i in range(n)],
            "label": [("a", "b")[i % 2] for i in range(n)],
            "path": [f"p{i}" for i in range(n)],
            "digest": [f"{i:016x}" for i in range(n)],
        }
    )
    index = pd.DataFrame({"digest": frame["digest"], "n_frames": n_frames, "problem": problem})
    index["silence"] = ""
    return frame, index


def selected(data, on_bad_audio="fail", folds=3, inputs=None):
    """The number of tracks to use, or the message without its list of files."""
    inputs = inputs or INPUTS
    criteria = Criteria(on_bad_audio, "group", folds, "", inputs, ballroom=False)
    try:
        return len(select(*data, NO_PAIRS, criteria).used)
    except UserError as error:
        return str(error).partition("\n")[0]


def without(message):
    """The variants that remain if those are left out that a message names."""
    (names,) = re.findall(r"leave those out with variants: \{(.*?)\}", message)
    left_out = {name.removesuffix(": null") for name in names.split(", ")}
    return {name: frames for name, frames in INPUTS.items() if name not in left_out}


def test_if_all_tracks_are_too_short_only_the_variants_help():
    data = frames_of([131] * 12)
    message = selected(data)
    assert message == (
        "12 of 12 tracks cannot be used; fix or replace them; without them, the data set has no "
        "classes; 12 tracks are too short for some variants only: leave those out with "
        "variants: {blackbox_12x200: null, time_1x200: null}:"
    )
    assert selected(data, inputs=without(message)) == 12


def test_if_all_were_skipped_the_message_says_so():
    data = frames_of([131] * 12)
    message = selected(data, "skip")
    assert message.startswith(
        "the data set has no classes: all 12 tracks were skipped (12 times: is too short); it "
    )
    assert selected(data, inputs=without(message)) == 12


def test_the_reasons_are_counted():
    data = frames_of([300] * 3 + [0] * 4 + [131] * 3, [""] * 3 + ["is empty"] * 4 + [""] * 3)
    message = selected(data, "skip")
    assert "fewer of a (2), b (1): 7 of 10 tracks were skipped (4 times: is empty, 3 times: is" in (
        message
    )


def test_where_enough_tracks_remain_skipping_is_advised_and_works():
    data = frames_of([300] * 8 + [131, 131, 50])
    message = selected(data)
    assert "fix or remove them, or skip them with on_bad_audio: skip; 2 tracks are too" in message
    assert selected(data, "skip") == 8
    assert selected(data, "skip", inputs=without(message)) == 10
    assert "1 track is too short for all variants: add variants with at most 50 input_frames" in (
        message
    )
    assert selected(data, inputs={"tiny": 50}) == 11


def test_where_fewer_folds_are_needed_the_message_says_how_many():
    data = frames_of([300] * 8 + [0, 0], [""] * 8 + ["is empty"] * 2)
    message = selected(data, folds=5)
    assert "without them, 5 folds need at least 5 tracks of each class, but there are fewer" in (
        message
    )
    assert message.endswith("so on_bad_audio: skip also needs folds: 4:")
    assert selected(data, "skip", folds=4) == 8


def test_nothing_is_said_of_variants_if_no_track_is_too_short():
    assert "variants" not in selected(frames_of([300] * 8 + [0], [""] * 8 + ["is empty"]))


def test_the_fewest_folds_are_those_of_the_schema():
    schema = yaml.safe_load((ROOT / "config.schema.yaml").read_text())
    assert schema["properties"]["folds"]["minimum"] == dataset.MIN_FOLDS


@pytest.mark.parametrize(
    ("sizes", "folds", "advice"),
    [
        ({"a": 9}, 3, "has only the class a; it needs at least two classes"),
        ({}, 3, "has no classes; it needs at least two classes"),
        ({"a": 9, "b": 4}, 5, r"fewer of b \(4\); add tracks or lower folds to 4$"),
        ({"a": 9, "b": 2}, 5, r"fewer of b \(2\); add tracks$"),
        (
            {"a": 9, "b": 9, "c": 2},
            5,
            "add tracks, or remove the classes with fewer than 3$",
        ),
        (
            {"a": 9, "b": 4, "c": 2},
            5,
            "add tracks, or remove the classes with fewer than 3 and lower folds to 4$",
        ),
    ],
)
def test_the_advice_for_small_classes_is_possible(sizes, folds, advice):
    frame = pd.DataFrame({"label": [label for label, n in sizes.items() for _ in range(n)]})
    with pytest.raises(UserError, match=advice) as error:
        dataset.check_classes(frame, folds)
    message = str(error.value)
    if "remove the classes" in message:
        frame = frame[frame.groupby("label")["label"].transform("size") >= 3]
    if "lower folds to" in message:
        folds = int(message[-1])
    if "lower" in message or "remove" in message:
        dataset.check_classes(frame, folds)
