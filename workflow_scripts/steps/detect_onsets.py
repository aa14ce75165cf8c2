"""Detect the onsets of one shard, content by content."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.atomic_files import atomic
from workflow_scripts.audio.decoding import NotAudioError
from workflow_scripts.audio.worker import Worker
from workflow_scripts.dataset.track_tables import paths_of
from workflow_scripts.process import run


def onset_frames(audio: Path) -> np.ndarray:
    """`onsets.onset_frames`; Essentia is imported in the process that calls this."""
    from workflow_scripts.audio import onsets

    return onsets.onset_frames(audio)


def main() -> None:
    """Read the audio files of a shard; write onsets/shard-<i>.csv."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=Path, required=True, help="tracks.csv")
    parser.add_argument("--shard", type=Path, required=True, help="list of the shard's digests")
    parser.add_argument("--onsets", type=Path, required=True, help="CSV to write")
    options = parser.parse_args()

    digests = options.shard.read_text().split()
    paths = paths_of(options.tracks, set(digests))
    rows = []
    with Worker(onset_frames) as worker:
        for digest in digests:
            try:
                frames = worker(Path(paths[digest]))
            except NotAudioError:
                # extract_mel reports the problem.
                frames = np.empty(0, int)
            rows.append((digest, " ".join(map(str, frames))))
    with atomic(options.onsets) as path:
        pd.DataFrame(rows, columns=["digest", "frames"]).to_csv(path, index=False)
    print(f"decoded {len(digests)} tracks into {options.onsets}")


if __name__ == "__main__":
    run(main)
