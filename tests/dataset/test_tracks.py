"""Tracks from folders and lists, and unusual names."""

import os
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.audio_folders import HOSTILE, touch
from tests.conftest import write_wav
from workflow_scripts import checked_tables
from workflow_scripts.audio.files import is_audio
from workflow_scripts.dataset import ballroom, tracks
from workflow_scripts.dataset.class_folders import class_folders
from workflow_scripts.dataset.scan import fingerprint
from workflow_scripts.dataset.track_list import track_list
from workflow_scripts.dataset.track_tables import TRACKS, paths_of, read_table
from workflow_scripts.errors import UserError


def listed(folder, tempi=None, classes=None):
    """The tracks in a folder with one sub-folder per class."""
    return class_folders(str(folder), is_audio, tempi, classes)[0]


class TestClassFolders:
    def test_one_row_per_track_with_its_folder_as_label(self, tmp_path):
        touch(tmp_path, "b/2.wav", "b/1.MP3", "a/x.flac", "a/y.ogg", "a/notes.txt", "readme.wav")
        found = listed(tmp_path)
        assert list(found["track_id"]) == ["a/x", "a/y", "b/1", "b/2"]
        assert list(found["label"]) == ["a", "a", "b", "b"]
        assert list(found.columns) == ["track_id", "label", "path"]

    def test_tracks_with_the_same_stem_get_different_ids(self, tmp_path):
        touch(tmp_path, "a/x.wav", "a/x.mp3", "a/deep/x.wav", "b/x.wav", "a/x~2.wav")
        found = listed(tmp_path)
        assert found["track_id"].is_unique
        assert {"a/x", "a/x~2", "b/x"} <= set(found["track_id"])

    def test_hidden_files_and_folders_are_ignored(self, tmp_path):
        touch(tmp_path, "a/x.wav", "a/._x.wav", ".cache/x.wav", "b/x.wav")
        assert list(listed(tmp_path)["track_id"]) == ["a/x", "b/x"]

    def test_hidden_folders_inside_class_folders_are_ignored(self, tmp_path):
        touch(tmp_path, "a/x.wav", "a/.trash/y.wav", "b/deep/x.wav")
        assert list(listed(tmp_path)["track_id"]) == ["a/x", "b/x"]

    def test_tempi_are_read_beside_the_audio_or_in_a_folder(self, tmp_path):
        touch(tmp_path, "a/x.wav", "b/y.wav")
        (tmp_path / "a/x.bpm").write_bytes(b"\xef\xbb\xbf120\r\n")
        found = listed(tmp_path)
        assert found["bpm"][0] == 120 and np.isnan(found["bpm"][1])
        (tmp_path / "tempi").mkdir()
        (tmp_path / "tempi/y.bpm").write_text("98.5\n")
        (tmp_path / "audio").mkdir()
        (tmp_path / "a").rename(tmp_path / "audio/a")
        (tmp_path / "b").rename(tmp_path / "audio/b")
        found = listed(tmp_path / "audio", tmp_path / "tempi")
        assert np.isnan(found["bpm"][0]) and found["bpm"][1] == 98.5

    def test_ballrooms_three_rumbas_are_one_class(self, tmp_path):
        touch(tmp_path, "Rumba-American/x.wav", "Rumba-Misc/x.wav", "Tango/x.wav")
        touch(tmp_path, "Rumba-International/y.wav", "allBallroomFiles")
        found = listed(tmp_path, classes=ballroom.CLASSES)
        assert list(found["label"]) == ["Rumba", "Rumba", "Rumba", "Tango"]
        assert found["track_id"].is_unique

    @pytest.mark.parametrize(
        ("names", "sentence"),
        [
            ([], "has neither sub-folders nor a tracks.csv"),
            (["a/x.wav", "b/x.txt"], "class folder .*b contains no audio"),
        ],
    )
    def test_no_classes_or_a_class_without_audio_is_rejected(self, tmp_path, names, sentence):
        with pytest.raises(UserError, match=sentence):
            listed(touch(tmp_path, *names))

    @pytest.mark.parametrize("text", ["fast", "-3", "0", "nan", "inf"])
    def test_an_invalid_tempo_is_rejected(self, tmp_path, text):
        touch(tmp_path, "a/x.wav")
        (tmp_path / "a/x.bpm").write_text(text)
        with pytest.raises(UserError, match=r"x\.bpm: the tempo .* is not a positive number"):
            listed(tmp_path)


