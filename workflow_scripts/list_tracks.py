"""List the tracks of a data set: classes, files, contents, tempi; and each shard's contents."""

import argparse
from pathlib import Path

import pandas as pd

from workflow_scripts.dataset import tracks as dataset
from workflow_scripts.step import UserError, atomic, run


def list_tracks(audio: Path, tempi: Path | None, ballroom: bool) -> pd.DataFrame:
    """The tracks of a folder: its tracks.csv if it has one, else a sub-folder a class."""
    if not audio.is_dir():
        raise UserError(f"the audio folder {audio} does not exist; check audio_dir")
    if (audio / "tracks.csv").is_file():
        return dataset.track_list(audio / "tracks.csv")
    classes = dataset.BALLROOM_CLASSES if ballroom else None
    return dataset.class_folders(audio, tempi, classes)


def main() -> None:
    """Command line; Snakemake's rule of the same name calls it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audio", type=Path, required=True, help="folder of the data set")
    parser.add_argument("--tempi", type=Path, help="folder of <stem>.bpm files")
    parser.add_argument("--ballroom", action="store_true", help="three Rumba folders, one class")
    parser.add_argument("--folds", type=int, required=True)
    parser.add_argument("--group-by", default="", help="column whose equal values share a fold")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--tracks", type=Path, required=True, help="CSV to write")
    parser.add_argument("--labels", type=Path, required=True, help="CSV to write")
    parser.add_argument("--shards", type=Path, nargs="+", required=True, help="lists to write")
    options = parser.parse_args()

    tracks = list_tracks(options.audio, options.tempi, options.ballroom)
    dataset.check_names(tracks)
    group_by = options.group_by or None
    dataset.check_classes(tracks, options.folds, group_by)
    tracks.insert(3, "digest", dataset.digests(tracks["path"], options.threads))
    tracks = tracks.sort_values("track_id", ignore_index=True)
    with atomic(options.tracks) as path:
        tracks.to_csv(path, index=False)
    labels = tracks[["track_id", "label", "digest"]].copy()
    if group_by is not None:
        labels["group"] = tracks[group_by]
    with atomic(options.labels) as path:
        labels.to_csv(path, index=False)
    contents = sorted(set(tracks["digest"]))
    for i, shard in enumerate(options.shards):
        held = [d for d in contents if dataset.shard_of(d, len(options.shards)) == i]
        with atomic(shard) as path:
            path.write_text("".join(f"{digest}\n" for digest in held))
    print(f"{len(tracks)} tracks of {tracks['label'].nunique()} classes in {options.audio}")


if __name__ == "__main__":
    run(main)
