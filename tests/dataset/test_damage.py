"""Damaged features, onsets, tempi, scalers and lists are refused before they are used."""

import os
import shutil

import numpy as np
import pandas as pd
import pytest

from tests.conftest import feature_files
from tests.papers import PAPERS
from workflow_scripts import checked_tables
from workflow_scripts.dataset import features, sampling, shards, split
from workflow_scripts.dataset.features import Content, write_shard
from workflow_scripts.dataset.level import AS_RECORDED, TrainingLevel
from workflow_scripts.dataset.normalisation import Scaler, read_scalers, write_scalers
from workflow_scripts.dataset.track_tables import TRACKS, annotated_bpm, contents_of, paths_of
from workflow_scripts.errors import UserError
from workflow_scripts.steps.evaluate_baselines import read_tempi

N_FRAMES = 90


def digest(number, shard, n_shards=2):
    """A content digest of this shard."""
    return f"{number * n_shards + shard:016x}" + "0" * 48


DIGESTS = [digest(number, shard) for shard in range(2) for number in range(3)]


@pytest.fixture
def paths(tmp_path):
    """Two shards of three contents each."""
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"shard-{number}.npy" for number in range(2)]
    for number, npy in enumerate(paths):
        energies = rng.random((3, N_FRAMES, 40), np.float32)
        own = [Content(digest(i, number), energies[i]) for i in range(3)]
        write_shard(npy, own, PAPERS)
    return paths


def values(paths):
    """The energies of all contents, (contents, frames, bands)."""
    found = feature_files(paths).of(DIGESTS)
    return np.stack([found.whole(content) for content in range(len(DIGESTS))])


class TestShards:
    def test_a_flipped_bit_of_a_shard_is_refused_by_name(self, paths):
        content = paths[1].read_bytes()
        rng = np.random.default_rng(0)
        for position in [*range(0, 128, 3), *rng.integers(128, len(content), 40)]:
            changed = bytearray(content)
            changed[position] ^= 1 << rng.integers(8)
            paths[1].write_bytes(changed)
            with pytest.raises(UserError, match=r"shard-1\.npy is damaged: .*; remove it and run"):
                values(paths)

    def test_contents_beside_a_damaged_one_are_used(self, paths):
        expected = values(paths)[[0, 1]]
        with paths[0].open("r+b") as file:
            file.seek(-1, 2)
            file.write(b"\xff")
        found = feature_files(paths).of(DIGESTS[:2])
        assert np.array_equal([found.whole(0), found.whole(1)], expected)

    def test_all_frames_of_a_content_are_checked_before_the_first_is_used(self, paths):
        with paths[0].open("r+b") as file:
            file.seek(128 + 4 * 40 * N_FRAMES - 4)
            file.write(b"\xff")
        found = feature_files(paths).of(DIGESTS)
        with pytest.raises(UserError, match=r"shard-0\.npy is damaged"):
            found.read(0, 0, 1, np.empty((1, 40), np.float32))

    def test_a_content_is_checked_once(self, paths, monkeypatch):
        read, n_bytes = os.pread, []
        monkeypatch.setattr(features.os, "pread", lambda *a: n_bytes.append(a[1]) or read(*a))
        found = feature_files(paths).of(DIGESTS[:1])
        for first in range(10):
            found.read(0, first, 80, np.empty((80, 40), np.float32))
        assert sum(n_bytes) == 4 * 40 * N_FRAMES + 128, "the content and the header"

    @pytest.mark.parametrize("size", [0, 1, 100, 128, 129, -4, -160])
    def test_a_shard_that_was_cut_is_refused(self, paths, size):
        os.truncate(paths[0], size if size >= 0 else paths[0].stat().st_size + size)
        with pytest.raises(UserError, match=r"shard-0\.npy is damaged"):
            values(paths)

    def test_frames_of_another_shard_are_refused(self, paths):
        shutil.copy(paths[1], paths[0])
        with pytest.raises(UserError, match=r"shard-0\.npy is damaged"):
            values(paths)

    def test_another_shard_with_its_index_is_refused(self, paths):
        for suffix in (".npy", ".csv"):
            shutil.copy(paths[1].with_suffix(suffix), paths[0].with_suffix(suffix))
        with pytest.raises(UserError, match=r"shard-0\.csv lacks the audio content .*remove both"):
            values(paths)

    def test_one_content_in_two_shards_is_refused(self, paths):
        indices = [npy.with_suffix(".csv") for npy in paths]
        table = pd.concat([features.read_index(csv) for csv in indices])
        checked_tables.write(indices[0], table, features.INDEX)
        with pytest.raises(UserError, match=r"shard-0\.csv and .*shard-1\.csv have the same"):
            values(paths)

    @pytest.mark.parametrize("column", ["n_frames", "total", "checksum", "first_frame"])
    def test_an_edited_index_is_refused(self, paths, column):
        csv = paths[0].with_suffix(".csv")
        table = pd.read_csv(csv, dtype=str, keep_default_na=False)
        table.loc[1, column] = table.loc[1, column][:-1] + "7"
        table.to_csv(csv, index=False)
        with pytest.raises(UserError, match=r"shard-0\.csv is damaged or belongs elsewhere"):
            values(paths)


