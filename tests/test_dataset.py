"""Tracks, folds, features on disk, segments."""

import os

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.dataset import folds, segments, split, tracks
from workflow_scripts.dataset.features import Features, write_shard
from workflow_scripts.dataset.state import fingerprint
from workflow_scripts.step import UserError


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


class TestClassFolders:
    def test_a_row_a_track_with_its_folder_as_label(self, tmp_path):
        touch(tmp_path, "b/2.wav", "b/1.MP3", "a/x.flac", "a/y.ogg", "a/notes.txt", "readme.wav")
        found = tracks.class_folders(tmp_path)
        assert list(found["track_id"]) == ["a/x", "a/y", "b/1", "b/2"]
        assert list(found["label"]) == ["a", "a", "b", "b"]
        assert list(found.columns) == ["track_id", "label", "path"]

    def test_tracks_of_one_stem_get_ids_of_their_own(self, tmp_path):
        touch(tmp_path, "a/x.wav", "a/x.mp3", "a/deep/x.wav", "b/x.wav", "a/x~2.wav")
        found = tracks.class_folders(tmp_path)
        assert found["track_id"].is_unique
        assert {"a/x", "a/x~2", "b/x"} <= set(found["track_id"])

    def test_hidden_files_and_folders_are_passed_over(self, tmp_path):
        touch(tmp_path, "a/x.wav", "a/._x.wav", ".cache/x.wav", "b/x.wav")
        assert list(tracks.class_folders(tmp_path)["track_id"]) == ["a/x", "b/x"]

    def test_hidden_folders_further_down_are_passed_over(self, tmp_path):
        touch(tmp_path, "a/x.wav", "a/.trash/y.wav", "b/deep/x.wav")
        assert list(tracks.class_folders(tmp_path)["track_id"]) == ["a/x", "b/x"]

    def test_tempi_beside_the_audio_or_in_a_folder(self, tmp_path):
        touch(tmp_path, "a/x.wav", "b/y.wav")
        (tmp_path / "a/x.bpm").write_bytes(b"\xef\xbb\xbf120\r\n")
        found = tracks.class_folders(tmp_path)
        assert found["bpm"][0] == 120 and np.isnan(found["bpm"][1])
        (tmp_path / "tempi").mkdir()
        (tmp_path / "tempi/y.bpm").write_text("98.5\n")
        (tmp_path / "audio").mkdir()
        (tmp_path / "a").rename(tmp_path / "audio/a")
        (tmp_path / "b").rename(tmp_path / "audio/b")
        found = tracks.class_folders(tmp_path / "audio", tmp_path / "tempi")
        assert np.isnan(found["bpm"][0]) and found["bpm"][1] == 98.5

    def test_ballrooms_three_rumbas_are_one_class(self, tmp_path):
        touch(tmp_path, "Rumba-American/x.wav", "Rumba-Misc/x.wav", "Tango/x.wav")
        touch(tmp_path, "Rumba-International/y.wav", "allBallroomFiles")
        found = tracks.class_folders(tmp_path, classes=tracks.BALLROOM_CLASSES)
        assert list(found["label"]) == ["Rumba", "Rumba", "Rumba", "Tango"]
        assert found["track_id"].is_unique

    @pytest.mark.parametrize(
        ("names", "sentence"),
        [
            ([], "has neither sub-folders nor a tracks.csv"),
            (["a/x.wav", "b/x.txt"], "class folder .*b holds no audio"),
        ],
    )
    def test_a_folder_without_classes_or_a_class_without_audio(self, tmp_path, names, sentence):
        with pytest.raises(UserError, match=sentence):
            tracks.class_folders(touch(tmp_path, *names))

    @pytest.mark.parametrize("text", ["fast", "-3", "0", "nan", "inf"])
    def test_a_tempo_that_is_none(self, tmp_path, text):
        touch(tmp_path, "a/x.wav")
        (tmp_path / "a/x.bpm").write_text(text)
        with pytest.raises(UserError, match=r"x\.bpm: the tempo .* is not a positive number"):
            tracks.class_folders(tmp_path)


