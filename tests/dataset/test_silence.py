"""Silent segments neither train, vote nor count."""

import json
import sys

import numpy as np
import pandas as pd
import pytest

from tests.conftest import feature_files
from tests.papers import PAPERS, SHORTEST, in_silence
from workflow_scripts import checked_tables
from workflow_scripts.dataset import replicas, sampling, selection, shards, silence, split
from workflow_scripts.dataset.features import Content, read_index, write_shard
from workflow_scripts.dataset.normalisation import Scaler
from workflow_scripts.dataset.parts import Fold
from workflow_scripts.dataset.selection import Criteria
from workflow_scripts.errors import UserError
from workflow_scripts.steps import fit_scaler

# Lengths of noise and silence in turn.
GAPS = {"a": (90, 400, 30, 60), "b": (700,), "c": (10, 42, 200, 43, 1, 500), "d": (260, 90, 5)}


def track(*parts, seed=0):
    """Energies (frames, 40): noise of these lengths in turn with silence, noise first."""
    rng = np.random.default_rng(seed)
    noise = [rng.random((n, 40), dtype=np.float32) for n in parts]
    return np.concatenate([0 * part if i % 2 else part for i, part in enumerate(noise)])


class TestText:
    def test_silences_as_text_and_back(self):
        mask = in_silence(track(100, 60, 50, 90))
        assert silence.as_text(mask) == "100:160 210:300"
        assert np.array_equal(silence.mask("100:160 210:300", 300), mask)
        assert silence.n_silent(["100:160 210:300", "", "0:7"]).tolist() == [150, 0, 7]

    def test_no_silence_is_empty(self):
        assert silence.as_text(np.zeros(9, bool)) == ""
        assert not silence.mask("", 9).any()


class TestSegments:
    def test_a_segment_is_silent_if_all_its_frames_are(self):
        """Compared with the rule, frame by frame, for random silences and segments."""
        rng = np.random.default_rng(0)
        for _ in range(50):
            masks = [np.repeat(rng.random(12) < 0.5, 10) for _ in range(4)]
            texts = [silence.as_text(mask) for mask in masks]
            content = np.sort(rng.integers(0, 4, 60))
            first = rng.integers(0, 100, 60)
            expected = [masks[c][f : f + 15].all() for c, f in zip(content, first, strict=True)]
            assert silence.are_silent(content, first, 15, texts).tolist() == expected

    def test_contiguous_segments(self):
        mask = silence.mask("3:9", 14)
        assert silence.contiguous(mask, 3).tolist() == [False, True, True, False]
        assert silence.contiguous(mask, 4).tolist() == [False, True, False]
        assert silence.contiguous(mask, 15).tolist() == []


def onsets(csv, *frames):
    """Write the frames of the onsets of the contents a, b, c."""
    table = pd.DataFrame({"digest": [*"abc"], "frames": frames})
    checked_tables.write(csv, table, shards.what("frames"))


class TestPartsOfAFold:
    @pytest.fixture
    def part(self, tmp_path):
        """Segments of 80 frames of three tracks: a gap, only noise, and only noise at the end."""
        contents = {"a": track(80, 240, 80), "b": track(400, seed=1), "c": track(5, 305, 90)}
        write_shard(tmp_path / "s.npy", [Content(d, e) for d, e in contents.items()], PAPERS)
        ids = [*"abc"]
        table = pd.DataFrame({"track_id": ids, "label": ids, "digest": ids})
        tracks = split.Tracks.of(table, np.array([0, 1, 2]))
        fold = Fold(tracks, 3, feature_files([tmp_path / "s.npy"]), Scaler(0, 1), 80)
        return lambda **sampling: fold.part("rest", **sampling)

    def starts(self, part):
        return [part.segments.first[part.labels == label].tolist() for label in range(3)]

    def test_silent_segments_are_left_out(self, part):
        assert self.starts(part()) == [[0, 320], [0, 80, 160, 240, 320], [0, 240, 320]]

    def test_overlapping_segments_with_a_single_frame_of_sound_are_kept(self, part):
        first, *_ = self.starts(part(hop=40))
        assert first == [0, 40, 280, 320]

    def test_an_onset_in_silence_is_ignored(self, part, tmp_path):
        onsets(tmp_path / "o.csv", "120 200 270", "7", "")
        assert self.starts(part(onsets=[tmp_path / "o.csv"])) == [[270], [7], [0]]

    def test_a_track_with_onsets_in_silence_only_gives_its_first_segment_with_sound(
        self, part, tmp_path
    ):
        onsets(tmp_path / "o.csv", "120", "7", "100 150")
        found = part(onsets=[tmp_path / "o.csv"])
        assert self.starts(found) == [[0], [7], [0]]
        assert found.labels.tolist() == [0, 1, 2]

    def test_a_large_hop_may_miss_all_sound(self, part):
        assert self.starts(part(hop=100)) == [[0, 300], [0, 100, 200, 300], [0, 300]]

    def test_a_track_without_sound_in_any_segment_is_a_user_error(self, tmp_path):
        write_shard(tmp_path / "s.npy", [Content("a", 0 * track(200))], PAPERS)
        table = pd.DataFrame({"track_id": ["a"], "label": ["x"], "digest": ["a"]})
        tracks = split.Tracks.of(table, np.array([0]))
        fold = Fold(tracks, 0, feature_files([tmp_path / "s.npy"]), Scaler(0, 1), 80)
        with pytest.raises(UserError, match="a has no segment of 80 frames with sound"):
            fold.part("test")


