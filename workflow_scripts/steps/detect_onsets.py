"""Detect the onsets of one shard, once per content."""

import argparse
from pathlib import Path

from workflow_scripts.dataset import shard_table
from workflow_scripts.process import run


def onset_frames(audio: Path) -> str:
    """The frames of `onsets.onset_frames`, with spaces between them."""
    # Essentia is imported in the process that calls this.
    from workflow_scripts.audio import onsets

    return " ".join(map(str, onsets.onset_frames(audio)))


def main() -> None:
    """Read the audio files of a shard; write onsets/shard-<i>.csv."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=Path, required=True, help="tracks.csv")
    parser.add_argument("--shard", type=Path, required=True, help="list of the shard's digests")
    parser.add_argument("--onsets", type=Path, required=True, help="CSV to write")
    options = parser.parse_args()
    shard_table.write(options.onsets, "frames", options.tracks, options.shard, onset_frames)


if __name__ == "__main__":
    run(main)
