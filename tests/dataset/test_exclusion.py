"""The tracks that the user leaves out: every form of the list, and names of no track."""

import pandas as pd
import pytest

from workflow_scripts.dataset import exclusion
from workflow_scripts.errors import UserError

TRACKS = pd.DataFrame(
    {
        "track_id": ["blues/blues.00001", "blues/blues.00002", "jazz/caf\u00e9", "jazz/#1"],
        "label": ["blues", "blues", "jazz", "jazz"],
        "path": [
            *("../gtzan/blues/blues.00001.wav", "../gtzan/blues/blues.00002.wav"),
            *("../gtzan/jazz/cafe\u0301.wav", "../gtzan/jazz/#1.wav"),
        ],
    }
)


def left_out(exclude):
    names = exclusion.entries(exclude)
    return TRACKS["track_id"][exclusion.excluded(TRACKS, names, "../gtzan")].tolist()


def test_nothing_is_excluded_without_a_list(tmp_path):
    (tmp_path / "none.txt").write_text("# nothing\n\n")
    for exclude in (None, [], str(tmp_path / "none.txt")):
        assert left_out(exclude) == [] and exclusion.digest(exclude) == ""


@pytest.mark.parametrize(
    "name", ["blues/blues.00002", "../gtzan/blues/blues.00002.wav", "blues/blues.00002.wav"]
)
def test_a_track_is_named_by_its_id_or_its_path(name):
    assert left_out([name]) == ["blues/blues.00002"]


def test_names_are_compared_composed_and_without_blanks_around_them():
    assert left_out([" jazz/cafe\u0301 "]) == ["jazz/caf\u00e9"]


def test_a_text_file_has_comments_blank_lines_and_any_line_ends(tmp_path):
    path = tmp_path / "faults.txt"
    path.write_bytes(b"\xef\xbb\xbf# Sturm\r\nblues/blues.00001\r\n\r\n  # more\r\njazz/#1\r\n")
    assert left_out(str(path)) == ["blues/blues.00001", "jazz/#1"]


@pytest.mark.parametrize(
    "text",
    ["reason,track_id\nsame,blues/blues.00001\n", 'path,n\n"blues/blues.00001.wav",1\n,2\n'],
)
def test_a_csv_has_a_column_of_ids_or_paths(tmp_path, text):
    path = tmp_path / "faults.CSV"
    path.write_text(text)
    assert left_out(str(path)) == ["blues/blues.00001"]


def test_the_digest_depends_on_the_names_only(tmp_path):
    (tmp_path / "a.txt").write_text("x\ny\n")
    (tmp_path / "b.csv").write_text("track_id\ny\nx\nx\n")
    forms = [["y", "x"], str(tmp_path / "a.txt"), str(tmp_path / "b.csv")]
    assert len({*map(exclusion.digest, forms)}) == 1
    assert exclusion.digest(["x"]) != exclusion.digest(forms[0])


def test_unknown_names_are_shown_with_similar_ones():
    with pytest.raises(UserError) as caught:
        left_out(["blues/blues.0001", "blues/blues.00002"])
    assert str(caught.value) == (
        "exclude names a track that the data set does not have: 'blues/blues.0001' (similar: "
        "blues/blues.00001, blues/blues.00002); correct it, as in the columns track_id and path of "
        "tracks.csv, or remove it"
    )
    with pytest.raises(UserError, match=r"names 5 tracks that .*: 'v', 'w', 'x' and 2 more; "):
        left_out(["v", "w", "x", "y", "z"])


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", b"id,why\nx,y\n", "has no column track_id or path; name one of its columns so"),
        ("a.csv", b"", "has no column track_id or path"),
        ("a.txt", b"\xff\xfe", "is not text in UTF-8; save it as UTF-8"),
    ],
)
def test_a_file_that_is_no_list_is_reported(tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=sentence):
        exclusion.entries(str(tmp_path / name))


def test_a_missing_file_and_a_folder_are_reported(tmp_path):
    with pytest.raises(UserError, match=r"cannot read exclude .*: it does not exist; check"):
        exclusion.entries(str(tmp_path / "none"))
    with pytest.raises(
        UserError, match=r"cannot read exclude .*: it is a folder, not a regular file; check"
    ):
        exclusion.entries(str(tmp_path))
