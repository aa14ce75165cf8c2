"""Tables of track objects; tests/commands/test_tracks.py makes those of mirdata."""

import numpy as np
import pytest

from workflow_scripts.dataset.labelled_objects import audio_attribute, table
from workflow_scripts.errors import UserError


class Track:
    """A track; attributes that are exceptions raise themselves."""

    def __init__(self, number, **values):
        self.track_id, self.audio_path = f"t{number}", f"/home/{number}.wav"
        self.values = values

    def __dir__(self):
        return ["track_id", "audio_path", "_private", *self.values]

    def __getattr__(self, name):
        value = vars(self).get("values", {}).get(name, AttributeError(name))
        if isinstance(value, Exception):
            raise value
        return value


def tracks(**columns):
    """A track for each value of the columns."""
    rows = zip(*columns.values(), strict=True)
    return [Track(n, **dict(zip(columns, values, strict=True))) for n, values in enumerate(rows)]


def of(label="", **columns):
    return table(tracks(**columns), "audio_path", label)


def test_columns_have_one_value_a_track():
    found = of(
        genre=["a", "b", " c\n d"],
        tempo=[120, "90.5", None],
        artist=["x", None, "y"],
        drums=[True, False, np.bool_(True)],
        year=np.array([1999, 2000, 2001]),
        beats=[np.arange(3)] * 3,
        tags=[["u"], [], ["v", "w"]],
        missing=[FileNotFoundError("no file")] * 3,
        jams_path=["x", "y", "z"],
        digest=["1", "2", "3"],
    )
    assert list(found) == ["path", "label", "track_id", "bpm", "artist", "drums", "year"]
    assert found["label"].tolist() == ["a", "b", "c d"]
    assert found["bpm"].tolist() == ["120", "90.5", ""]
    assert found["artist"].tolist() == ["x", "", "y"]
    assert found["year"].tolist() == ["1999", "2000", "2001"]


@pytest.mark.parametrize("tempo", ["fast", -3, 0, float("inf"), float("nan")])
def test_what_is_no_tempo_is_left_empty(tempo):
    assert of(genre=["a"], tempo=[tempo])["bpm"].tolist() == [""]


@pytest.mark.parametrize(
    ("values", "written"),
    [
        (["training", "valid", "test"], ["train", "validation", "test"]),
        (["Train", "dev", "testing"], ["train", "validation", "test"]),
    ],
)
def test_a_split_is_written_in_the_words_of_split_by(values, written):
    assert of(genre=[*"aaa"], subset=values)["split"].tolist() == written


@pytest.mark.parametrize("values", [[0, 1, 2], ["train", "test", "omitted"], ["train", None, "x"]])
def test_another_column_of_that_name_is_no_split(values):
    assert "split" not in of(genre=[*"aaa"], split=values)


def test_a_list_of_one_label_is_a_label():
    found = of(instrument=[["flute"], ("oboe",), np.array(["horn"])])
    assert found["label"].tolist() == ["flute", "oboe", "horn"]
    assert of(instrument=[["flute"], [], None])["label"].tolist() == ["flute", "", ""]
    assert of(genre=[{"rock": 1}, {"pop": 1}])["label"].tolist() == ["rock", "pop"]


@pytest.mark.parametrize(
    ("columns", "label", "sentence"),
    [
        (
            {"genre": [["a", "b"], ["a"], ["c"]], "key": [*"xxy"]},
            "genre",
            "1 of 3 tracks, for example t0, have several values of genre, and the workflow learns "
            r"one label a track; choose LABEL=NAME, one of key \(2 classes\)",
        ),
        (
            {"genre": [*"aab"], "key": [*"xxy"]},
            "",
            r"its tracks have several labels \(genre, key\); choose LABEL=NAME, one of genre",
        ),
        ({"mood": [*"aab"]}, "", r"not clear what the label is; .*, one of mood \(2 classes\)"),
        ({"mood": [*"abc"]}, "", "no attribute has one label a track; choose another data set"),
        (
            {"genre": [None] * 3},
            "",
            "none of its tracks has a value of genre; choose another LABEL",
        ),
        ({"genre": [OSError("run x")] * 3}, "", "none of its tracks has a value of genre: run x$"),
    ],
)
def test_labels_that_are_not_clear_are_refused(columns, label, sentence):
    with pytest.raises(UserError, match=sentence):
        of(label, **columns)


def test_which_recording():
    assert audio_attribute(Track(0)) == "audio_path"
    with pytest.raises(UserError, match="no path audio; choose AUDIO=audio_path"):
        audio_attribute(Track(0), "audio")
    track = Track(0, audio_mix_path="m.wav", audio_path_none=None)
    with pytest.raises(UserError, match="2 recordings; choose AUDIO=audio_mix_path or AUDIO="):
        audio_attribute(track)
    assert audio_attribute(track, "audio_mix_path") == "audio_mix_path"
    track.audio_path = None
    assert audio_attribute(track) == "audio_mix_path"
    track.values = {}
    with pytest.raises(UserError, match="have annotations but no audio"):
        audio_attribute(track)
