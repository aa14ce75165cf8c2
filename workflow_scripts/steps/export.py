"""Write each fold's model of one variant as ONNX, and the variant's model card."""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.atomic_files import atomic
from workflow_scripts.audio.parameters import FRONT_END, N_BANDS
from workflow_scripts.dataset import experiment_data
from workflow_scripts.dataset.experiment_data import ExperimentData
from workflow_scripts.dataset.parts import Part
from workflow_scripts.errors import UserError
from workflow_scripts.models import model_card, writing
from workflow_scripts.models.metadata import About
from workflow_scripts.models.runtime import Session
from workflow_scripts.networks import weights
from workflow_scripts.networks.architecture import Network
from workflow_scripts.process import run
from workflow_scripts.results import predictions

# Of a class's mean probability over a track, between the training's engine and ONNX Runtime.
TOLERANCE = 1e-5


def difference(session: Session, tested: Part, decided: pd.DataFrame, classes: list[str]) -> float:
    """How far a model is from what evaluation has found: the largest difference of a probability.

    Compared are the mean class probabilities of each of the test tracks, from their raw energies.
    """
    content = tested.segments.content
    means = np.zeros((len(decided), len(classes)))
    for track in range(len(decided)):
        rows = np.flatnonzero(content == track)
        means[track] = session.probabilities(tested.segments.energies(rows)).mean(axis=0)
    expected = decided[[f"probability_{name}" for name in classes]].to_numpy()
    return float(np.abs(means - expected).max(initial=0))


def main() -> None:
    """Command line; Snakemake's rule of the same name calls it."""
    parser = argparse.ArgumentParser(description=__doc__)
    experiment_data.add_options(parser)
    parser.add_argument("--architecture", required=True, help="the variant's")
    parser.add_argument("--weights", type=Path, nargs="+", required=True, help="a fold each")
    parser.add_argument("--fits", type=Path, nargs="+", required=True, help="each fit.json")
    parser.add_argument("--predictions", type=Path, nargs="+", required=True, help="a fold each")
    parser.add_argument("--dataset", required=True, help="ballroom, demo or folder")
    parser.add_argument("--name", required=True, help="the experiment's name")
    parser.add_argument("--onnx", type=Path, nargs="+", required=True, help="files to write")
    parser.add_argument("--card", type=Path, required=True, help="Markdown to write")
    options = parser.parse_args()

    data = ExperimentData.read(options)
    tracks = data.tracks
    fits = [json.loads(fit.read_text()) for fit in options.fits]
    decided = [predictions.read(csv) for csv in options.predictions]
    abouts, differences = [], []
    for fold, (fit, trained, path) in enumerate(
        zip(fits, options.weights, options.onnx, strict=True)
    ):
        about = About(
            dataset=options.name if options.dataset == "folder" else options.dataset,
            variant=fit["variant"],
            architecture=options.architecture,
            fold=fold,
            n_folds=tracks.n_folds,
            seed=fit["seed"],
            classes=tuple(tracks.classes),
            accuracy=round(predictions.track_accuracy(decided[fold]), 2),
            n_test_tracks=len(decided[fold]),
            network=fit["network"],
            front_end=FRONT_END,
            weights=hashlib.sha256(trained.read_bytes()).hexdigest(),
        )
        network = Network.from_config(about.network, N_BANDS, len(tracks.classes))
        model = writing.onnx_model(network, weights.read(trained), data.scalers[fold], about)
        tested = data.fold(fold, network.frames).part("test")
        session = Session(model.SerializeToString())
        differences.append(difference(session, tested, decided[fold], tracks.classes))
        if not differences[-1] <= TOLERANCE:
            raise UserError(
                f"{path} would give probabilities that differ by {differences[-1]:.1e} from "
                f"{options.predictions[fold]}, more than {TOLERANCE:.0e}; run snakemake with "
                "--forcerun evaluate, and report it if that does not help"
            )
        writing.write(path, model)
        abouts.append(about)
        print(f"fold {fold}: {path}, within {differences[-1]:.1e} of the predictions")
    text = model_card.text(
        options.dataset, options.name, abouts, fits, tracks, decided, max(differences)
    )
    with atomic(options.card) as partial:
        partial.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run(main)