class TestTrackList:
    def read(self, folder, text):
        touch(folder, "1.wav", "sub/2.wav")
        (folder / "tracks.csv").write_text(text)
        return tracks.track_list(folder / "tracks.csv")

    def test_paths_are_relative_to_the_file_and_columns_are_kept(self, tmp_path):
        found = self.read(tmp_path, "player,label,path,bpm\nann,a,1.wav,99\nNA,b,sub/2.wav,\n")
        assert list(found["path"]) == [str(tmp_path / "1.wav"), str(tmp_path / "sub/2.wav")]
        assert list(found["track_id"]) == ["a/1", "b/2"]
        assert list(found["player"]) == ["ann", "NA"]
        assert found["bpm"][0] == 99 and np.isnan(found["bpm"][1])

    def test_a_spreadsheets_byte_order_mark_and_blank_lines(self, tmp_path):
        found = self.read(tmp_path, "\ufeffpath,label\r\n1.wav,a\r\n\r\nsub/2.wav,b\r\n\r\n")
        assert list(found["label"]) == ["a", "b"]

    @pytest.mark.parametrize("name", ["x\ry.wav", os.fsdecode(b"x\xff.wav")])
    def test_names_that_no_table_can_hold(self, tmp_path, name):
        touch(tmp_path, "a/x.wav", "b/y.wav")
        (tmp_path / "b/y.wav").rename(tmp_path / "b" / name)
        with pytest.raises(UserError, match=r"b/.* has a carriage return or bytes .*; rename it"):
            tracks.check_names(tracks.class_folders(tmp_path))

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("path\n1.wav\n", "has no column label; it needs"),
            ("label\na\n", "has no column path"),
            ("path,label\n1.wav,\n", r"tracks\.csv line 2 has no label"),
            ("path,label\n1.wav,a\n3.wav,b\n", r"1 files that do not exist: .*3\.wav"),
            ("path,label,track_id\n1.wav,a,t\nsub/2.wav,b,t\n", "several tracks of track_id t"),
            ("path,label,bpm\n1.wav,a,quick\n", "line 2: the tempo 'quick'"),
            ("path,label,digest\n1.wav,a,x\n", "column digest, which the workflow computes"),
            ("", "not a readable CSV"),
            ("path,label\n", "lists no tracks"),
            ("path,label\n1.wav,a,x\n", "a row with more fields than its first line"),
            ("path;label\n1.wav;a\n", "has no column path; it needs path and label, with commas"),
            ("path,label\n\n1.wav,a\n1.wav,\n", "line 4 has no label"),
            ("path,label,track_id\n1.wav,a,\n", "line 2 has no track_id"),
        ],
    )
    def test_what_is_wrong_is_said_in_a_sentence(self, tmp_path, text, sentence):
        with pytest.raises(UserError, match=sentence):
            self.read(tmp_path, text)


class TestCheckClasses:
    frame = pd.DataFrame({"label": ["a"] * 4 + ["b"] * 3, "player": [*"wxyzwx", ""]})

    def test_enough_tracks_of_every_class(self):
        tracks.check_classes(self.frame, 3, None)

    def test_a_class_with_fewer_tracks_than_folds(self):
        with pytest.raises(UserError, match=r"4 folds need 4 tracks .* of b \(3\); add tracks"):
            tracks.check_classes(self.frame, 4, None)

    def test_one_class_alone(self):
        with pytest.raises(UserError, match="one class only, a"):
            tracks.check_classes(self.frame[:4], 3, None)

    def test_an_unknown_group(self):
        with pytest.raises(UserError, match="no such column, only label, player"):
            tracks.check_classes(self.frame, 3, "singer")

    def test_too_few_groups(self):
        tracks.check_classes(self.frame, 3, "player")
        few = self.frame.assign(player=["x", "y"] * 3 + ["x"])
        with pytest.raises(UserError, match="makes 2 groups, too few for 3 folds"):
            tracks.check_classes(few, 3, "player")


