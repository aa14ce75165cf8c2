"""Folds, the split into training, validation and test tracks, replicas, and Ballroom's list."""

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.dataset import ballroom, folds, replicas, selection, split
from workflow_scripts.errors import UserError


class TestFolds:
    labels = np.array(["a"] * 23 + ["b"] * 11 + ["c"] * 10 + ["d"] * 41)

    def test_every_track_is_tested_once_and_classes_are_spread_evenly(self):
        assigned = folds.assign(self.labels, None, 10, seed=1)
        assert set(assigned) == set(range(10))
        for label in "abcd":
            sizes = np.bincount(assigned[self.labels == label], minlength=10)
            assert sizes.max() - sizes.min() <= 1

    def test_folds_depend_on_the_seed_only(self):
        first, again, other = (folds.assign(self.labels, None, 5, s) for s in (1, 1, 2))
        assert np.array_equal(first, again)
        assert not np.array_equal(first, other)

    def test_groups_are_not_split(self):
        rng = np.random.default_rng(0)
        groups = rng.integers(0, 20, len(self.labels)).astype(str)
        assigned = folds.assign(self.labels, groups, 5, seed=1)
        sizes = np.bincount(assigned, minlength=5)
        # 20 groups of about four tracks: folds of 17, plus or minus a group.
        assert sizes.max() - sizes.min() <= 6
        assert all(len(set(assigned[groups == group])) == 1 for group in set(groups))

    @pytest.mark.parametrize("seed", range(5))
    def test_grouped_folds_are_stratified_if_the_groups_allow_it(self, seed):
        """Eight players of all classes: with two per fold, a fold has a quarter of each class."""
        players = np.repeat([*"pqrstuvw"], 12)
        labels = np.tile(np.repeat([*"abc"], 4), 8)
        assigned = folds.assign(labels, players, 4, seed)
        for label in "abc":
            assert np.bincount(assigned[labels == label]).tolist() == [8] * 4

    def test_grouped_folds_depend_on_the_seed(self):
        players = np.repeat([*"pqrstuvw"], 12)
        labels = np.tile(np.repeat([*"abc"], 4), 8)
        assignments = {tuple(folds.assign(labels, players, 4, seed)) for seed in range(5)}
        assert len(assignments) > 1

    def split_of(self, labels, fold):
        rows = {"track_id": [*labels], "label": [*labels], "digest": [*"uvwxyz"]}
        return split.Tracks.of(pd.DataFrame(rows), np.array(fold))

    def test_classes_missing_from_a_part_are_found(self):
        uneven = self.split_of("aaabbb", [0, 1, 2, 0, 0, 1])
        assert uneven.lacking("test") == {2: ["b"]}
        assert uneven.lacking("train") == {0: ["b"]}
        even = self.split_of("aaabbb", [0, 1, 2] * 2)
        assert even.lacking("test") == even.lacking("train") == {}

    def test_folds_of_another_version_are_refused(self, tmp_path):
        (tmp_path / "folds.csv").write_text("track_id,fold\na,0\n")
        with pytest.raises(UserError, match=r"folds\.csv is damaged or of another version"):
            split.read(tmp_path / "folds.csv")

    def test_train_validation_and_test_are_disjoint_and_complete(self, tmp_path):
        assigned = folds.assign(self.labels, None, 10, seed=1)
        ids = [f"{label}{i}" for i, label in enumerate(self.labels)]
        tracks = pd.DataFrame({"track_id": ids, "label": self.labels, "digest": ids, "other": "x"})
        split.write(tmp_path / "folds.csv", tracks, assigned)
        written = pd.read_csv(tmp_path / "folds.csv")
        assert list(written) == ["track_id", "label", "digest", "fold", "table_checksum"]
        table = split.read(tmp_path / "folds.csv")
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

    def test_unstratified_folds_are_even_and_ignore_the_classes(self):
        assigned = folds.assign(self.labels, None, 5, seed=1, stratified=False)
        assert np.bincount(assigned).tolist() == [17] * 5
        sizes = np.array([np.bincount(assigned[self.labels == c], minlength=5) for c in "abcd"])
        assert (sizes.max(axis=1) - sizes.min(axis=1)).max() > 1

    def test_unstratified_groups_are_not_split(self):
        groups = np.repeat(np.arange(17), 5).astype(str)
        assigned = folds.assign(self.labels, groups, 5, seed=1, stratified=False)
        assert all(len(set(assigned[groups == group])) == 1 for group in set(groups))

    def test_the_rest_is_all_tracks_except_the_test_tracks(self):
        table = self.split_of("aaabbb", [0, 1, 2] * 2)
        assert table.part(1, "rest").tolist() == [0, 2, 3, 5]
        assert split.learning_part("tracks") == "train"
        assert split.learning_part("segments") == "rest"

    def test_as_many_validation_segments_are_drawn_as_a_fold_has(self):
        chosen = split.validation_segments(9000, 10, np.random.default_rng(0))
        assert chosen.sum() == 1000
        assert 300 < chosen[:4500].sum() < 700, "drawn from all tracks"


BALLROOM = np.repeat(list(ballroom.SIZES), list(ballroom.SIZES.values()))


