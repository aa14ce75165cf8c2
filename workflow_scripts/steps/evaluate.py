"""Predict the class of each fold's test tracks with the models of one variant."""

import argparse
import json
from pathlib import Path

from workflow_scripts.dataset import experiment_data
from workflow_scripts.dataset.experiment_data import ExperimentData
from workflow_scripts.errors import UserError
from workflow_scripts.networks import weights
from workflow_scripts.networks.architecture import Network
from workflow_scripts.networks.engine import engine_class
from workflow_scripts.networks.identity import ModelKey
from workflow_scripts.process import run
from workflow_scripts.results import checked_predictions, predictions, provenance


def main() -> None:
    """Read models and features; write predictions/<variant>/fold-<k>.csv."""
    parser = argparse.ArgumentParser(description=__doc__)
    experiment_data.add_options(parser)
    parser.add_argument("--variant", required=True, help="name of the variant")
    parser.add_argument("--network", type=json.loads, required=True, help="JSON description")
    parser.add_argument("--engine", choices=["mxnet", "torch"], default="mxnet")
    parser.add_argument("--weights", type=Path, nargs="+", required=True, help="of each fold")
    parser.add_argument("--fits", type=Path, nargs="+", required=True, help="of each fold")
    parser.add_argument(
        "--settings", type=json.loads, required=True, help="JSON that each fit.json must contain"
    )
    parser.add_argument("--predictions", type=Path, nargs="+", required=True, help="CSVs to write")
    options = parser.parse_args()

    data = ExperimentData.read(options)
    tracks = data.tracks
    network = Network.from_config(options.network, data.front_end.n_bands, len(tracks.classes))
    engine_type = engine_class(options.engine)
    files = zip(options.weights, options.fits, options.predictions, strict=True)
    for fold, (npz, json_file, csv) in enumerate(files):
        test = tracks.part(fold, "test")
        key = ModelKey.of(options.variant, fold, tracks)
        fit = provenance.read(json_file, key)
        if key_of_setting := provenance.other_setting(fit, options.settings):
            raise UserError(
                f"{json_file.parent} was trained with another {key_of_setting} than is configured; "
                "remove it and run snakemake"
            )
        provenance.check_weights(npz, fit)
        segments = data.fold(fold, network.frames).part("test").segments
        engine = engine_type(network, weights.read(npz, key), dropout=0, gpu=False)
        table = predictions.table(
            tracks.track_id[test],
            tracks.label[test],
            tracks.classes,
            engine.probabilities(segments),
            segments.content,
        )
        checked_predictions.write(csv, table, tracks, checked_predictions.Origin.of(fit))
        print(f"fold {fold}: {predictions.track_accuracy(table):.2f} % of {len(table)} tracks")


if __name__ == "__main__":
    run(main)
