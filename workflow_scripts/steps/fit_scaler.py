"""Fit the mean and standard deviation that normalise the compressed features, fold by fold."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from workflow_scripts.atomic_files import atomic
from workflow_scripts.audio.parameters import N_BANDS
from workflow_scripts.dataset import split
from workflow_scripts.dataset.features import Features
from workflow_scripts.dataset.normalisation import Sums, fit
from workflow_scripts.errors import UserError
from workflow_scripts.process import run


def main() -> None:
    """Command line; Snakemake's rule of the same name calls it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=Path, nargs="+", required=True, help="shards")
    parser.add_argument("--labels", type=Path, required=True, help="labels.csv")
    parser.add_argument("--folds", type=Path, required=True, help="folds.csv")
    parser.add_argument("--normalisation", choices=["dataset", "train"], required=True)
    parser.add_argument("--validation", choices=["tracks", "segments"], default="tracks")
    parser.add_argument("--scaler", type=Path, required=True, help="JSON to write")
    options = parser.parse_args()

    tracks = split.read(options.labels, options.folds)
    index = Features(options.features, tracks.digest).index
    sums = index.assign(count=index["n_frames"] * N_BANDS)[["count", "total", "squares"]].to_numpy()
    scalers = []
    for fold in range(tracks.n_folds):
        part = tracks.part(fold, split.learning_part(options.validation))
        learned = sums if options.normalisation == "dataset" else sums[part]
        scaler = fit(Sums(*map(float, learned.sum(axis=0))))
        if not scaler.std > 0:
            raise UserError("all training tracks are silent throughout; check the audio files")
        scalers.append(scaler)
    with atomic(options.scaler) as path:
        path.write_text(
            json.dumps(
                {
                    "normalisation": options.normalisation,
                    "folds": [asdict(scaler) for scaler in scalers],
                },
                indent=2,
            )
        )


if __name__ == "__main__":
    run(main)
