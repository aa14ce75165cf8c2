"""A table of what was found in each content of a shard."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from workflow_scripts.atomic_files import atomic
from workflow_scripts.audio.decoding import NotAudioError
from workflow_scripts.audio.worker import Worker
from workflow_scripts.dataset.track_tables import paths_of


def write(
    csv: Path, column: str, tracks: Path, shard: Path, analyse: Callable[[Path], Any]
) -> None:
    """Write the digest of each content of a shard and, in `column`, what `analyse` finds in it.

    `tracks` is tracks.csv, `shard` the list of the shard's digests. The cell of a file that cannot
    be decoded, or is gone, is empty; extract_mel reports the problem.
    """
    digests = shard.read_text().split()
    paths = paths_of(tracks, set(digests))
    rows = []
    with Worker(analyse) as worker:
        for digest in digests:
            try:
                rows.append((digest, worker(Path(paths[digest]))))
            except (NotAudioError, FileNotFoundError):
                rows.append((digest, None))
    with atomic(csv) as path:
        pd.DataFrame(rows, columns=["digest", column]).to_csv(path, index=False)
    print(f"analysed {len(digests)} files; see {csv}")
