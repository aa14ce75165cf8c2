"""Fit the mean and standard deviation that normalise the compressed features, fold by fold."""

import argparse
from pathlib import Path

from workflow_scripts.dataset import silence, split
from workflow_scripts.dataset.experiment_data import add_front_end
from workflow_scripts.dataset.features import look_up
from workflow_scripts.dataset.level import AS_RECORDED, NORMALISED, TrainingLevel
from workflow_scripts.dataset.normalisation import Sums, fit, write_scalers
from workflow_scripts.errors import UserError
from workflow_scripts.process import run


def main() -> None:
    """Read the sums in the shards' indices; write scaler.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--index", type=Path, nargs="+", required=True, help="features/shard-<i>.csv"
    )
    parser.add_argument("--folds", type=Path, required=True, help="folds.csv")
    add_front_end(parser)
    parser.add_argument(
        "--normalisation",
        choices=["dataset", "train"],
        required=True,
        help="by all tracks, or by the training tracks of each fold",
    )
    parser.add_argument(
        "--validation",
        choices=["tracks", "segments"],
        default="tracks",
        help="validate on the next fold, or on segments of training tracks",
    )
    parser.add_argument(
        "--level",
        choices=[AS_RECORDED, NORMALISED],
        default=AS_RECORDED,
        help="the level of the tracks as recorded, or the same for all",
    )
    parser.add_argument("--scaler", type=Path, required=True, help="JSON to write")
    options = parser.parse_args()

    tracks = split.read(options.folds)
    index = look_up(options.index, tracks.digest, options.front_end)
    n_frames = index["n_frames"] - silence.n_silent(index["silence"].tolist())
    columns = {
        AS_RECORDED: ["count", "total", "squares"],
        NORMALISED: ["count", "normalised_total", "normalised_squares"],
    }
    counts = n_frames * options.front_end.n_bands
    sums = index.assign(count=counts)[columns[options.level]].to_numpy()
    scalers, levels = [], []
    for fold in range(tracks.n_folds):
        part = tracks.part(fold, split.learning_part(options.validation))
        used = sums if options.normalisation == "dataset" else sums[part]
        scaler = fit(Sums(*map(float, used.sum(axis=0))))
        if not scaler.std > 0:
            raise UserError(
                f"all tracks that normalise fold {fold} are silent throughout; check the audio"
            )
        scalers.append(scaler)
        levels.append(TrainingLevel.of(options.level, index["level"].to_numpy()[part]))
    write_scalers(options.scaler, options.normalisation, scalers, levels, tracks.key)


if __name__ == "__main__":
    run(main)
