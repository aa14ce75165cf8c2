"""Tables with a checksum (see `checksums`): CSV whose last column is the same in each row."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from workflow_scripts import checksums
from workflow_scripts.atomic_files import atomic

COLUMN = "table_checksum"
# Letters only: pandas reads 5e24611164324a6d as a number first, and crashes at such an exponent.
LETTERS = str.maketrans("0123456789", "ghijklmnop")
LAST_FIELD = re.compile(rb"[,:]([a-p]{%d})\r?\n\Z" % checksums.LENGTH)
# Bytes at the end of a file in which it is found.
TAIL = 64


def write(path: Path, table: pd.DataFrame, what: str) -> None:
    """Write `table`, which is `what`, with a checksum in a last column.

    In a table without rows, the checksum is in the name of that column: it could otherwise be a
    longer table that was cut.
    """
    write_parts(path, [table], what)


def write_parts(path: Path, parts: Sequence[pd.DataFrame], what: str) -> None:
    """As `write`, a table in parts with the same columns; it need not fit into memory as text."""
    has_rows = any(len(part) for part in parts)
    with atomic(path) as partial:
        unknown = "a" * checksums.LENGTH
        _write(partial, parts, unknown, has_rows)
        checksum = _checksum(partial, unknown.encode(), what)
        _write(partial, parts, checksum, has_rows)


def read(path: Path, what: str, **options: Any) -> pd.DataFrame:
    """The table that `write` wrote, read with these options of `pandas.read_csv`.

    Raises UserError unless its checksum is correct.
    """
    check(path, what)
    table = pd.read_csv(path, **options)
    return table.iloc[:, :-1]


def check(path: Path, what: str) -> None:
    """Raise UserError unless the checksum of a table is correct."""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
        end = file.read()
    found = LAST_FIELD.search(end)
    if not found:
        raise checksums.missing(path)
    if _checksum(path, found[1], what).encode() != found[1]:
        raise checksums.damaged(path, what)


def _write(path: Path, parts: Sequence[pd.DataFrame], checksum: str, has_rows: bool) -> None:
    """Write the parts with a column of their checksum, or with one whose name has it."""
    column = {COLUMN: checksum} if has_rows else {f"{COLUMN}:{checksum}": ""}
    with path.open("w", encoding="utf-8", newline="") as file:
        for number, part in enumerate(parts):
            part.assign(**column).to_csv(file, index=False, header=number == 0)


def _checksum(path: Path, own: bytes, what: str) -> str:
    """The checksum of the lines without `own` at their ends, whichever line ends they have."""
    total = checksums.start(what)
    with path.open("rb") as file:
        for line in file:
            total.update(line.rstrip(b"\r\n").removesuffix(own) + b"\n")
    return total.hexdigest()[: checksums.LENGTH].translate(LETTERS)
