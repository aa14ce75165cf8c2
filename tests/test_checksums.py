"""Checksums in JSON, .npz and CSV: any change of a value is refused, with the file's name."""

import io
import json
import os
import re

import numpy as np
import pandas as pd
import pytest

from workflow_scripts import checked_tables, checksums
from workflow_scripts.errors import UserError

WHAT = "the numbers of this test"
VALUES = {"mean": 0.1 + 0.2, "folds": [1, 2.5e-300], "name": "é\n", "none": None}
ARRAYS = {
    "trunk.weight": np.arange(12, dtype=np.float32).reshape(3, 4),
    "empty": np.zeros((0, 2)),
    "scalar": np.float64(0.1),
}
TABLE = pd.DataFrame(
    {
        "name": ["plain", 'quo"ted', "com,ma", "two\nlines", "", "NA", "=1+1"],
        "number": [0.1, 1e-300, 1 / 3, -0.0, np.nan, 5.0, 12345678.9],
        "last": ["", "a ", "b", "c", "\n\nd", "e,", ",0123456789abcdef"],
    }
)


def write(kind, path, what=WHAT):
    """Write the values of a kind of file to `path`."""
    if kind == "json":
        checksums.write_json(path, VALUES, what)
    elif kind == "npz":
        checksums.write_npz(path, ARRAYS, what)
    elif kind == "md":
        checksums.write_text(path, "# Card\n\nÄccuracy 81.25\n" * 9, what)
    else:
        checked_tables.write(path, TABLE, what)


def read(kind, path, what=WHAT):
    """What a reader gets, as text."""
    if kind == "json":
        return json.dumps(checksums.read_json(path, what))
    if kind == "md":
        return checksums.read_text(path, what)
    if kind == "npz":
        return str({k: (v.dtype, v.tolist()) for k, v in checksums.read_npz(path, what).items()})
    table = checked_tables.read(path, what, dtype=str, keep_default_na=False)
    return table.to_csv(index=False)


def outcome(kind, path):
    """What a reader gets, or the sentence with which it refuses the file."""
    try:
        return read(kind, path)
    except UserError as reason:
        return str(reason)


@pytest.fixture(params=["json", "npz", "csv", "md"])
def kind(request):
    return request.param


@pytest.fixture
def path(kind, tmp_path):
    """A written file."""
    write(kind, tmp_path / f"file.{kind}")
    return tmp_path / f"file.{kind}"


def test_values_are_read_as_written(kind, path):
    if kind == "json":
        assert checksums.read_json(path, WHAT) == VALUES
    elif kind == "npz":
        found = checksums.read_npz(path, WHAT)
        assert found.keys() == ARRAYS.keys()
        for name, array in ARRAYS.items():
            assert np.array_equal(found[name], array) and found[name].dtype == array.dtype
    elif kind == "md":
        assert checksums.read_text(path, WHAT) == "# Card\n\nÄccuracy 81.25\n" * 9
    else:
        found = checked_tables.read(path, WHAT, keep_default_na=False, na_values={"number": [""]})
        pd.testing.assert_frame_equal(found, TABLE)


