"""Assign each track to a fold: stratified by class unless told otherwise, groups whole, seeded."""

import argparse
from pathlib import Path

import pandas as pd

from workflow_scripts.atomic_files import atomic
from workflow_scripts.dataset import folds, split
from workflow_scripts.dataset.track_tables import read_table
from workflow_scripts.errors import UserError
from workflow_scripts.process import run


def main() -> None:
    """Command line; Snakemake's rule of the same name calls it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=Path, required=True, help="labels.csv")
    parser.add_argument("--n-folds", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--unstratified", action="store_true", help="whatever the classes")
    parser.add_argument("--validation", choices=["tracks", "segments"], default="tracks")
    parser.add_argument("--folds", type=Path, required=True, help="CSV to write")
    options = parser.parse_args()

    tracks = read_table(options.labels)
    groups = tracks["group"].to_numpy() if "group" in tracks else None
    assigned = folds.assign(
        tracks["label"].to_numpy(), groups, options.n_folds, options.seed, not options.unstratified
    )
    if empty := set(range(options.n_folds)) - set(assigned):
        raise UserError(
            f"the groups are so uneven that fold {min(empty)} of {options.n_folds} stays empty; "
            "lower folds or leave group_by out"
        )
    table = split.Tracks.of(tracks, assigned)
    for fold, classes in table.lacking(split.learning_part(options.validation)).items():
        raise UserError(
            f"the model of fold {fold} would train on no track of {', '.join(classes)}: all of "
            "them are in the test and validation folds; change folds or seed, or leave group_by out"
        )
    with atomic(options.folds) as path:
        pd.DataFrame({"track_id": tracks["track_id"], "fold": assigned}).to_csv(path, index=False)
    print(pd.crosstab(tracks["label"], pd.Series(assigned, name="fold"), margins=True))


if __name__ == "__main__":
    run(main)
