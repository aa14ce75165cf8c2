"""Detect the onsets of one shard, once per content."""

import argparse
from functools import partial
from pathlib import Path

from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.dataset import shard_table
from workflow_scripts.dataset.experiment_data import add_front_end
from workflow_scripts.process import run


def onset_frames(audio: Path, front_end: FrontEnd) -> str:
    """The frames of `onsets.onset_frames`, with spaces between them."""
    # Essentia is imported in the process that calls this.
    from workflow_scripts.audio import onsets

    return " ".join(map(str, onsets.onset_frames(audio, front_end)))


def main() -> None:
    """Read the audio files of a shard; write onsets/shard-<i>.csv."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=Path, required=True, help="tracks.csv")
    parser.add_argument("--shard", type=Path, required=True, help="list of the shard's digests")
    parser.add_argument("--onsets", type=Path, required=True, help="CSV to write")
    add_front_end(parser)
    options = parser.parse_args()
    frames = partial(onset_frames, front_end=options.front_end)
    shard_table.write(options.onsets, "frames", options.tracks, options.shard, frames)


if __name__ == "__main__":
    run(main)