def written(folder, contents):
    """Write the contents to a shard; return its index."""
    write_shard(folder / "s.npy", [Content(d, e) for d, e in contents.items()], PAPERS)
    return read_index(folder / "s.csv")


class TestSelection:
    def selected(self, folder, contents, on_bad_audio="skip", **inputs):
        index = written(folder, contents)
        table = pd.DataFrame({"track_id": [*contents], "digest": [*contents]})
        table = table.assign(label="x", path=table["track_id"] + ".wav")
        copies = table.assign(label="y", track_id="y" + table["track_id"])
        tracks = pd.concat([table, copies], ignore_index=True)
        pairs = pd.DataFrame(columns=replicas.COLUMNS)
        criteria = {"replicas": "keep", "n_folds": 3, "group_by": "", "ballroom": False} | inputs
        return selection.select(
            tracks, index, pairs, Criteria(on_bad_audio=on_bad_audio, **criteria)
        )

    def contents(self, **further):
        return {name: track(400, seed=n) for n, name in enumerate("abc")} | further

    def test_a_track_needs_a_segment_with_sound(self, tmp_path):
        late = 0 * track(300)
        late[255:290] = 1
        chosen = self.selected(tmp_path, self.contents(late=late), inputs={"long": 250})
        assert {*chosen.skipped["reason"]} == {
            "has no segment with sound: its 1 complete segments of 250 frames are silent"
        }
        assert sorted(chosen.used["track_id"]) == ["a", "b", "c", "ya", "yb", "yc"]

    def test_it_needs_one_of_each_length(self, tmp_path):
        late = 0 * track(259)
        late[245:250] = 1
        inputs = {"inputs": {"long": 250, "short": 80}}
        chosen = self.selected(tmp_path, self.contents(late=late), **inputs)
        reason = chosen.skipped["reason"].iloc[0]
        assert reason.endswith("3 complete segments of 80 frames are silent")
        with pytest.raises(UserError, match=r"late\.wav has no segment with sound"):
            self.selected(tmp_path, self.contents(late=late), "fail", **inputs)

    def test_silence_is_reported(self, tmp_path, capsys):
        self.selected(tmp_path, self.contents(gap=track(200, 200)), inputs={"short": 80})
        note = "2 of 8 tracks have silences of a second or more, 12.5 % of the frames; "
        assert note in capsys.readouterr().out
        self.selected(tmp_path, self.contents(), inputs={"short": 80})
        assert "silence" not in capsys.readouterr().out


def fitted(folder, monkeypatch, contents, *options):
    """The scalers and levels of three folds of one track each."""
    written(folder, contents)
    tracks = pd.DataFrame({name: [*contents] for name in ("track_id", "label", "digest")})
    split.write(folder / "folds.csv", tracks, np.arange(len(tracks)))
    named = {"index": "s.csv", "folds": "folds.csv", "scaler": "scaler.json"}
    arguments = [part for name, file in named.items() for part in (f"--{name}", folder / file)]
    command = ["fit_scaler", *arguments, "--normalisation", "train", *options]
    monkeypatch.setattr(sys, "argv", [*map(str, command)])
    fit_scaler.main()
    return json.loads((folder / "scaler.json").read_text())["folds"]


@pytest.mark.parametrize("level", ["as_recorded", "normalised"])
def test_silence_does_not_change_the_scaler(tmp_path, monkeypatch, level):
    plain = {name: track(300, seed=n) for n, name in enumerate("abc")}
    gaps = {
        name: np.concatenate([e[:100], np.zeros((SHORTEST, 40), np.float32), e[100:]])
        for name, e in plain.items()
    }
    expected = fitted(tmp_path, monkeypatch, plain, "--level", level)
    found = fitted(tmp_path, monkeypatch, gaps, "--level", level)
    for one, other in zip(expected, found, strict=True):
        assert one["mean"] == pytest.approx(other["mean"], rel=1e-12)
        assert one["std"] == pytest.approx(other["std"], rel=1e-12)
        assert one["level"] == other["level"]


def test_evaluation_and_labelling_leave_out_the_same_segments(tmp_path):
    contents = {d: track(*parts, seed=n) for n, (d, parts) in enumerate(GAPS.items())}
    written(tmp_path, contents)
    features = feature_files([tmp_path / "s.npy"]).of([*contents])
    for n_frames in (25, 80, 250):
        content, first = sampling.regular(features.n_frames, n_frames, n_frames)
        texts = features.index["silence"].tolist()
        evaluated = silence.are_silent(content, first, n_frames, texts)
        labelled = [silence.contiguous(in_silence(e), n_frames) for e in contents.values()]
        assert evaluated.tolist() == np.concatenate(labelled).tolist()
        assert evaluated.any() or n_frames == 250
