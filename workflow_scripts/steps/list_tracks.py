"""List the tracks of a data set, and the content digests of each shard."""

import argparse
import hashlib
import os
from pathlib import Path

import pandas as pd

from workflow_scripts import checked_tables
from workflow_scripts.atomic_files import atomic
from workflow_scripts.audio.files import is_audio
from workflow_scripts.dataset import ballroom
from workflow_scripts.dataset import tracks as dataset
from workflow_scripts.dataset.class_folders import class_folders
from workflow_scripts.dataset.digests import digests
from workflow_scripts.dataset.scan import LISTING
from workflow_scripts.dataset.shards import shard_of
from workflow_scripts.dataset.track_list import track_list
from workflow_scripts.dataset.track_tables import TRACKS
from workflow_scripts.errors import FEW, UserError, listed
from workflow_scripts.process import run


def list_tracks(audio: Path, tempi: Path | None, is_ballroom: bool) -> pd.DataFrame:
    """The tracks in the folder's tracks.csv or, without one, in one sub-folder per class."""
    if not audio.is_dir():
        raise UserError(f"the audio folder {audio} does not exist; check audio_dir")
    # A broken link or the like is an error; the folders would be other tracks.
    if os.path.lexists(audio / LISTING):
        return track_list(audio / LISTING)
    classes = ballroom.CLASSES if is_ballroom else None
    tracks, ignored = class_folders(str(audio), is_audio, tempi, classes)
    if ignored:
        print(
            f"ignored {len(ignored)} files that are not audio or not in a class: "
            f"{listed(ignored, FEW)}"
        )
    return tracks


def name_of(folder: Path) -> str:
    """A name for the cached digests of a folder, shared by all experiments on it."""
    return hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]


def main() -> None:
    """Read the audio files; write tracks.csv and the list of digests of each shard."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audio", type=Path, required=True, help="folder of the data set")
    parser.add_argument("--tempi", type=Path, help="folder of <stem>.bpm files")
    parser.add_argument("--ballroom", action="store_true", help="merge the three Rumba folders")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--digests", type=Path, required=True, help="folder of cached digests")
    parser.add_argument("--tracks", type=Path, required=True, help="CSV to write")
    parser.add_argument("--shards", type=Path, nargs="+", required=True, help="lists to write")
    options = parser.parse_args()

    tracks = list_tracks(options.audio, options.tempi, options.ballroom)
    dataset.check_names(tracks)
    paths = tracks["path"].tolist()
    cache = options.digests / f"{name_of(options.audio)}.csv"
    tracks.insert(3, "digest", digests(paths, options.threads, cache))
    tracks = tracks.sort_values("track_id", ignore_index=True)
    checked_tables.write(options.tracks, tracks, TRACKS)
    shards: list[list[str]] = [[] for _ in options.shards]
    for digest in sorted(set(tracks["digest"]) - {""}):
        shards[shard_of(digest, len(shards))].append(digest)
    for shard_list, shard in zip(options.shards, shards, strict=True):
        with atomic(shard_list) as path:
            path.write_text("".join(f"{digest}\n" for digest in shard))
    print(f"{len(tracks)} tracks of {tracks['label'].nunique()} classes in {options.audio}")
    if options.ballroom:
        print(*ballroom.compared(tracks, options.tempi), sep="\n")


if __name__ == "__main__":
    run(main)
