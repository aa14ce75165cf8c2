"""Predictions of tracks, and their formats: text, CSV, JSON and pictures."""

import csv
import io
import json
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.conftest import clicks, write_wav
from tests.model_files import onnx_of, packed
from tests.papers import mel_bands
from workflow_scripts.errors import printable
from workflow_scripts.labelling import picture
from workflow_scripts.labelling.find_audio import find
from workflow_scripts.labelling.formats import FORMATS, as_csv, as_text, details
from workflow_scripts.labelling.label_tracks import Labelled
from workflow_scripts.labelling.prediction import Moment, Prediction, predict
from workflow_scripts.models.runtime import Ensemble, Session
from workflow_scripts.results.votes import combined_vote, majority_vote

RATE = 44100 / 1024

HOSTILE = "\x1b[2J<b>&\n\u202e'\""


def distributions(rng, n, classes=3):
    values = rng.random((n, classes)) ** 4
    return values / values.sum(axis=1, keepdims=True)


def sound(n_frames):
    """No frame is in a silence."""
    return np.zeros(n_frames, bool)


class TestPrediction:
    def test_one_network_predicts_as_in_evaluation(self):
        rng = np.random.default_rng(0)
        for _ in range(200):
            # With few segments, ties are frequent.
            probabilities = distributions(rng, rng.integers(1, 6))
            predicted, votes, mean = majority_vote(probabilities)
            prediction = predict("abc", {80: [probabilities]}, sound(80 * len(probabilities)), RATE)
            assert prediction.label == "abc"[predicted]
            assert np.allclose(prediction.vote_shares, votes / len(probabilities), atol=1e-12)
            assert np.allclose(prediction.probabilities, mean, atol=1e-12)

    def test_each_network_has_the_same_weight_whatever_its_number_of_segments(self):
        short = np.array([[0.9, 0.1]] * 10)
        long = np.array([[0.2, 0.8]] * 3)
        prediction = predict("ab", {80: [short], 250: [long]}, sound(800), RATE)
        assert prediction.vote_shares == (0.5, 0.5)
        assert prediction.label == "a", "ties go to the higher mean probability"
        assert np.allclose(prediction.probabilities, (0.55, 0.45))

    def test_the_runner_up_has_the_next_share_of_votes(self):
        probabilities = np.array([[0.6, 0.4, 0.0]] * 3 + [[0.0, 0.4, 0.6]] * 2)
        prediction = predict("abc", {80: [probabilities]}, sound(80 * len(probabilities)), RATE)
        assert (prediction.label, prediction.runner_up) == ("a", "c")

    def test_the_timeline_covers_the_segments_of_the_shortest_input(self):
        short = np.array([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7], [0.8, 0.2], [0.9, 0.1], [0.9, 0.1]])
        long = np.array([[0.1, 0.9]])
        timeline = predict("ab", {80: [short], 250: [long]}, sound(480), RATE).timeline
        assert [m.start for m in timeline] == pytest.approx(
            [k * 80 * 1024 / 44100 for k in range(6)]
        )
        assert all(a.end == b.start for a, b in pairwise(timeline))
        # The long segment, of 250 frames, covers the centres of the first three short ones.
        expected = [0.5, 0.5, 0.2, 0.8, 0.9, 0.9]
        assert [m.probabilities[0] for m in timeline] == pytest.approx(expected)

    def test_silent_segments_have_no_vote(self):
        """They are Waltz for a network; the segments with sound decide alone."""
        jive, waltz = [0.9, 0.1], [0.3, 0.7]
        silent = sound(80 * 9)
        silent[80 * 3 :] = True
        prediction = predict("jw", {80: [np.array([jive] * 3 + [waltz] * 6)]}, silent, RATE)
        assert (prediction.label, prediction.vote_shares) == ("j", (1, 0))
        assert np.allclose(prediction.probabilities, jive)
        assert [prediction.at(moment) for moment in prediction.timeline] == [*"jjj", *[None] * 6]

    def test_a_segment_with_a_frame_of_sound_votes(self):
        silent = ~sound(160)
        silent[90] = False
        prediction = predict("ab", {80: [np.array([[0.9, 0.1], [0.2, 0.8]])]}, silent, RATE)
        assert (prediction.label, prediction.vote_shares) == ("b", (0, 1))

    def test_each_input_has_its_own_silent_segments(self):
        """The second half of the long segment is silent; two short ones are."""
        short = np.array([[0.9, 0.1]] * 4)
        long = np.array([[0.2, 0.8], [0.7, 0.3]])
        silent = sound(320)
        silent[100:] = True
        prediction = predict("ab", {80: [short], 160: [long]}, silent, RATE)
        assert prediction.vote_shares == (0.5, 0.5)
        assert np.allclose(prediction.probabilities, (0.55, 0.45))
        expected = [(0.55, 0.45), (0.55, 0.45), None, None]
        for moment, probabilities in zip(prediction.timeline, expected, strict=True):
            if probabilities is None:
                assert moment.probabilities is None
            else:
                assert np.allclose(moment.probabilities, probabilities)

    def test_folds_are_averaged_before_they_vote(self, tmp_path):
        model = packed(tmp_path / "model.zip", "time_1x60", "time_1x200")
        write_wav(tmp_path / "track.wav", clicks(np.random.default_rng(0), 120, 12))
        energies = mel_bands(tmp_path / "track.wav")
        probabilities = Ensemble(model).probabilities(energies)
        n = len(energies) // 80
        segments = energies[: n * 80].reshape(n, 80, 40)
        folds = [Session(onnx_of("time_1x60", k)).probabilities(segments) for k in (0, 1)]
        assert np.abs(probabilities[80][0] - (folds[0] + folds[1]) / 2).max() < 1e-6
        assert len(probabilities[250][0]) == len(energies) // 250