class TestReplicas:
    def pairs(self):
        return pd.read_csv(replicas.BALLROOM)

    def test_ballroom_has_13_pairs_one_of_them_in_two_classes(self):
        pairs = self.pairs()
        classes = [{name.split("/")[0] for name in row[:2]} for row in pairs.to_numpy()]
        assert len(pairs) == 13 and (pairs["kind"] == "exact").sum() == 4
        assert [c for c in classes if len(c) > 1] == [{"ChaChaCha", "Samba"}]
        assert set().union(*classes) <= set(ballroom.SIZES)
        names = pairs[["first", "second"]].to_numpy().ravel()
        assert len(set(names)) == 26

    def test_tracks_that_share_a_name_are_in_one_set_also_through_others(self):
        sets = replicas.together([*"abcab"], ["", "x", "x", "", ""])
        assert sets[0] == sets[3] and sets[1] == sets[4] == sets[2]
        assert sets[0] != sets[1]

    def test_empty_names_are_ignored(self):
        assert len(set(replicas.together(["", "", ""]))) == 3

    def test_overlapping_groups_and_replicas_are_merged(self):
        tracks = pd.DataFrame({"track_id": [*"pqrst"]})
        groups = selection.groups_of(tracks, [["1", "2", "3", "3", ""], [*"xyyzz"]])
        assert groups.tolist() == ["p", "q", "q", "q", "q"]
        assert selection.groups_of(tracks, [[*"12345"]]) is None

    def test_one_track_of_a_set_remains_or_none_if_it_has_two_classes(self):
        names = [*"pqrstu"]
        tracks = pd.DataFrame({"track_id": names, "label": [*"aaaabb"]}, index=[3, 1, 4, 0, 5, 9])
        out = replicas.superfluous(tracks, np.array([0, 0, 0, 1, 1, 2]))
        assert out.to_dict() == {
            1: "is a replica of p",
            4: "is a replica of p",
            0: "is a replica of t, of another class",
            5: "is a replica of s, of another class",
        }
        assert len(replicas.superfluous(tracks, np.arange(6))) == 0

    def ballroom(self):
        """The 698 tracks of Ballroom; only replicas have their real names."""
        in_pairs = self.pairs()[["first", "second"]].to_numpy().ravel().tolist()
        rows = []
        for label, size in ballroom.SIZES.items():
            real = [name for name in in_pairs if name.startswith(f"{label}/")]
            rows += real + [f"{label}/{i}" for i in range(size - len(real))]
        frame = pd.DataFrame({"track_id": rows, "digest": [str(i) for i in range(698)]})
        return frame.assign(label=frame["track_id"].str.split("/").str[0])

    def named(self, tracks):
        return replicas.name_sets(
            tracks["track_id"], replicas.listed_pairs(tracks["track_id"].tolist())
        )

    def test_ballroom_without_replicas_has_684_tracks(self):
        tracks = self.ballroom()
        out = replicas.superfluous(tracks, replicas.together(self.named(tracks)))
        assert len(tracks) == 698 and len(out) == 14
        remaining = tracks.drop(out.index)
        assert not set(remaining["track_id"]) & {"ChaChaCha/Albums-Fire-08", "Samba/Albums-Fire-09"}

    @pytest.mark.parametrize("seed", [0, 1, 2016])
    def test_grouped_ballroom_is_stratified_and_no_pair_is_split(self, seed):
        tracks = self.ballroom()
        groups = selection.groups_of(tracks, [self.named(tracks)])
        assert groups.nunique() == 698 - 13
        assigned = folds.assign(tracks["label"].to_numpy(), groups.to_numpy(), 10, seed)
        fold_of = dict(zip(tracks["track_id"], assigned, strict=True))
        assert all(fold_of[row.first] == fold_of[row.second] for row in self.pairs().itertuples())
        sizes = pd.crosstab(tracks["label"], assigned)
        assert (sizes.max(axis=1) - sizes.min(axis=1)).max() <= 2
        assert sizes.sum().between(68, 72).all()


class TestBallroomAsPublished:
    def sentences(self, tmp_path, change=lambda tracks: tracks):
        stems = [f"{label}-{i}" for label, n in ballroom.SIZES.items() for i in range(n)]
        for stem in stems:
            (tmp_path / f"{stem}.bpm").touch()
        frame = pd.DataFrame({"label": BALLROOM, "path": [f"x/{stem}.wav" for stem in stems]})
        return list(ballroom.compared(change(frame), tmp_path))

    def test_a_complete_data_set(self, tmp_path):
        (sentence,) = self.sentences(tmp_path)
        assert sentence.startswith("Ballroom is complete: 698 tracks in 8 classes: ChaChaCha 111,")

    def test_missing_and_extra_tracks_are_reported(self, tmp_path):
        def change(tracks):
            extra = pd.DataFrame({"label": ["Polka"], "path": ["x/new.wav"]})
            return pd.concat([tracks[tracks["path"] != "x/Tango-3.wav"], extra])

        assert self.sentences(tmp_path, change) == [
            "Ballroom as published has 0 tracks of Polka; found 1",
            "Ballroom as published has 86 tracks of Tango; found 85",
            "Annotated tempi without a track (1): Tango-3",
            "Tracks without an annotated tempo (1): new",
        ]