class TestTablesOfShards:
    def tables(self, folder, column, cells):
        files = [folder / f"shard-{number}.csv" for number in range(2)]
        for csv, start in zip(files, (0, 3), strict=True):
            own = slice(start, start + 3)
            table = pd.DataFrame({"digest": DIGESTS[own], column: cells[own]})
            checked_tables.write(csv, table, shards.what(column))
        return files

    @pytest.mark.parametrize("kind", ["onsets", "tempi"])
    def test_damaged_onsets_and_tempi_are_refused(self, tmp_path, kind):
        column, cells, read = {
            "onsets": ("frames", ["1 20 40"] * 6, sampling.read_onsets),
            "tempi": ("bpm", [120.5] * 5 + [np.nan], read_tempi),
        }[kind]
        files = self.tables(tmp_path, column, cells)
        assert len(read(files, np.array(DIGESTS))) == 6
        content = files[1].read_bytes()
        files[1].write_bytes(content.replace(b"20", b"21", 1))
        with pytest.raises(UserError, match=r"shard-1\.csv is damaged or belongs elsewhere"):
            read(files, np.array(DIGESTS))
        files[1].write_bytes(files[0].read_bytes())
        with pytest.raises(UserError, match=r"shard-1\.csv lacks the audio content"):
            read(files, np.array(DIGESTS))
        files[1].write_bytes(content[: content.index(b"\n") + 1])
        with pytest.raises(UserError, match=r"shard-1\.csv is damaged or of another version"):
            read(files, np.array(DIGESTS))

    def test_onsets_are_no_tempi(self, tmp_path):
        files = self.tables(tmp_path, "frames", ["1"] * 6)
        with pytest.raises(UserError, match="its checksum is not that of a table of the bpm"):
            read_tempi(files, np.array(DIGESTS))


class TestLists:
    @pytest.fixture
    def table(self):
        names = [*"abcdef"]
        table = pd.DataFrame({"track_id": names, "label": [*"xyxyxy"], "digest": DIGESTS})
        return table.assign(path=names, bpm=[60.0, 90, 120, 150, 180, 210])

    def test_an_edited_list_of_folds_is_refused(self, tmp_path, table):
        csv = tmp_path / "folds.csv"
        split.write(csv, table, np.array([0, 1, 2] * 2))
        csv.write_text(csv.read_text().replace("a,x,", "a,y,"))
        with pytest.raises(UserError, match=r"folds\.csv is damaged or belongs elsewhere"):
            split.read(csv)

    def test_a_damaged_list_of_tracks_is_refused(self, tmp_path, table):
        csv = tmp_path / "tracks.csv"
        checked_tables.write(csv, table, TRACKS)
        assert annotated_bpm(csv, table["track_id"].to_numpy()).tolist() == table["bpm"].tolist()
        assert paths_of(csv, DIGESTS[2:3]) == {DIGESTS[2]: "c"}
        with pytest.raises(UserError, match=r"tracks\.csv lacks the audio content ffff"):
            paths_of(csv, {"ffff"})
        listed = tmp_path / "shard-0.txt"
        listed.write_text(f"{DIGESTS[4]}\n{DIGESTS[2]}\n")
        assert list(contents_of(listed, csv).items()) == [(DIGESTS[4], "e"), (DIGESTS[2], "c")]
        for damaged in (b"0123\n", b"\xff\n", listed.read_bytes()[:-2]):
            listed.write_bytes(damaged)
            with pytest.raises(UserError, match=r"shard-0\.txt has the audio content '.*remove it"):
                contents_of(listed, csv)
        with pytest.raises(UserError, match=r"tracks\.csv lacks tracks of folds\.csv"):
            annotated_bpm(csv, np.array(["a", "x"]))
        csv.write_text(csv.read_text().replace("120.0", "121.0"))
        for read in (annotated_bpm, paths_of):
            with pytest.raises(UserError, match=r"tracks\.csv is damaged"):
                read(csv, table["track_id"].to_numpy())

    def test_scalers_of_other_tracks_or_folds_are_refused(self, tmp_path, table):
        path, folds = tmp_path / "scaler.json", np.array([0, 1, 2] * 2)
        tracks = split.Tracks.of(table, folds)
        scalers = [Scaler(0.1, 0.2), Scaler(1 / 3, 2.0)]
        levels = [TrainingLevel(AS_RECORDED, -40, -20)] * 2
        write_scalers(path, "train", scalers, levels, tracks.key)
        assert read_scalers(path, tracks.key) == scalers
        others = [
            split.Tracks.of(table, folds[::-1].copy()),
            split.Tracks.of(table.assign(label=[*"yxyxyx"]), folds),
            split.Tracks.of(table.assign(digest=DIGESTS[::-1]), folds),
        ]
        for other in others:
            with pytest.raises(UserError, match=r"scaler\.json is damaged or belongs elsewhere"):
                read_scalers(path, other.key)

    def test_a_model_belongs_to_the_tracks_outside_its_test_fold(self, table):
        folds = np.array([0, 1, 2] * 2)
        keys = split.Tracks.of(table, folds).keys_of_rest
        assert len(set(keys)) == 3
        # Another track in the test fold changes nothing for the model that is tested on it.
        other = table.assign(digest=["f" * 64, *DIGESTS[1:]])
        others = split.Tracks.of(other, folds).keys_of_rest
        assert [a == b for a, b in zip(keys, others, strict=True)] == [True, False, False]
