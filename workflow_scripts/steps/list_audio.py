"""List the audio files to label, in shards by file name."""

import argparse
import hashlib
import json
import os
from pathlib import Path

from workflow_scripts.atomic_files import atomic
from workflow_scripts.dataset.scan import File
from workflow_scripts.errors import UserError
from workflow_scripts.labelling.find_audio import find
from workflow_scripts.process import run


def shard_of(name: str, n_shards: int) -> int:
    """The shard of a track with this name, from 0 to n_shards - 1."""
    return int(hashlib.sha256(os.fsencode(name)).hexdigest()[:16], 16) % n_shards


def main() -> None:
    """Read the names, sizes and times of the files in a folder; write a list per shard."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audio", type=Path, required=True, help="folder of audio")
    parser.add_argument("--shards", type=Path, nargs="+", required=True, help="lists to write")
    options = parser.parse_args()

    found = find([options.audio])
    if not found.tracks:
        raise UserError(f"there is no audio in {options.audio}; check audio_dir")
    # With size and time, so that a changed track is labelled again.
    shards: list[list[File]] = [[] for _ in options.shards]
    for path in found.tracks:
        name = str(path.relative_to(options.audio))
        shards[shard_of(name, len(shards))].append(File.at(str(path)))
    for path, tracks in zip(options.shards, shards, strict=True):
        with atomic(path) as partial:
            partial.write_text(json.dumps(tracks, indent=0))
    print(f"{len(found.tracks)} tracks in {options.audio}; {found.n_ignored} other files")


if __name__ == "__main__":
    run(main)
