"""Test the systems without a network on the same folds as the networks."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.dataset import split
from workflow_scripts.dataset.tables import read_table
from workflow_scripts.results import baselines
from workflow_scripts.step import atomic, run


def accuracies(tracks: split.Tracks, bpm: np.ndarray | None) -> pd.DataFrame:
    """Columns system, fold, accuracy (per cent).

    A baseline has no use for a validation set: it learns from all tracks that are not tested.
    The tempo baseline is there when every track's tempo, `bpm`, is known.
    """
    rows = []
    for fold in range(tracks.n_folds):
        test = tracks.part(fold, "test")
        rest = tracks.part(fold, "rest")
        decided = {
            baselines.MOST_PROBABLE_CLASS: baselines.most_probable_class(
                tracks.label[rest], len(test)
            )
        }
        if bpm is not None:
            decided[baselines.TEMPO_1NN] = baselines.tempo_1nn(
                bpm[rest], tracks.label[rest], bpm[test]
            )
        for system, predicted in decided.items():
            accuracy = 100 * float(np.mean(predicted == tracks.label[test]))
            rows.append({"system": system, "fold": fold, "accuracy": accuracy})
    return pd.DataFrame(rows).sort_values(["system", "fold"], ignore_index=True)


def main() -> None:
    """Command line; Snakemake's rule of the same name calls it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=Path, required=True, help="tracks.csv")
    parser.add_argument("--labels", type=Path, required=True, help="labels.csv")
    parser.add_argument("--folds", type=Path, required=True, help="folds.csv")
    parser.add_argument("--baselines", type=Path, required=True, help="CSV to write")
    options = parser.parse_args()

    tracks = split.read(options.labels, options.folds)
    listed = read_table(options.tracks).set_index("track_id").loc[tracks.track_id]
    known = "bpm" in listed and listed["bpm"].notna().all()
    bpm = listed["bpm"].to_numpy() if known else None
    table = accuracies(tracks, bpm)
    with atomic(options.baselines) as path:
        table.to_csv(path, index=False)
    print(table.groupby("system")["accuracy"].mean())


if __name__ == "__main__":
    run(main)