class TestTrackList:
    def read(self, folder, text):
        touch(folder, "1.wav", "sub/2.wav")
        (folder / "tracks.csv").write_text(text)
        return track_list(folder / "tracks.csv")

    def test_paths_are_relative_to_the_file_and_columns_are_kept(self, tmp_path):
        found = self.read(tmp_path, "player,label,path,bpm\nann,a,1.wav,99\nNA,b,sub/2.wav,\n")
        assert list(found["path"]) == [str(tmp_path / "1.wav"), str(tmp_path / "sub/2.wav")]
        assert list(found["track_id"]) == ["a/1", "b/2"]
        assert list(found["player"]) == ["ann", "NA"]
        assert found["bpm"][0] == 99 and np.isnan(found["bpm"][1])

    def test_a_byte_order_mark_and_blank_lines_are_ignored(self, tmp_path):
        found = self.read(tmp_path, "\ufeffpath,label\r\n1.wav,a\r\n\r\nsub/2.wav,b\r\n\r\n")
        assert list(found["label"]) == ["a", "b"]

    @pytest.mark.parametrize("name", ["x\ry.wav", os.fsdecode(b"x\xff.wav")])
    def test_names_that_a_csv_cannot_contain_are_rejected(self, tmp_path, name):
        touch(tmp_path, "a/x.wav", "b/y.wav")
        (tmp_path / "b/y.wav").rename(tmp_path / "b" / name)
        with pytest.raises(
            UserError, match=r"b/.* contains a carriage return or bytes .*; rename it"
        ):
            tracks.check_names(listed(tmp_path))

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("path\n1.wav\n", "has no column label; it needs"),
            ("label\na\n", "has no column path"),
            ("path,label\n1.wav,\n", r"tracks\.csv line 2 has no label"),
            ("path,label,track_id\n1.wav,a,t\nsub/2.wav,b,t\n", "several tracks with track_id t"),
            ("path,label,bpm\n1.wav,a,quick\n", "line 2: the tempo 'quick'"),
            *(
                (f"path,label,{name}\n1.wav,a,x\n", f"column {name}, which the workflow computes")
                for name in ("digest", "n_frames", "silence", "truncated", "table_checksum")
            ),
            ("path,label,path\n1.wav,a,sub/2.wav\n", "has several columns path; rename all but"),
            (
                "path,label\n1.wav,a\0b\n",
                "contains NUL bytes, so it may be UTF-16; save it as UTF-8",
            ),
            ("path,label\n1.wav,a,b,c\n", "a row with more fields"),
            ("", "is empty; it needs the columns path and label"),
            ("path,label\n", "lists no tracks"),
            ("path,label\n1.wav,a\n2.wav,b,c\n", "Expected 2 fields in line 3, saw 3; quote texts"),
            ("path,label\n1.wav,a,x\n", "a row with more fields than its first line"),
            ("path;label\n1.wav;a\n", "has no column path; it needs path and label, separated"),
            ("path,label\n\n1.wav,a\n1.wav,\n", "line 4 has no label"),
            ("path,label,track_id\n1.wav,a,\n", "line 2 has no track_id"),
        ],
    )
    def test_an_invalid_list_is_rejected(self, tmp_path, text, sentence):
        with pytest.raises(UserError, match=sentence) as error:
            self.read(tmp_path, text)
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize(
        "text", ['path,label,track_id\n1.wav,a,"t\r1"\n', 'path,label,"p\rq"\n1.wav,a,b\n']
    )
    def test_a_carriage_return_in_any_cell_is_rejected(self, tmp_path, text):
        with pytest.raises(UserError, match="contains a carriage return"):
            tracks.check_names(self.read(tmp_path, text))

    def test_a_column_may_have_long_texts(self, tmp_path):
        lyrics = "la " * 100_000
        found = self.read(tmp_path, f"path,label,lyrics\n1.wav,a,{lyrics}\nsub/2.wav,b,{lyrics}\n")
        checked_tables.write(tmp_path / "t.csv", found.assign(digest=["x", "y"]), TRACKS)
        assert paths_of(tmp_path / "t.csv", {"y"}) == {"y": str(tmp_path / "sub/2.wav")}
        first = fingerprint(str(tmp_path))
        (tmp_path / "sub/2.wav").write_text("other")
        assert fingerprint(str(tmp_path)) != first


class TestCheckClasses:
    frame = pd.DataFrame({"label": ["a"] * 4 + ["b"] * 3})

    def test_classes_with_enough_tracks_are_accepted(self):
        tracks.check_classes(self.frame, 3)

    def test_a_class_with_fewer_tracks_than_folds_is_rejected(self):
        with pytest.raises(
            UserError, match=r"4 folds need at least 4 tracks .* of b \(3\); add tracks"
        ):
            tracks.check_classes(self.frame, 4)

    def test_a_single_class_is_rejected(self):
        with pytest.raises(UserError, match="has only the class a; it needs"):
            tracks.check_classes(self.frame[:4], 3)


