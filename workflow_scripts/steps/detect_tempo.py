"""Estimate the tempi of one shard, once per content."""

import argparse
from pathlib import Path

from workflow_scripts.dataset import shard_table
from workflow_scripts.process import run


def bpm(audio: Path) -> float | None:
    """`tempo.bpm`; Essentia is imported in the process that calls this."""
    from workflow_scripts.audio import tempo

    return tempo.bpm(audio)


def main() -> None:
    """Read the audio files of a shard; write tempi/shard-<i>.csv."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=Path, required=True, help="tracks.csv")
    parser.add_argument("--shard", type=Path, required=True, help="list of the shard's digests")
    parser.add_argument("--tempi", type=Path, required=True, help="CSV to write")
    options = parser.parse_args()
    shard_table.write(options.tempi, "bpm", options.tracks, options.shard, bpm)


if __name__ == "__main__":
    run(main)
