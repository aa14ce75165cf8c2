"""List the tracks of a data set: classes, files, contents, tempi; and each shard's contents."""

import argparse
import hashlib
import os
from pathlib import Path

import pandas as pd

from workflow_scripts.atomic_files import atomic
from workflow_scripts.audio.files import is_audio
from workflow_scripts.dataset import bad_audio, ballroom
from workflow_scripts.dataset import tracks as dataset
from workflow_scripts.dataset.digests import digests
from workflow_scripts.dataset.scan import LISTING
from workflow_scripts.errors import UserError
from workflow_scripts.process import run


def list_tracks(audio: Path, tempi: Path | None, ballrooms: bool) -> pd.DataFrame:
    """The tracks of a folder: its tracks.csv if it has one, else a sub-folder a class."""
    if not audio.is_dir():
        raise UserError(f"the audio folder {audio} does not exist; check audio_dir")
    if (audio / LISTING).is_file():
        return dataset.track_list(audio / LISTING)
    classes = ballroom.CLASSES if ballrooms else None
    tracks, left_alone = dataset.class_folders(str(audio), is_audio, tempi, classes)
    if left_alone:
        print(f"{len(left_alone)} files that are no audio or in no class: {few(left_alone)}")
    return tracks


def name_of(folder: Path) -> str:
    """A name for a folder, wherever it lies; all experiments on it share what is remembered."""
    return hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]


def few(names: list[str]) -> str:
    """The first of many names."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def main() -> None:
    """Command line; Snakemake's rule of the same name calls it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audio", type=Path, required=True, help="folder of the data set")
    parser.add_argument("--tempi", type=Path, help="folder of <stem>.bpm files")
    parser.add_argument("--ballroom", action="store_true", help="three Rumba folders, one class")
    parser.add_argument("--on-bad-audio", choices=["fail", "skip"], default="fail")
    parser.add_argument("--folds", type=int, required=True)
    parser.add_argument("--group-by", default="", help="column that the tracks are to have")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--digests", type=Path, required=True, help="folder that remembers digests")
    parser.add_argument("--tracks", type=Path, required=True, help="CSV to write")
    parser.add_argument("--shards", type=Path, nargs="+", required=True, help="lists to write")
    options = parser.parse_args()

    tracks = list_tracks(options.audio, options.tempi, options.ballroom)
    dataset.check_names(tracks)
    dataset.check_classes(tracks, options.folds)
    dataset.check_group(tracks, options.group_by)
    paths = tracks["path"].tolist()
    memory = options.digests / f"{name_of(options.audio)}.csv"
    tracks.insert(3, "digest", digests(paths, options.threads, memory))
    if options.on_bad_audio == "fail":
        bad_audio.check(tracks, tracks["digest"].map({"": bad_audio.UNREADABLE}).dropna())
    tracks = tracks.sort_values("track_id", ignore_index=True)
    with atomic(options.tracks) as path:
        tracks.to_csv(path, index=False)
    held: list[list[str]] = [[] for _ in options.shards]
    for digest in sorted(set(tracks["digest"]) - {""}):
        held[dataset.shard_of(digest, len(held))].append(digest)
    for shard, contents in zip(options.shards, held, strict=True):
        with atomic(shard) as path:
            path.write_text("".join(f"{digest}\n" for digest in contents))
    print(f"{len(tracks)} tracks of {tracks['label'].nunique()} classes in {options.audio}")
    if options.ballroom:
        print(*ballroom.compared(tracks, options.tempi), sep="\n")


if __name__ == "__main__":
    run(main)