def test_group_by_must_be_a_column_of_the_tracks():
    frame = pd.DataFrame({"label": ["a"], "player": ["x"]})
    tracks.check_column(frame, "group_by", "player")
    tracks.check_column(frame, "group_by", "")
    with pytest.raises(UserError, match="no such column; choose one of label, player"):
        tracks.check_column(frame, "group_by", "singer")


class TestNames:
    def test_unusual_names_are_written_and_read_unchanged(self, tmp_path):
        touch(tmp_path, *[f"a/{name}" for name in HOSTILE], "b/x.wav", "b/x.flac")
        found = listed(tmp_path)
        tracks.check_names(found)
        checked_tables.write(tmp_path / "t.csv", found, TRACKS)
        read = read_table(tmp_path / "t.csv", TRACKS)
        assert read["path"].tolist() == found["path"].tolist()
        assert {Path(path).name for path in read["path"]} >= set(HOSTILE)
        assert all(Path(path).is_file() for path in read["path"])
        assert read["track_id"].is_unique and len(read) == len(HOSTILE) + 2
        checked_tables.write(tmp_path / "t.csv", read.assign(digest=read["path"]), TRACKS)
        some = set(read["path"][3:7])
        assert paths_of(tmp_path / "t.csv", some) == dict(zip(some, some, strict=True))

    def test_unicode_forms_of_a_label_are_one_class(self, tmp_path):
        forms = [unicodedata.normalize(form, "Café") for form in ("NFC", "NFD")]
        touch(tmp_path, f"{forms[0]}/1.wav", f"{forms[1]}/1.wav", "b/1.wav")
        found = listed(tmp_path)
        assert sorted(found["label"]) == sorted([forms[0], forms[0], "b"])
        assert found["track_id"].is_unique

    @pytest.mark.parametrize(("on_disk", "in_list"), [("NFC", "NFD"), ("NFD", "NFC")])
    def test_a_list_may_use_another_unicode_form_than_the_files(self, tmp_path, on_disk, in_list):
        touch(tmp_path, unicodedata.normalize(on_disk, "Köln/é.wav"), "b.wav")
        listing = tmp_path / "tracks.csv"
        name = unicodedata.normalize(in_list, "Köln/é.wav")
        listing.write_text(f"path,label\n{name},a\nb.wav,b\n", encoding="utf-8")
        assert all(Path(path).is_file() for path in track_list(listing)["path"])

    def test_links_are_followed_except_cycles(self, tmp_path):
        touch(tmp_path, "elsewhere/deep/x.wav", "root/a/y.wav")
        (tmp_path / "root/b").symlink_to(tmp_path / "elsewhere")
        (tmp_path / "root/a/more").symlink_to(tmp_path / "elsewhere/deep")
        (tmp_path / "root/a/z.wav").symlink_to(tmp_path / "elsewhere/deep/x.wav")
        (tmp_path / "elsewhere/back").symlink_to(tmp_path / "elsewhere")
        assert listed(tmp_path / "root")["track_id"].tolist() == ["a/x", "a/y", "a/z", "b/x"]


class TestIsAudio:
    def test_files_are_audio_by_suffix_or_content(self, tmp_path):
        write_wav(tmp_path / "a/named.wav", np.zeros(44100))
        (tmp_path / "a/named.wav").rename(tmp_path / "a/recording.001")
        touch(tmp_path, "a/x.OPUS", "a/cover.jpg", "b/y.wav", "a/notes", "b/x.bpm", "loose.wav")
        (tmp_path / "b/x.bpm").write_text("")
        (tmp_path / "a/utf16.txt").write_text("some text " * 50, encoding="utf-16")
        found, ignored = class_folders(str(tmp_path), is_audio)
        assert found["track_id"].tolist() == ["a/recording", "a/x", "b/y"]
        names = [os.path.relpath(path, tmp_path) for path in ignored]
        assert names == ["a/cover.jpg", "a/notes", "a/utf16.txt", "loose.wav"]


@pytest.mark.parametrize("name", ["control", "x.bpm"])
def test_a_named_pipe_does_not_stop_the_listing(tmp_path, name):
    touch(tmp_path, "a/x.wav")
    os.mkfifo(tmp_path / "a" / name)
    if name == "x.bpm":
        with pytest.raises(
            UserError, match=r"x\.bpm: it is a named pipe, .*; put the tempo into it or"
        ):
            class_folders(str(tmp_path), is_audio)
    else:
        _, ignored = class_folders(str(tmp_path), is_audio)
        assert ignored == [str(tmp_path / "a/control")]


def test_only_the_beginning_of_a_tempo_is_read(tmp_path):
    touch(tmp_path, "a/x.wav")
    (tmp_path / "a/x.bpm").symlink_to("/proc/self/maps")
    with pytest.raises(UserError, match="is not a positive number"):
        class_folders(str(tmp_path), is_audio)
