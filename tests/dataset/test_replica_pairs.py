"""replicas.csv: its pairs, and the sets of tracks that follow from them."""

import sys

import numpy as np
import pandas as pd
import pytest

from benchmarks.replicas import copy, track
from tests.conftest import feature_files
from tests.papers import PAPERS
from workflow_scripts import checked_tables
from workflow_scripts.dataset import replicas, selection
from workflow_scripts.dataset.features import Content, read_index, write_shard
from workflow_scripts.dataset.track_tables import TRACKS
from workflow_scripts.errors import UserError
from workflow_scripts.steps import find_replicas

NONE = pd.DataFrame(columns=replicas.COLUMNS).astype({"score": float})


def pairs(*rows):
    return pd.DataFrame(rows, columns=replicas.COLUMNS).astype({"score": float})


def test_equal_values_are_paired_with_the_first_track():
    tracks = pd.DataFrame({"track_id": [*"dcbaef"], "digest": ["x", "y", "x", "x", "", ""]})
    found = replicas.exact_pairs(tracks, "digest", replicas.SAME_FILE)
    assert found[["first", "second"]].to_numpy().tolist() == [["a", "b"], ["a", "d"]]


def test_sets_are_joined_through_other_tracks_but_not_through_doubtful_pairs():
    table = pairs(
        ("a", "b", 1, "same file"), ("b", "c", 0.95, "same sound"), ("d", "e", 0.91, "doubtful")
    )
    names = replicas.name_sets([*"abcdef"], table)
    assert names[0] == names[1] == names[2] != "" and names[3:] == ["", "", ""]
    assert replicas.name_sets([*"def"], table) == ["", "", ""]
    assert replicas.name_sets([], NONE) == []


def test_a_pair_found_twice_keeps_its_first_verdict_and_is_not_doubtful_if_linked():
    listed = pairs(("a", "b", np.nan, "listed"))
    heard = pairs(
        ("a", "b", 0.91, "doubtful"),
        ("b", "c", 0.95, "same sound"),
        ("a", "c", 0.91, "doubtful"),
        ("c", "d", 0.91, "doubtful"),
    )
    merged = replicas.merged([listed, heard]).to_numpy().tolist()
    assert merged == [
        ["a", "b", 0.91, "listed"],
        ["b", "c", 0.95, "same sound"],
        ["c", "d", 0.91, "doubtful"],
    ]
    assert len(replicas.merged([NONE, NONE])) == 0


def test_names_stay_text_in_the_file(tmp_path):
    table = pairs(("001", "NA", 1, "same file"), ("x,y", 'null "z"', np.nan, "listed"))
    replicas.write(tmp_path / "replicas.csv", table)
    again = replicas.read(tmp_path / "replicas.csv")
    assert again[["first", "second"]].to_numpy().tolist() == [["001", "NA"], ["x,y", 'null "z"']]
    assert again["score"].isna().tolist() == [False, True]


class TestSelection:
    def select(self, table, treatment, n_frames=(300, 300, 300, 300, 300, 300)):
        names = [*"abcdef"]
        tracks = pd.DataFrame(
            {"track_id": names, "label": [*"xxxyyy"], "path": names, "digest": names}
        )
        index = pd.DataFrame({"digest": names, "n_frames": n_frames, "silence": "", "problem": ""})
        criteria = selection.Criteria("skip", treatment, 2, "", {"short": 80}, ballroom=False)
        return selection.select(tracks, index, table, criteria)

    def test_replicas_are_grouped_also_through_a_track_that_is_skipped(self, capsys):
        table = pairs(("a", "b", 0.95, "same sound"), ("b", "c", 1, "same samples"))
        selected = self.select(table, "group", (300, 10, 300, 300, 300, 300))
        assert selected.groups.tolist() == ["a", "a", "d", "e", "f"]
        assert "1 replicas of other tracks: kept in the fold" in capsys.readouterr().out

    def test_drop_keeps_the_first_track(self):
        selected = self.select(pairs(("a", "b", 0.95, "same sound")), "drop")
        assert selected.used["track_id"].tolist() == [*"acdef"]
        assert selected.skipped["reason"].tolist() == ["is a replica of a"]

    @pytest.mark.parametrize("treatment", ["group", "drop", "keep"])
    def test_doubtful_pairs_change_nothing(self, treatment):
        selected = self.select(pairs(("a", "b", 0.95, "doubtful")), treatment)
        assert len(selected.used) == 6 and selected.groups is None

    def test_keep_ignores_replicas(self):
        selected = self.select(pairs(("a", "b", 0.95, "same sound")), "keep")
        assert len(selected.used) == 6 and selected.groups is None

    def test_too_few_groups_name_the_way_out(self):
        table = pairs(*(("a", other, 1, "same file") for other in "bcdef"))
        with pytest.raises(UserError, match=r"make 1 groups.*or set replicas: keep"):
            self.select(table, "group")


class TestStep:
    def contents(self):
        """Contents by digest: two of the same samples, a copy, another track, and two silent."""
        first, other = track(0), track(1)
        silent = np.zeros((900, 40), np.float32)
        return {
            "d1": (first, ""),
            "d2": (first, ""),
            "d3": (copy(first, 3), ""),
            "d4": (other, ""),
            "d5": (silent, "is silent throughout"),
            "d6": (silent, "is silent throughout"),
            "d7": (np.empty((0, 40), np.float32), "is not audio"),
            "d8": (np.empty((0, 40), np.float32), "is not audio"),
        }

    def run(self, folder, monkeypatch, n_shards, names):
        folder.mkdir()
        shards = [folder / f"shard-{k}.npy" for k in range(n_shards)]
        rows = [Content(digest, *content) for digest, content in self.contents().items()]
        for k, npy in enumerate(shards):
            write_shard(npy, rows[k::n_shards], PAPERS)
        tracks = pd.DataFrame({"track_id": names, "digest": [*self.contents(), "d1", ""]})
        checked_tables.write(folder / "tracks.csv", tracks.sort_values("track_id"), TRACKS)
        files = feature_files(shards)
        arguments = ["--tracks", folder / "tracks.csv", "--features", *files.shards]
        arguments += ["--index", *files.index, "--pairs", folder / "replicas.csv"]
        monkeypatch.setattr(sys, "argv", ["find_replicas", *map(str, arguments)])
        find_replicas.main()
        assert all(len(read_index(csv)) for csv in files.index)
        return replicas.read(folder / "replicas.csv")

    def test_all_kinds_of_replicas_whatever_shards_and_names(self, tmp_path, monkeypatch):
        names = [*"abcdefghij"]
        found = self.run(tmp_path / "one", monkeypatch, 1, names)
        assert found[["first", "second", "verdict"]].to_numpy().tolist() == [
            ["a", "b", "same samples"],
            ["a", "c", "same sound"],
            ["a", "i", "same file"],
        ]
        assert found["score"].between(0.92, 1).all()
        assert found.equals(self.run(tmp_path / "three", monkeypatch, 3, names))
        renamed = self.run(tmp_path / "renamed", monkeypatch, 2, names[::-1])
        assert set(renamed["first"]) | set(renamed["second"]) == {"j", "i", "h", "b"}
        assert sorted(renamed["score"]) == sorted(found["score"])
        assert not [*tmp_path.glob("*/.*")]
