"""Names that look alike, in labels, column names and groups."""

import pandas as pd
import pytest

from workflow_scripts.audio.files import is_audio
from workflow_scripts.dataset import groups, label_notes, replicas, tracks
from workflow_scripts.dataset.class_folders import class_folders
from workflow_scripts.dataset.class_names import is_visible
from workflow_scripts.dataset.selection import Criteria, select
from workflow_scripts.dataset.track_list import track_list
from workflow_scripts.dataset.untidy_names import alike, shown, tidy
from workflow_scripts.errors import UserError

# As in Unicode: no-break space, zero-width space, byte order mark, soft hyphen, grapheme joiner,
# Hangul filler, empty Braille, variation selector, word joiner, right-to-left mark.
UNSEEN = "\u00a0\u200b\ufeff\u00ad\u034f\u3164\u2800\ufe0f\u2060\u200f"
NO_DIGEST = ""


@pytest.mark.parametrize("blank", ["", " ", "\t", "\n", *UNSEEN, UNSEEN, "\u3000"])
def test_a_blank_name_has_no_visible_character(blank):
    assert not is_visible(blank) and tidy(blank) == ""


@pytest.mark.parametrize("name", ["a", " a", "\u200ba", "é", "-", "0", "中", "🎵"])
def test_any_other_name_is_not_blank(name):
    assert is_visible(name) and tidy(name)


def test_a_mark_without_a_letter_is_blank():
    assert not is_visible("\u0301") and is_visible("e\u0301")


@pytest.mark.parametrize("c", UNSEEN)
def test_a_tidy_name_has_no_unseen_character(c):
    assert tidy(f"{c} Bach{c} ") == "Bach"


def test_a_tidy_name_is_composed_and_keeps_case_and_single_blanks():
    assert tidy("J.  S.\u00a0Bach") == "J. S. Bach"
    assert tidy("e\u0301") == "\u00e9"
    assert tidy("e\u200b\u0301") == "\u00e9", "composed after what was between is gone"


def test_names_that_differ_only_by_blanks_unseen_characters_or_case_are_alike():
    names = ["Waltz", "waltz", "Waltz\u00a0", "Tango", "Hip Hop", "HipHop", "Straße", "STRASSE"]
    found = {frozenset(group) for group in alike(names)}
    assert found == {
        frozenset({"Waltz", "waltz", "Waltz\u00a0"}),
        frozenset({"Hip Hop", "HipHop"}),
        frozenset({"Straße", "STRASSE"}),
    }
    assert alike(["1", "01", "a", "ä", "1.10", "1.1"]) == []


def test_unseen_characters_are_shown():
    assert shown("Café") == "'Café'"
    assert [shown(c) for c in UNSEEN] == [f"'\\x{ord(c):02x}'" for c in "\u00a0"] + [
        f"'\\u{ord(c):04x}'" if ord(c) > 255 else f"'\\x{ord(c):02x}'" for c in UNSEEN[1:]
    ]


class TestLabels:
    def listed(self, folder, text):
        (folder / "tracks.csv").write_text(text, encoding="utf-8")
        return track_list(folder / "tracks.csv")

    @pytest.mark.parametrize("blank", [" ", "\u00a0", "\u200b", "\u3164", " \u200b "])
    @pytest.mark.parametrize("column", ["label", "path", "track_id"])
    def test_a_blank_cell_is_refused_with_its_line(self, tmp_path, blank, column):
        cells = {"path": "y.wav", "label": "b", "track_id": "t", column: blank}
        text = "path,label,track_id\nx.wav,a,s\n" + ",".join(cells.values()) + "\n"
        with pytest.raises(UserError, match=rf"tracks\.csv line 3 has no {column}; fill it in"):
            self.listed(tmp_path, text)

    @pytest.mark.parametrize("blank", [" ", "\u00a0", "\u200b"])
    def test_a_class_folder_with_a_blank_name_is_refused(self, tmp_path, blank):
        for label in ("a", blank):
            (tmp_path / label).mkdir()
            (tmp_path / label / "x.wav").touch()
        with pytest.raises(UserError, match=r"class folder '.*' in .* has a blank name; rename it"):
            class_folders(str(tmp_path), is_audio)

    def test_labels_that_look_alike_are_reported_and_stay_text(self, tmp_path):
        found = self.listed(
            tmp_path, "path,label\n1,Waltz\n2,waltz\n3,Waltz \n4,Waltz\n5,a\u200b\n6,a\n7,b\n"
        )
        assert found["label"].tolist()[2] == "Waltz "
        (note,) = label_notes.notes(found.assign(digest=[*"1234567"]))
        assert "'Waltz' (2) and 'Waltz ' (1) and 'waltz' (1); 'a' (1) and 'a\\u200b' (1);" in note
        assert note.endswith("make them equal if they are the same") and "'b'" not in note

    def test_labels_that_look_alike_explain_why_a_class_is_too_small(self):
        frame = pd.DataFrame({"label": ["Jive", "Jive\u200b", "Jive", "Waltz", "Waltz", "Waltz"]})
        with pytest.raises(UserError) as error:
            tracks.check_classes(frame, 3)
        assert "'Jive' (2) and 'Jive\\u200b' (1); make them equal if they" in str(error.value)

    def test_class_folders_that_look_alike_are_reported(self, tmp_path):
        for label in ("Jazz", "jazz\u00a0"):
            (tmp_path / label).mkdir()
            (tmp_path / label / "x.wav").write_text(label)
        found, _ = class_folders(str(tmp_path), is_audio)
        (note,) = label_notes.notes(found.assign(digest=["1", "2"]))
        assert "'Jazz' (1) and 'jazz\\xa0' (1)" in note

    def test_a_file_of_two_classes_is_reported_by_path_or_content(self):
        frame = pd.DataFrame(
            [
                ("x", "Jazz", "1"),
                ("x", "Rock", "1"),
                ("y", "Jazz", "2"),
                ("z", "Rock", "2"),
                ("copy of z", "Rock", "2"),
                ("p", "Jazz", "3"),
                ("q", "Jazz", "3"),
                ("r", "Jazz", NO_DIGEST),
                ("s", "Rock", NO_DIGEST),
            ],
            columns=["path", "label", "digest"],
        )
        (note,) = label_notes.notes(frame)
        assert note.startswith("2 recordings are listed under more than one class: ")
        assert "x as 'Jazz', 'Rock'; copy of z as 'Rock' and y as 'Jazz' and z as 'Rock';" in note

    def test_many_are_counted(self):
        frame = pd.DataFrame({"path": [*"abcdefgh"] * 2, "label": ["a"] * 8 + ["b"] * 8})
        (note,) = label_notes.notes(frame.assign(digest=frame["path"]))
        assert "8 recordings" in note and " and 3 more; remove" in note

    def test_tidy_labels_have_no_note(self):
        frame = pd.DataFrame({"path": ["x", "y"], "label": ["a", "b"], "digest": ["1", "2"]})
        assert not [*label_notes.notes(frame)]