class TestFolds:
    labels = np.array(["a"] * 23 + ["b"] * 11 + ["c"] * 10 + ["d"] * 41)

    def test_every_track_is_tested_once_and_classes_are_spread_evenly(self):
        assigned = folds.assign(self.labels, None, 10, seed=1)
        assert set(assigned) == set(range(10))
        for label in "abcd":
            sizes = np.bincount(assigned[self.labels == label], minlength=10)
            assert sizes.max() - sizes.min() <= 1

    def test_the_seed_decides(self):
        first, again, other = (folds.assign(self.labels, None, 5, s) for s in (1, 1, 2))
        assert np.array_equal(first, again)
        assert not np.array_equal(first, other)

    def test_groups_stay_whole(self):
        rng = np.random.default_rng(0)
        groups = rng.integers(0, 20, len(self.labels)).astype(str)
        assigned = folds.assign(self.labels, groups, 5, seed=1)
        sizes = np.bincount(assigned, minlength=5)
        # 20 groups of about four tracks: folds of 17, give or take a group.
        assert sizes.max() - sizes.min() <= 6
        assert all(len(set(assigned[groups == group])) == 1 for group in set(groups))

    @pytest.mark.parametrize("seed", range(5))
    def test_grouped_folds_are_as_even_as_their_groups_allow(self, seed):
        """Eight players of all classes, two a fold: every fold is a quarter of each class."""
        players = np.repeat([*"pqrstuvw"], 12)
        labels = np.tile(np.repeat([*"abc"], 4), 8)
        assigned = folds.assign(labels, players, 4, seed)
        for label in "abc":
            assert np.bincount(assigned[labels == label]).tolist() == [8] * 4

    def test_the_seed_decides_about_groups_too(self):
        players = np.repeat([*"pqrstuvw"], 12)
        labels = np.tile(np.repeat([*"abc"], 4), 8)
        spread = {tuple(folds.assign(labels, players, 4, seed)) for seed in range(5)}
        assert len(spread) > 1

    def split_of(self, labels, fold, digests=None):
        rows = {"track_id": [*labels], "label": [*labels], "digest": [*(digests or "uvwxyz")]}
        return split.Tracks.of(pd.DataFrame(rows), np.array(fold))

    def test_classes_that_a_part_lacks(self):
        uneven = self.split_of("aaabbb", [0, 1, 2, 0, 0, 1])
        assert uneven.lacking("test") == {2: ["b"]}
        assert uneven.lacking("train") == {0: ["b"]}
        even = self.split_of("aaabbb", [0, 1, 2] * 2)
        assert even.lacking("test") == even.lacking("train") == {}

    def test_copies_of_the_same_audio_are_counted(self):
        assert self.split_of("aaabbb", [0, 1, 2] * 2).n_copies() == 0
        assert self.split_of("aaabbb", [0, 1, 2] * 2, "uuvwxu").n_copies() == 3

    def test_a_track_without_a_group_is_one_of_its_own(self):
        names = tracks.group_names(pd.Series(["x", "", "x", ""]))
        assert names[0] == names[2]
        assert len(set(names)) == 3

    def test_train_validation_and_test_are_disjoint_and_complete(self, tmp_path):
        assigned = folds.assign(self.labels, None, 10, seed=1)
        ids = [f"{label}{i}" for i, label in enumerate(self.labels)]
        pd.DataFrame({"track_id": ids, "label": self.labels, "digest": ids}).to_csv(
            tmp_path / "labels.csv", index=False
        )
        shuffled = pd.DataFrame({"track_id": ids, "fold": assigned}).sample(frac=1, random_state=0)
        shuffled.to_csv(tmp_path / "folds.csv", index=False)
        table = split.read(tmp_path / "labels.csv", tmp_path / "folds.csv")
        assert table.n_folds == 10 and table.classes == list("abcd")
        assert [table.classes[t] for t in table.target] == list(self.labels)
        tested = []
        for fold in range(10):
            parts = {name: table.part(fold, name) for name in ("train", "validation", "test")}
            everything = np.concatenate(list(parts.values()))
            assert sorted(everything) == list(range(len(self.labels)))
            assert set(assigned[parts["test"]]) == {fold}
            assert set(assigned[parts["validation"]]) == {(fold + 1) % 10}
            tested.extend(parts["test"])
        assert sorted(tested) == list(range(len(self.labels)))


