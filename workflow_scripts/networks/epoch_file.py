"""The epochs of a training while it runs, as a table beside its checkpoint."""

import csv
import io
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from pathlib import Path

from workflow_scripts.atomic_files import atomic
from workflow_scripts.networks.training import Epoch

# In the folder of the model. Its history.csv is written at the end, without the seconds.
NAME = "epochs-so-far.csv"
COLUMNS = [field.name for field in fields(Epoch)]
# Epochs of tiny networks take milliseconds; nobody looks more often than this.
SECONDS = 1.0


class EpochFile:
    """Appends finished epochs to the file at `path`, at most every `seconds`, after a `start`."""

    def __init__(self, path: Path, seconds: float = SECONDS) -> None:
        self._path, self._seconds = path, seconds
        self._n_written: int | None = None
        self._written = 0.0

    def start(self, history: Sequence[Epoch]) -> None:
        """Replace the file by one with the epochs from which the training continues."""
        with atomic(self._path) as path:
            path.write_text(_text([COLUMNS]) + _text(map(astuple, history)))
        self._n_written, self._written = len(history), time.monotonic()

    def add(self, history: Sequence[Epoch], at_once: bool = False) -> None:
        """Append the epochs that the file lacks, unless the last write was a moment ago."""
        now = time.monotonic()
        is_due = at_once or now - self._written >= self._seconds
        if self._n_written is None or not is_due:
            return
        with self._path.open("a") as file:
            file.write(_text(map(astuple, history[self._n_written :])))
        self._n_written, self._written = len(history), now


def read(path: Path) -> list[Epoch]:
    """The epochs in the file at `path`; none if there is none.

    An incomplete or damaged line is ignored.
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError):
        return []
    header, *rows = [*csv.reader(text[: text.rfind("\n") + 1].splitlines())] or [[]]
    if header != COLUMNS:
        return []
    return [epoch for row in rows if (epoch := _epoch(row))]


def _epoch(row: Sequence[str]) -> Epoch | None:
    """The epoch in a row; None if the row is damaged."""
    try:
        epoch = Epoch(int(row[0]), *map(float, row[1:]))
    except (ValueError, TypeError):
        return None
    # The loss of a training that explodes may be infinite or not a number, its time is neither.
    return epoch if math.isfinite(epoch.seconds) else None


def _text(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
