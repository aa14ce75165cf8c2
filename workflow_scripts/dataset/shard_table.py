"""A table of what was found in each content of a shard."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from workflow_scripts import checked_tables
from workflow_scripts.audio.decoding import NotAudioError
from workflow_scripts.audio.worker import Worker
from workflow_scripts.dataset import shards
from workflow_scripts.dataset.track_tables import contents_of


def write(
    csv: Path, column: str, tracks: Path, shard: Path, analyse: Callable[[Path], Any]
) -> None:
    """Write the digest of each content of a shard and, in `column`, what `analyse` finds in it.

    `tracks` is tracks.csv, `shard` the list of the shard's digests. The cell of a file that cannot
    be decoded, or is gone, is empty; extract_mel reports the problem.
    """
    paths = contents_of(shard, tracks)
    rows = []
    with Worker(analyse) as worker:
        for digest, path in paths.items():
            try:
                rows.append((digest, worker(Path(path))))
            except (NotAudioError, FileNotFoundError):
                rows.append((digest, None))
    checked_tables.write(csv, pd.DataFrame(rows, columns=["digest", column]), shards.what(column))
    print(f"analysed {len(paths)} files; see {csv}")