def a_prediction(label="waltz", n=4):
    other = "tango"
    moments = [Moment(2.0 * k, 2.0 * k + 2, (0.7, 0.3) if k != 2 else (0.2, 0.8)) for k in range(n)]
    return Prediction((label, other), (0, 1), (0.575, 0.425), (0.75, 0.25), tuple(moments))


def with_silence(warning=""):
    """A prediction whose timeline is silent from 2 to 6 s."""
    whole = a_prediction("silent")
    moments = [replace(m, probabilities=None) if m.start in (2, 4) else m for m in whole.timeline]
    return replace(whole, timeline=tuple(moments), warning=warning)


class TestSilenceAndWarnings:
    """A class may have the name "silent"."""

    def formatted(self, name, warning=""):
        return "".join(FORMATS[name]([details(Labelled("a.wav", with_silence(warning)))]))

    def test_text(self):
        _, timeline = self.formatted("text").splitlines()
        assert timeline == "    0:00 silent, silent from 0:02, 0:06 silent"
        *_, warning = self.formatted("text", "too quiet\n").splitlines()
        assert warning == f"    warning: {printable(chr(10).join(['too quiet', '']))}"

    def test_csv(self):
        (row,) = csv.DictReader(io.StringIO(self.formatted("csv", "too quiet")))
        assert row["timeline"] == "0.0-2.0 silent; silent 2.0-6.0; 6.0-8.0 silent"
        assert row["warning"] == "too quiet" and row["problem"] == ""

    def test_json(self):
        (track,) = json.loads(self.formatted("json"))
        assert track["timeline"][1] == {"start": 2, "end": 4, "class": None, "probability": None}
        assert track["warning"] == ""

    def test_a_picture_shows_no_class_there(self):
        drawing = picture.drawing("a.wav", with_silence())
        elements = [*ElementTree.fromstring(drawing)]
        kinds = [element.get("class") for element in elements]
        assert kinds.count("silent") == 2 and kinds.count("chosen") == 2
        places = {e.get("class"): float(e.get("x")) for e in elements if e.get("class") == "silent"}
        assert places and "nan" not in drawing