class TestColumns:
    def test_a_required_column_that_looks_alike_is_named(self, tmp_path):
        (tmp_path / "tracks.csv").write_text("path, Label\nx,a\n")
        with pytest.raises(UserError, match=r"has no column label; rename its column ' Label'"):
            track_list(tmp_path / "tracks.csv")

    def test_an_optional_column_that_looks_alike_is_reported(self, tmp_path, capsys):
        (tmp_path / "tracks.csv").write_text("path,label,BPM\nx,a,120\n")
        assert "bpm" not in track_list(tmp_path / "tracks.csv")
        assert "note: the column 'BPM' of " in capsys.readouterr().out

    @pytest.mark.parametrize("column", [" performer", "Performer", "performer\u200b"])
    def test_a_group_column_that_looks_alike_is_named(self, column):
        frame = pd.DataFrame({"label": ["a"], column: ["x"]})
        with pytest.raises(UserError) as error:
            tracks.check_column(frame, "group_by", "performer")
        assert str(error.value).endswith(f"have no such column; rename {shown(column)}")
        tracks.check_column(frame, "group_by", column)


class TestGroups:
    performers = pd.Series(["Bach", "Bach ", "\u00a0Bach", "Bach\u200b", "bach", "", " ", "Händel"])

    def test_values_are_equal_if_they_are_when_tidy(self):
        found = groups.values(pd.concat([self.performers, pd.Series(["Ha\u0308ndel"])]))
        assert found.tolist() == [*["Bach"] * 4, "bach", "", "", "Händel", "Händel"]

    def test_numbers_are_groups_too(self):
        assert groups.values(pd.Series([120.0, float("nan"), 120.0])).tolist() == [
            "120.0",
            "",
            "120.0",
        ]

    def test_missing_values_and_those_that_differ_by_case_are_reported(self):
        missing, case = groups.notes(self.performers, "performer")
        assert missing.startswith("2 of 8 tracks have no performer; each is a group of its own")
        assert "different groups: 'Bach' (4) and 'bach' (1); make them equal" in case

    def test_tidy_values_have_no_note(self):
        assert not [*groups.notes(pd.Series(["a", "b", "a"]), "performer")]

    def test_tracks_of_equal_tidy_values_share_a_group(self):
        n = 8
        frame = pd.DataFrame(
            {
                "track_id": [f"t{i}" for i in range(n)],
                "label": ["a", "b"] * (n // 2),
                "path": [f"p{i}" for i in range(n)],
                "digest": [f"{i:016x}" for i in range(n)],
                "performer": self.performers,
            }
        )
        index = frame[["digest"]].assign(n_frames=100, silence="", problem="")
        criteria = Criteria("fail", "keep", 3, "performer", {"short": 80}, ballroom=False)
        pairs = pd.DataFrame(columns=replicas.COLUMNS)
        chosen = select(frame, index, pairs, criteria)
        assert chosen.groups.tolist() == [*["t0"] * 4, "t4", "t5", "t6", "t7"]
        assert chosen.used["performer"].tolist() == self.performers.tolist(), "the text stays"
