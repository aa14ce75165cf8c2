"""Rows that are written once and read bucket by bucket, on disk: they may not fit in memory."""

import os
from contextlib import ExitStack
from pathlib import Path
from tempfile import mkstemp
from types import TracebackType
from typing import BinaryIO

import numpy as np

# Bytes of a bucket that wait in memory to be written.
WAITING = 1 << 18


class Spool:
    """Buckets of rows in files in `folder` without a name: they vanish with the process."""

    def __init__(self, folder: Path, row: np.dtype, n_buckets: int) -> None:
        self._row = row
        self._stack = ExitStack()
        files = (_nameless(folder) for _ in range(n_buckets))
        self._files = [self._stack.enter_context(file) for file in files]

    def __enter__(self) -> "Spool":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def n_buckets(self) -> int:
        """The number of buckets."""
        return len(self._files)

    def add(self, rows: np.ndarray, buckets: np.ndarray) -> None:
        """Add rows, each to its bucket, int (rows,). Rows of a bucket keep their order."""
        if not len(rows):
            return
        order = np.argsort(buckets, kind="stable")
        numbers, starts = np.unique(buckets[order], return_index=True)
        ends = [*starts[1:], len(rows)]
        for number, start, end in zip(numbers, starts, ends, strict=True):
            self._files[number].write(rows[order[start:end]].tobytes())

    def read(self, bucket: int) -> np.ndarray:
        """All rows of a bucket, in the order in which they were added."""
        file = self._files[bucket]
        file.seek(0)
        return np.frombuffer(file.read(), self._row)


def _nameless(folder: Path) -> BinaryIO:
    """An empty file that vanishes when it is closed, or with the process."""
    # The name is that of a temporary file of `atomic`, should the process be killed here.
    descriptor, name = mkstemp(prefix=".spool.partial-", dir=folder)
    Path(name).unlink()
    return os.fdopen(descriptor, "w+b", WAITING)
