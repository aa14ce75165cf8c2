"""Select the tracks to use and assign each to a fold."""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts import checked_tables
from workflow_scripts.dataset import bad_audio, fixed_split, folds, groups, replicas, split
from workflow_scripts.dataset.experiment_data import add_front_end
from workflow_scripts.dataset.features import look_up
from workflow_scripts.dataset.sampling import regular
from workflow_scripts.dataset.selection import Criteria, Selection, select
from workflow_scripts.dataset.track_tables import SKIPPED, TRACKS, read_table
from workflow_scripts.dataset.tracks import check_column
from workflow_scripts.errors import UserError
from workflow_scripts.process import run


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=Path, required=True, help="tracks.csv")
    parser.add_argument(
        "--index", type=Path, nargs="+", required=True, help="features/shard-<i>.csv"
    )
    add_front_end(parser)
    parser.add_argument("--pairs", type=Path, required=True, help="replicas.csv")
    parser.add_argument("--excluded", type=Path, help="excluded.csv; by default none is excluded")
    parser.add_argument("--ballroom", action="store_true", help="Ballroom as published")
    parser.add_argument(
        "--inputs",
        type=json.loads,
        required=True,
        help="frames of a segment by variant, as JSON",
    )
    parser.add_argument(
        "--batches",
        type=json.loads,
        default={},
        help="by variant, frames and hop of training segments, and segments of a batch, as JSON",
    )
    parser.add_argument(
        "--on-bad-audio", choices=bad_audio.CHOICES, required=True, help="what a bad file does"
    )
    parser.add_argument(
        "--replicas",
        choices=["keep", "group", "drop"],
        required=True,
        help="use all, all in one fold, or one of each recording",
    )
    parser.add_argument("--group-by", default="", help="tracks with equal values share a fold")
    parser.add_argument("--split-by", default="", help="column with the part of each track")
    parser.add_argument("--n-folds", type=int, required=True, help="number of folds")
    parser.add_argument("--seed", type=int, required=True, help="seed of the random numbers")
    parser.add_argument("--unstratified", action="store_true", help="ignore the classes")
    parser.add_argument(
        "--validation",
        choices=["tracks", "segments"],
        default="tracks",
        help="validate on the next fold, or on segments of training tracks",
    )
    parser.add_argument("--folds", type=Path, required=True, help="CSV to write")
    parser.add_argument("--skipped", type=Path, required=True, help="CSV to write")
    return parser.parse_args()


def main() -> None:
    """Read tracks.csv, replicas.csv and the shards' indices; write folds.csv and skipped.csv."""
    options = parse()
    tracks = read_table(options.tracks, TRACKS)
    check_column(tracks, "group_by", options.group_by)
    fixed_split.check(tracks, options.split_by)
    selection = select(
        tracks,
        look_up(options.index, sorted(set(tracks["digest"]) - {""}), options.front_end),
        replicas.read(options.pairs),
        Criteria(
            on_bad_audio=options.on_bad_audio,
            # A fixed split cannot move a track.
            replicas="keep" if keeps_replicas(options) else options.replicas,
            n_folds=options.n_folds,
            group_by=options.group_by,
            ballroom=options.ballroom,
            inputs=options.inputs,
            front_end=options.front_end,
        ),
    )
    if options.excluded:
        left_out = [selection.skipped, read_table(options.excluded, SKIPPED)]
        skipped_tracks = pd.concat(left_out).sort_values("track_id")
        selection = replace(selection, skipped=skipped_tracks)
    if options.group_by:
        for note in groups.notes(selection.used[options.group_by], options.group_by):
            print(f"note: {note}")
    assign(selection, options)
    used, n_skipped = selection.used, len(selection.skipped)
    skipped = f"; {n_skipped} skipped, see {options.skipped}" if n_skipped else ""
    print(f"{len(used)} of {len(tracks)} tracks of {used['label'].nunique()} classes{skipped}")


def keeps_replicas(options: argparse.Namespace) -> bool:
    """Whether `replicas: group` has no effect, because the split is fixed."""
    return bool(options.split_by) and options.replicas == "group"


def assign(selection: Selection, options: argparse.Namespace) -> None:
    """Assign the folds, check them, and write both tables."""
    is_fixed = bool(options.split_by)
    if is_fixed:
        column = selection.used[options.split_by]
        # Again: tracks may have been skipped.
        fixed_split.check_classes(selection.used["label"], groups.values(column))
        assigned = fixed_split.folds(column)
    else:
        assigned = random_folds(selection, options)
    tracks = split.Tracks.of(selection.used, assigned, is_fixed)
    for fold, classes in tracks.lacking(split.learning_part(options.validation)).items():
        without_group = ", or remove group_by" if options.group_by else ""
        raise UserError(
            f"the model of fold {fold} would train on no track of {', '.join(classes)}: all of "
            f"them are in the test and validation folds; change folds or seed{without_group}"
        )
    n_frames = selection.used["n_frames"].to_numpy()
    for variant, (segment, hop, batch_size) in options.batches.items():
        counts = n_training_segments(tracks, n_frames, segment, hop, options.validation)
        if min(counts) < batch_size:
            fold = counts.index(min(counts))
            raise UserError(
                f"fold {fold} of {variant} would have {counts[fold]} training segments, fewer "
                f"than one batch of {batch_size}; lower training.batch_size or add tracks"
            )
    checked_tables.write(options.skipped, selection.skipped, SKIPPED)
    split.write(options.folds, selection.used, assigned, options.front_end.key, is_fixed)
    print(
        pd.crosstab(tracks.label, assigned, margins=True, rownames=["class"], colnames=["fold"]),
        file=sys.stderr,
    )


def random_folds(selection: Selection, options: argparse.Namespace) -> np.ndarray:
    """The fold of each track, int (tracks,). Raises UserError if a fold is empty."""
    grouped = selection.groups
    assigned = folds.assign(
        selection.used["label"].to_numpy(),
        None if grouped is None else grouped.to_numpy(),
        options.n_folds,
        options.seed,
        not options.unstratified,
    )
    if empty := set(range(options.n_folds)) - set(assigned):
        raise UserError(
            f"the groups are so uneven that fold {min(empty)} of {options.n_folds} is empty; "
            f"{groups.ways_out(options.group_by, options.n_folds - 1)}"
        )
    return assigned


def n_training_segments(
    tracks: split.Tracks, n_frames: np.ndarray, segment: int, hop: int, validation: str
) -> list[int]:
    """The number of training segments of each fold, if none is silent.

    Tracks have `n_frames`, int (tracks,). Segments of `segment` frames start every `hop` frames.
    """
    counts = np.bincount(regular(n_frames, segment, hop)[0], minlength=len(n_frames))
    part = split.learning_part(validation)
    n_segments = [int(counts[tracks.part(k, part)].sum()) for k in range(tracks.n_folds)]
    if validation == "tracks":
        return n_segments
    # As `split.validation_segments`.
    return [n - n // (tracks.n_folds - 1) for n in n_segments]


if __name__ == "__main__":
    run(main)
