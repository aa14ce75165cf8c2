"""Tables with a checksum (see `checksums`): CSV whose last column is the same in each row."""

import os
import re
from pathlib import Path
from typing import Any

import pandas as pd

from workflow_scripts import checksums
from workflow_scripts.atomic_files import atomic

COLUMN = "table_checksum"
LAST_FIELD = re.compile(rb",([0-9a-f]{%d})\r?\n\Z" % checksums.LENGTH)
EMPTY = re.compile(rb",%s\r?\n\r?\n\Z" % COLUMN.encode())
# Bytes at the end of a file in which either is found.
TAIL = 64


def write(path: Path, table: pd.DataFrame, what: str) -> None:
    """Write `table`, which is `what`, with a checksum in a last column.

    A table without rows ends in an empty line: otherwise it would be a longer one cut after its
    first line.
    """
    with atomic(path) as partial:
        unknown = "0" * checksums.LENGTH
        table.assign(**{COLUMN: unknown}).to_csv(partial, index=False)
        checksum = _checksum(partial, unknown.encode(), what)
        table.assign(**{COLUMN: checksum}).to_csv(partial, index=False)
        if table.empty:
            with partial.open("a") as file:
                file.write("\n")


def read(path: Path, what: str, **options: Any) -> pd.DataFrame:
    """The table that `write` wrote, read with these options of `pandas.read_csv`.

    Raises UserError unless its checksum is correct.
    """
    check(path, what)
    return pd.read_csv(path, **options).drop(columns=COLUMN)


def check(path: Path, what: str) -> None:
    """Raise UserError unless the checksum of a table is correct."""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
        end = file.read()
    if EMPTY.search(end):
        return
    found = LAST_FIELD.search(end)
    if not found:
        raise checksums.missing(path)
    if _checksum(path, found[1], what).encode() != found[1]:
        raise checksums.damaged(path, what)


def _checksum(path: Path, own: bytes, what: str) -> str:
    """The checksum of the lines without `own` at their ends, whichever line ends they have."""
    total = checksums.start(what)
    with path.open("rb") as file:
        for line in file:
            total.update(line.rstrip(b"\r\n").removesuffix(own) + b"\n")
    return total.hexdigest()[: checksums.LENGTH]
