"""Write each fold's model of one variant as ONNX, and the variant's model card."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.dataset import experiment_data
from workflow_scripts.dataset.experiment_data import ExperimentData
from workflow_scripts.dataset.parts import Part
from workflow_scripts.errors import UserError
from workflow_scripts.models import model_card, onnx_file
from workflow_scripts.models.metadata import Metadata, NotOurModelError
from workflow_scripts.models.onnx_file import TrainedNetwork
from workflow_scripts.models.runtime import Session
from workflow_scripts.networks import weights
from workflow_scripts.networks.identity import ModelKey
from workflow_scripts.process import run
from workflow_scripts.results import checked_predictions, predictions, provenance

# Largest difference of a track's mean probability between the engine and ONNX Runtime.
TOLERANCE = 1e-5


def difference(session: Session, test: Part, predicted: pd.DataFrame, classes: list[str]) -> float:
    """The largest difference between mean class probabilities of `session` and of `predicted`.

    The session computes those of each test track from raw mel energies.
    """
    content = test.segments.content
    means = np.zeros((len(predicted), len(classes)))
    for track in range(len(predicted)):
        rows = np.flatnonzero(content == track)
        means[track] = session.probabilities(test.segments.energies(rows)).mean(axis=0)
    expected = predicted[[f"probability_{name}" for name in classes]].to_numpy()
    return float(np.abs(means - expected).max(initial=0))


def check(onnx: bytes, path: Path, npz: Path) -> None:
    """Raise UserError unless the labeller would read the content of the ONNX file."""
    try:
        onnx_file.read(onnx)
    except NotOurModelError as reason:
        raise UserError(
            f"{path} cannot be written, since the model {reason}; remove {npz} and run snakemake, "
            "which trains it again"
        ) from None


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    experiment_data.add_options(parser)
    parser.add_argument("--variant", required=True, help="name of the variant")
    parser.add_argument("--architecture", required=True, help="architecture of the variant")
    parser.add_argument("--weights", type=Path, nargs="+", required=True, help="of each fold")
    parser.add_argument("--fits", type=Path, nargs="+", required=True, help="of each fold")
    parser.add_argument("--predictions", type=Path, nargs="+", required=True, help="of each fold")
    parser.add_argument("--dataset", required=True, help="ballroom, demo or folder")
    parser.add_argument("--name", required=True, help="name of the experiment")
    parser.add_argument("--onnx", type=Path, nargs="+", required=True, help="files to write")
    parser.add_argument("--card", type=Path, required=True, help="Markdown to write")
    return parser.parse_args()


def main() -> None:
    """Read models, features and predictions; write onnx/<variant>/fold-<k>.onnx and the card."""
    options = parse()
    data = ExperimentData.read(options)
    tracks = data.tracks
    keys = [ModelKey.of(options.variant, fold, tracks) for fold in range(tracks.n_folds)]
    fits = [provenance.read(fit, key) for fit, key in zip(options.fits, keys, strict=True)]
    predicted = [
        checked_predictions.read(csv, tracks, checked_predictions.Origin.of(fit))
        for fit, csv in zip(fits, options.predictions, strict=True)
    ]
    described, differences = [], []
    for fold, (fit, npz, path) in enumerate(zip(fits, options.weights, options.onnx, strict=True)):
        metadata = Metadata(
            dataset=options.name if options.dataset == "folder" else options.dataset,
            variant=fit["variant"],
            architecture=options.architecture,
            fold=fold,
            n_folds=tracks.n_folds,
            seed=fit["seed"],
            classes=tuple(tracks.classes),
            accuracy=round(predictions.track_accuracy(predicted[fold]), 2),
            n_test_tracks=len(predicted[fold]),
            network=fit["network"],
            weights=provenance.check_weights(npz, fit),
            front_end=data.front_end,
            level=data.levels[fold],
        )
        model = TrainedNetwork(metadata, weights.read(npz, keys[fold]), data.scalers[fold])
        test = data.fold(fold, model.network.frames).part("test")
        data_of_file = model.onnx_bytes()
        check(data_of_file, path, npz)
        session = Session(data_of_file)
        differences.append(difference(session, test, predicted[fold], tracks.classes))
        if not differences[-1] <= TOLERANCE:
            raise UserError(
                f"the probabilities of {path} would differ by {differences[-1]:.1e} from "
                f"{options.predictions[fold]}, more than {TOLERANCE:.0e}; run snakemake with "
                "--forcerun evaluate, and report a bug if that does not help"
            )
        onnx_file.write(path, data_of_file)
        described.append(metadata)
        print(f"fold {fold}: {path}, within {differences[-1]:.1e} of the predictions")
    text = model_card.text(
        options.dataset, options.name, described, fits, tracks, predicted, max(differences)
    )
    model_card.write(options.card, text, options.variant, tracks)


if __name__ == "__main__":
    run(main)