class TestFeatures:
    def test_shards_give_back_what_was_written(self, tmp_path):
        rng = np.random.default_rng(0)
        bands = {d: rng.random((n, 40), dtype=np.float32) for d, n in [("d1", 7), ("d2", 90)]}
        write_shard(tmp_path / "shard-0.npy", bands.items())
        write_shard(tmp_path / "shard-1.npy", [])
        index = pd.read_csv(tmp_path / "shard-0.csv")
        assert index.to_dict("list") == {
            "digest": ["d1", "d2"],
            "first_frame": [0, 7],
            "n_frames": [7, 90],
        }
        features = Features([tmp_path / "shard-0.npy", tmp_path / "shard-1.npy"])
        assert all(np.array_equal(features.frames(d), bands[d]) for d in bands)
        assert not list(tmp_path.glob(".*"))

    def test_a_shard_that_fails_leaves_nothing(self, tmp_path):
        def failing():
            yield "d1", np.ones((3, 40), np.float32)
            raise UserError("broken")

        with pytest.raises(UserError):
            write_shard(tmp_path / "shard-0.npy", failing())
        assert not list(tmp_path.iterdir())

    def test_a_digest_has_one_shard_and_shards_fill_evenly(self, tmp_path):
        touch(tmp_path, *[f"{i}.wav" for i in range(800)])
        digests = tracks.digests([str(tmp_path / f"{i}.wav") for i in range(800)], threads=2)
        sizes = np.bincount([tracks.shard_of(d, 4) for d in digests], minlength=4)
        assert len(sizes) == 4 and sizes.min() > 150


class TestSegments:
    def test_segments_are_contiguous_and_the_rest_drops(self):
        frames = np.arange(1293 * 40).reshape(1293, 40)
        cut = segments.cut(frames, 80)
        assert cut.shape == (16, 40, 80)
        assert segments.cut(frames, 250).shape == (5, 40, 250)
        for i, band, frame in [(0, 0, 0), (3, 7, 79), (15, 39, 5)]:
            assert cut[i, band, frame] == frames[80 * i + frame, band]

    def test_loading_normalises_and_tells_each_segments_track(self, tmp_path):
        rng = np.random.default_rng(0)
        bands = {d: rng.random((n, 40), dtype=np.float32) for d, n in [("a", 200), ("b", 85)]}
        write_shard(tmp_path / "s.npy", bands.items())
        features = Features([tmp_path / "s.npy"])
        values, source = segments.load(features, ["b", "a"], 80, segments.Scaler(2.0, 3.0))
        assert values.dtype == np.float32 and values.shape == (3, 40, 80)
        assert list(source) == [0, 1, 1]
        expected = (np.log(1 + 10_000 * bands["a"][80:160].astype(np.float64)) - 2) / 3
        assert np.allclose(values[2], expected.T, rtol=1e-5, atol=1e-6)

    def test_a_track_without_a_segment_is_a_users_mistake(self, tmp_path):
        write_shard(tmp_path / "s.npy", [("a", np.ones((79, 40), np.float32))])
        with pytest.raises(UserError, match=r"of the digest a in tracks\.csv is shorter than"):
            segments.load(Features([tmp_path / "s.npy"]), ["a"], 80, segments.Scaler(0, 1))

    def test_the_scaler_is_one_mean_and_deviation_of_everything(self):
        rng = np.random.default_rng(0)
        parts = [rng.random((n, 40), dtype=np.float32) for n in (100, 30)]
        scaler = segments.fit_scaler([segments.sums(part) for part in parts])
        compressed = np.log(1 + 10_000 * np.concatenate(parts).astype(np.float64))
        assert scaler.mean == pytest.approx(compressed.mean(), rel=1e-9)
        assert scaler.std == pytest.approx(compressed.std(), rel=1e-9)


def test_a_fingerprint_changes_with_the_files_alone(tmp_path):
    touch(tmp_path, "a/x.wav", "b/y.wav")
    first = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == first
    touch(tmp_path, "b/z.wav")
    assert fingerprint(tmp_path) != first
    (tmp_path / "b/z.wav").unlink()
    assert fingerprint(tmp_path) == first
    (tmp_path / "b/y.wav").write_bytes(b"other")
    assert fingerprint(tmp_path) != first
    assert fingerprint(None) is None


def test_a_fingerprint_sees_linked_classes_and_listed_files_elsewhere(tmp_path):
    root = touch(tmp_path / "root", "a/x.wav")
    touch(tmp_path / "elsewhere", "b/y.wav", "z.wav")
    (root / "b").symlink_to(tmp_path / "elsewhere/b")
    (root / "a/loop").symlink_to(root)
    first = fingerprint(root)
    (tmp_path / "elsewhere/b/y.wav").write_bytes(b"other")
    second = fingerprint(root)
    (root / "tracks.csv").write_text("path,label\n../elsewhere/z.wav,z\n")
    third = fingerprint(root)
    (tmp_path / "elsewhere/z.wav").write_bytes(b"other")
    assert len({first, second, third, fingerprint(root)}) == 4
