"""Rows that are written once and read bucket by bucket, on disk: they may not fit in memory."""

import tempfile
from pathlib import Path
from types import TracebackType

import numpy as np

# Bytes that a bucket holds in memory before they are written.
HELD = 1 << 18


class Spool:
    """Buckets of rows in temporary files in `folder`, which are removed at the end."""

    def __init__(self, folder: Path, row: np.dtype, n_buckets: int) -> None:
        self._row = row
        self._folder = tempfile.TemporaryDirectory(prefix=".spool-", dir=folder)
        paths = (Path(self._folder.name, str(bucket)) for bucket in range(n_buckets))
        self._files = [path.open("w+b", buffering=HELD) for path in paths]

    def __enter__(self) -> "Spool":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for file in self._files:
            file.close()
        self._folder.cleanup()

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
