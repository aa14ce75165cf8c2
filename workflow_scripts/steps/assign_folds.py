"""Select the tracks to use and assign each to a fold."""

import argparse
import sys
from pathlib import Path

import pandas as pd

from workflow_scripts.atomic_files import atomic
from workflow_scripts.dataset import folds, replicas, split
from workflow_scripts.dataset.features import read_index
from workflow_scripts.dataset.selection import Criteria, Selection, select
from workflow_scripts.dataset.track_tables import read_table
from workflow_scripts.errors import UserError
from workflow_scripts.process import run


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=Path, required=True, help="tracks.csv")
    parser.add_argument(
        "--index", type=Path, nargs="+", required=True, help="features/shard-<i>.csv"
    )
    parser.add_argument("--pairs", type=Path, required=True, help="replicas.csv")
    parser.add_argument("--ballroom", action="store_true", help="Ballroom as published")
    parser.add_argument(
        "--longest-input", type=int, required=True, help="frames of the longest segment"
    )
    parser.add_argument(
        "--on-bad-audio", choices=["fail", "skip"], required=True, help="what a bad file does"
    )
    parser.add_argument(
        "--replicas",
        choices=["keep", "group", "drop"],
        required=True,
        help="use all, all in one fold, or one of each recording",
    )
    parser.add_argument("--group-by", default="", help="tracks with equal values share a fold")
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
    tracks = read_table(options.tracks)
    selection = select(
        tracks,
        pd.concat(map(read_index, options.index)),
        replicas.read(options.pairs),
        Criteria(
            on_bad_audio=options.on_bad_audio,
            replicas=options.replicas,
            n_folds=options.n_folds,
            group_by=options.group_by,
            longest_input=options.longest_input,
            ballroom=options.ballroom,
        ),
    )
    assign(selection, options)
    used, n_skipped = selection.used, len(selection.skipped)
    skipped = f"; {n_skipped} skipped, see {options.skipped}" if n_skipped else ""
    print(f"{len(used)} of {len(tracks)} tracks of {used['label'].nunique()} classes{skipped}")


def assign(selection: Selection, options: argparse.Namespace) -> None:
    """Assign the folds, check them, and write both tables."""
    labels, groups = selection.used["label"].to_numpy(), selection.groups
    assigned = folds.assign(
        labels,
        None if groups is None else groups.to_numpy(),
        options.n_folds,
        options.seed,
        not options.unstratified,
    )
    if empty := set(range(options.n_folds)) - set(assigned):
        raise UserError(
            f"the groups are so uneven that fold {min(empty)} of {options.n_folds} is empty; "
            "lower folds or remove group_by"
        )
    tracks = split.Tracks.of(selection.used, assigned)
    for fold, classes in tracks.lacking(split.learning_part(options.validation)).items():
        raise UserError(
            f"the model of fold {fold} would train on no track of {', '.join(classes)}: all of "
            "them are in the test and validation folds; change folds or seed, or remove group_by"
        )
    with atomic(options.skipped) as path:
        selection.skipped.to_csv(path, index=False)
    split.write(options.folds, selection.used, assigned)
    print(pd.crosstab(tracks.label, assigned, margins=True), file=sys.stderr)


if __name__ == "__main__":
    run(main)