class TestFormats:
    tracks = (
        Labelled("one.wav", a_prediction()),
        Labelled(HOSTILE, a_prediction(HOSTILE)),
        Labelled("bad.wav", None, "is silent throughout"),
    )

    def formatted(self, name):
        return "".join(FORMATS[name](map(details, self.tracks)))

    def test_text(self):
        first, second, *_ = self.formatted("text").splitlines()
        expected = "one.wav: waltz (probability 0.57, 75 % of the votes), then tango (0.42, 25 %)"
        assert first == expected.replace("0.57", f"{0.575:.2f}").replace("0.42", f"{0.425:.2f}")
        assert second == "    0:00 waltz, 0:04 tango, 0:06 waltz"
        assert self.formatted("text").endswith("bad.wav: not labelled: is silent throughout\n")

    def test_csv(self):
        one, hostile, bad = csv.DictReader(io.StringIO(self.formatted("csv")))
        assert one["class"] == "waltz" and one["runner_up"] == "tango"
        assert float(one["vote_share"]) == 0.75 and float(one["probability"]) == 0.575
        assert one["timeline"] == "0.0-4.0 waltz; 4.0-6.0 tango; 6.0-8.0 waltz"
        assert hostile["path"] == printable(HOSTILE)
        assert bad["problem"] == "is silent throughout" and bad["class"] == ""

    @pytest.mark.parametrize("start", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
    @pytest.mark.parametrize("blank", ["", " "])
    def test_a_spreadsheet_computes_no_name_in_the_csv(self, start, blank):
        name = f"{blank}{start}cmd|' /C calc'!A0"
        tracks = [Labelled(name, a_prediction(name)), Labelled(name, None, f"is {name}")]
        one, bad = csv.DictReader(io.StringIO("".join(as_csv(map(details, tracks)))))
        for cell in (*one.values(), *bad.values()):
            assert not cell.lstrip().startswith(tuple("=+-@\uff1d\uff0b\uff0d\uff20\t\r")), cell
        assert one["path"] == one["class"] == bad["path"] == f"'{printable(name)}"
        assert json.loads("".join(FORMATS["json"](map(details, tracks))))[0]["class"] == name

    def test_a_name_with_an_apostrophe_can_be_told_from_an_escaped_one(self):
        names = [*("'" * n + "=1" for n in range(3)), "it's", "a=1", "a-b", "1-"]
        text = "".join(as_csv(details(Labelled(name, a_prediction())) for name in names))
        written = [row["path"] for row in csv.DictReader(io.StringIO(text))]
        assert written[:3] == ["'" * n + "=1" for n in (1, 2, 3)] and written[3:] == names[3:]
        # Without the first apostrophe of a cell, if it has one, they are the exact names.
        assert [cell.removeprefix("'") for cell in written] == names

    def test_json_keeps_exact_names(self):
        one, hostile, bad = json.loads(self.formatted("json"))
        assert one["probabilities"] == {"waltz": 0.575, "tango": 0.425}
        assert one["timeline"][2] == {"start": 4, "end": 6, "class": "tango", "probability": 0.8}
        assert hostile["path"] == HOSTILE and hostile["class"] == HOSTILE
        assert bad == {"path": "bad.wav", "problem": "is silent throughout"}

    @pytest.mark.parametrize("name", FORMATS)
    def test_no_format_has_control_characters(self, name):
        assert all(c.isprintable() or c == "\n" for c in self.formatted(name))
        assert "\u202e" not in self.formatted(name)

    def test_without_tracks_the_document_is_valid(self):
        assert json.loads("".join(FORMATS["json"]([]))) == []
        assert "".join(as_csv([])).startswith("path,class,")
        assert "".join(as_text([])) == ""

    def test_the_picture_is_valid_svg_for_any_name(self):
        for name, n in ((HOSTILE, 1), (HOSTILE, 7), ("ten minutes", 359), ("hours", 5000)):
            prediction = a_prediction(name, n)
            root = ElementTree.fromstring(picture.drawing(name, prediction))
            cells = [e for e in root.iter() if e.get("class") == "cell"]
            chosen = [e for e in root.iter() if e.get("class") == "chosen"]
            assert len(cells) == 2 * len(chosen) == 2 * min(len(prediction.timeline), 180)
            assert min(float(e.get("width")) for e in cells + chosen) > 0
            assert max(float(e.get("x")) + float(e.get("width")) for e in cells) < 901
            assert not [e for e in root.iter() if "script" in e.tag or e.tag.endswith("}b")]

    def test_long_names_are_shortened_at_their_end(self):
        """Beside the rows there is place for 170 pixels; the complete name is a tooltip."""
        classes = [f"{number} is the number of a Künstler with a long name" for number in range(3)]
        probabilities = distributions(np.random.default_rng(0), 50, 3)
        prediction = predict(classes, {80: [probabilities]}, np.zeros(50 * 80, bool), RATE)
        root = ElementTree.fromstring(picture.drawing("x" * 300, prediction))
        rows = [e for e in root if e.get("text-anchor") == "end"]
        for row, position in zip(rows, prediction.order, strict=True):
            assert row.text.startswith(f"{position} is the") and "…" in row.text
            assert len(row.text) <= 20
            assert row[0].text == classes[position]
        assert max(len(e.text) for e in root if e.get("x") == "12") <= 110

    def test_the_picture_of_many_classes_has_the_most_probable_ones(self):
        classes = [f"class {number}" for number in range(300)]
        probabilities = distributions(np.random.default_rng(0), 50, 300)
        prediction = predict(classes, {80: [probabilities]}, np.zeros(50 * 80, bool), RATE)
        root = ElementTree.fromstring(picture.drawing("track", prediction))
        texts = [e.text for e in root.iter() if e.text]
        first = [f"{classes[p]} {prediction.probabilities[p]:.2f}" for p in prediction.order[:20]]
        assert [text for text in texts if text in first] == first
        assert len([e for e in root.iter() if e.get("class") == "cell"]) == 20 * 50
        assert any(text.startswith("20 of 300 classes") for text in texts)


class TestTracks:
    def test_folders_are_searched_and_given_files_need_no_audio_suffix(self, tmp_path):
        for name in ("b.mp3", "a.WAV", "deep/c.flac", "notes.txt", ".hidden.wav"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()
        found = find([tmp_path / "notes.txt", tmp_path, tmp_path / "b.mp3"])
        names = [str(path.relative_to(tmp_path)) for path in found.tracks]
        assert names == ["notes.txt", "a.WAV", "b.mp3", "deep/c.flac"]
        assert found.n_ignored == 1

    def test_a_link_to_a_parent_folder_is_not_followed(self, tmp_path):
        (tmp_path / "again").symlink_to(tmp_path)
        (tmp_path / "a.wav").touch()
        assert len(find([tmp_path]).tracks) == 1


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 0, 2]])
def test_equal_votes_of_several_networks_are_decided_by_probability_in_any_order(order):
    """0.5 + 0.4 + 0.3 is not 0.3 + 0.4 + 0.5; the second class has the higher probability."""
    networks = []
    for first, second in ((5, 3), (4, 4), (3, 5)):
        rows = [[0.4, 0.35, 0.25]] * first + [[0.1, 0.8, 0.1]] * second
        networks.append(np.array(rows + [[0.3, 0.3, 0.4]] * 2))
    best, shares, mean = combined_vote([networks[k] for k in order])
    assert mean[1] > mean[0] and np.isclose(shares[0], shares[1])
    assert best.tolist() == [1, 0, 2]