def test_the_same_values_give_the_same_bytes(kind, path, tmp_path):
    write(kind, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_every_other_reader_still_reads_it(kind, path):
    if kind == "json":
        assert VALUES.items() <= json.loads(path.read_text()).items()
    elif kind == "npz":
        with np.load(path) as arrays:
            assert set(arrays.files) == set(ARRAYS), "the checksum is no array"
    elif kind == "md":
        last = path.read_text().splitlines()[-1]
        assert re.fullmatch("<!-- checksum [0-9a-f]{16} -->", last), "not shown"
    else:
        table = pd.read_csv(path)
        assert list(table) == [*TABLE, "table_checksum"]
        assert len(table) == len(TABLE) and table["table_checksum"].nunique() == 1


def test_no_reader_of_a_table_can_take_its_checksum_for_a_number(tmp_path, monkeypatch):
    """pandas crashes at a cell that begins with an exponent of eleven digits, as this digest."""

    class Digest:
        def update(self, data):
            pass

        def hexdigest(self):
            return "5e24611164324a6d" + 48 * "0"

    monkeypatch.setattr(checksums, "start", lambda what: Digest())
    path = tmp_path / "table.csv"
    checked_tables.write(path, TABLE, WHAT)
    assert path.read_text().endswith(",leikmhhhmkjikamd\n")
    pd.testing.assert_frame_equal(
        checked_tables.read(path, WHAT, keep_default_na=False, na_values={"number": [""]}), TABLE
    )


def test_a_flipped_bit_is_refused_or_changes_nothing(kind, path):
    content = path.read_bytes()
    expected = read(kind, path)
    rng = np.random.default_rng(0)
    refused = 0
    for position in rng.permutation(len(content))[:300]:
        changed = bytearray(content)
        changed[position] ^= 1 << rng.integers(8)
        path.write_bytes(changed)
        found = outcome(kind, path)
        assert found == expected or (found.startswith(f"{path} ") and "\n" not in found)
        refused += found != expected
    assert refused > 0.8 * min(300, len(content)), "few bits do not matter: blanks of JSON"


@pytest.mark.parametrize("cut", [0, 1, 10, 0.3, 0.5, 0.9, -1, -2, -17, -18])
def test_a_file_that_was_cut_is_refused(kind, path, cut):
    size = path.stat().st_size
    os.truncate(path, cut + size if cut < 0 else int(cut * size) if 0 < cut < 1 else cut)
    with pytest.raises(UserError, match=f"^{path} .*remove it and run snakemake$"):
        read(kind, path)


def test_a_file_of_something_else_is_refused(kind, path):
    with pytest.raises(UserError, match="belongs elsewhere: its checksum is not that of the numb"):
        read(kind, path, "the numbers of another test")


def test_a_file_of_another_version_is_refused(kind, path):
    if kind == "json":
        path.write_text(json.dumps(VALUES))
    elif kind == "npz":
        np.savez(path, **ARRAYS)
    elif kind == "md":
        path.write_text("# Card\n")
    else:
        TABLE.to_csv(path, index=False)
    with pytest.raises(UserError, match=r"has no checksum|its checksum is not"):
        read(kind, path)


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"\0" * 100, b"\xff\xfe", b"[]", b"1", b"null", b'{"checksum": 1}', b"[" * 10**5],
)
def test_other_content_is_refused(kind, path, content):
    path.write_bytes(content)
    with pytest.raises(UserError, match="remove it and run snakemake"):
        read(kind, path)


def test_arrays_of_a_huge_sparse_file_are_not_read(tmp_path):
    path = tmp_path / "sparse.npz"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(UserError, match="has no checksum"):
        checksums.read_npz(path, WHAT)


class TestTables:
    def test_rows_may_not_be_removed_repeated_exchanged_or_edited(self, tmp_path):
        path = tmp_path / "t.csv"
        table = pd.DataFrame({"name": [*"abcd"], "n": range(4)})
        checked_tables.write(path, table, WHAT)
        head, *rows = path.read_text().splitlines(keepends=True)
        for changed in (
            [],
            rows[:2],
            rows[1:],
            [*rows, rows[0]],
            [rows[1], rows[0], *rows[2:]],
            [rows[0].replace("a,0", "a,1"), *rows[1:]],
            [*rows, "\n"],
        ):
            path.write_text(head + "".join(changed))
            with pytest.raises(UserError, match=r"t\.csv "):
                checked_tables.read(path, WHAT)

    def test_line_ends_of_windows_are_accepted(self, tmp_path):
        path = tmp_path / "t.csv"
        for table in (TABLE[["number"]], TABLE[["number"]][:0]):
            checked_tables.write(path, table, WHAT)
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
            assert len(checked_tables.read(path, WHAT)) == len(table)

    def test_a_table_without_rows_is_not_one_that_was_cut(self, tmp_path):
        path = tmp_path / "t.csv"
        checked_tables.write(path, TABLE[:0], WHAT)
        found = checked_tables.read(path, WHAT)
        assert list(found) == list(TABLE) and found.empty
        checked_tables.write(path, TABLE, WHAT)
        path.write_text(path.read_text().splitlines(keepends=True)[0])
        with pytest.raises(UserError, match="has no checksum"):
            checked_tables.read(path, WHAT)


def test_a_full_npz_is_the_size_of_its_arrays(tmp_path):
    checksums.write_npz(tmp_path / "a.npz", ARRAYS, WHAT)
    plain = io.BytesIO()
    np.savez(plain, **ARRAYS)
    assert (tmp_path / "a.npz").stat().st_size - len(plain.getvalue()) < 50
