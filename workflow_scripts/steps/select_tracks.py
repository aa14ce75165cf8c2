"""Select the tracks of an experiment from all tracks of its audio, and check them."""

import argparse
import json
from pathlib import Path

import pandas as pd

from workflow_scripts import checked_tables
from workflow_scripts.dataset import bad_audio, exclusion, fixed_split, label_notes, remedies
from workflow_scripts.dataset import tracks as dataset
from workflow_scripts.dataset.selection import SKIPPED_COLUMNS
from workflow_scripts.dataset.track_tables import SKIPPED, TRACKS, read_table
from workflow_scripts.process import run
from workflow_scripts.regular_files import open_regular


def why_unreadable(path: str) -> str:
    """The reason why the content of a file has no digest."""
    try:
        open_regular(path).close()
    except OSError as failure:
        return f"cannot be read: {failure.strerror}"
    return bad_audio.UNREADABLE


def check(tracks: pd.DataFrame, options: argparse.Namespace) -> None:
    """Raise UserError if the experiment cannot use these tracks; print what may be a mistake."""
    dataset.check_classes(tracks, options.n_folds)
    dataset.check_limited(tracks["label"].nunique(), options.limited_classes)
    dataset.check_column(tracks, "group_by", options.group_by)
    fixed_split.check(tracks, options.split_by)
    bad = tracks["path"][tracks["digest"] == ""].map(why_unreadable)
    if options.on_bad_audio == "fail":
        bad_audio.check(tracks, bad, remedies.for_bad_audio(tracks, bad, options.n_folds))
    for row, reason in bad.items():
        print(f"note: {tracks['path'][row]} {reason}")
    for note in label_notes.notes(tracks):
        print(f"note: {note}")


def main() -> None:
    """Read the list of all tracks; write tracks.csv and excluded.csv of the experiment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all-tracks", type=Path, required=True, help="CSV of list_tracks")
    parser.add_argument("--audio", type=Path, required=True, help="folder of the data set")
    parser.add_argument(
        "--exclude", type=json.loads, default=None, help="`exclude` of config.yaml as JSON"
    )
    parser.add_argument("--on-bad-audio", choices=bad_audio.CHOICES, default="fail")
    parser.add_argument("--n-folds", type=int, required=True, help="number of folds")
    parser.add_argument(
        "--limited-classes",
        type=json.loads,
        default={},
        help="by variant, the most classes and what raises the number, as JSON",
    )
    parser.add_argument("--group-by", default="", help="column that the tracks must have")
    parser.add_argument("--split-by", default="", help="column with the part of each track")
    parser.add_argument("--tracks", type=Path, required=True, help="CSV to write")
    parser.add_argument("--excluded", type=Path, required=True, help="CSV to write")
    options = parser.parse_args()

    found = read_table(options.all_tracks, TRACKS)
    excluded = exclusion.excluded(found, exclusion.entries(options.exclude), options.audio)
    tracks = found[~excluded].reset_index(drop=True)
    check(tracks, options)
    checked_tables.write(options.tracks, tracks, TRACKS)
    left_out = found[excluded].assign(reason=exclusion.EXCLUDED)[SKIPPED_COLUMNS]
    checked_tables.write(options.excluded, left_out, SKIPPED)
    more = f", without {excluded.sum()} that exclude names" if excluded.any() else ""
    print(f"{len(tracks)} tracks of {tracks['label'].nunique()} classes{more}")


if __name__ == "__main__":
    run(main)
