"""Check ONNX files of finished results before they are handed over."""

from collections.abc import Sequence

from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.commands.finished_results import FinishedResults
from workflow_scripts.dataset.normalisation import Scaler, read_scalers
from workflow_scripts.errors import UserError
from workflow_scripts.models import onnx_file
from workflow_scripts.models.metadata import NotOurModelError
from workflow_scripts.models.onnx_file import TrainedNetwork
from workflow_scripts.networks import weights
from workflow_scripts.paths import ModelPaths
from workflow_scripts.results import checked_predictions, provenance
from workflow_scripts.results.predictions import track_accuracy

FIX = "remove it and run snakemake"


def check(results: FinishedResults, models: Sequence[ModelPaths]) -> None:
    """Raise UserError unless each ONNX file is exactly the export of its model."""
    results.require([results.paths.scaler, *(m.weights for m in models)])
    scalers = read_scalers(results.paths.scaler, results.tracks.key)
    for model in models:
        _check(results, model, scalers[model.fold])


def _check(results: FinishedResults, model: ModelPaths, scaler: Scaler) -> None:
    content = model.onnx.read_bytes()
    try:
        metadata = onnx_file.read(content).metadata
    except NotOurModelError as reason:
        raise UserError(f"{model.onnx} {reason}; {FIX}") from None
    trained = weights.read(model.weights, results.key_of(model))
    provenance.check_weights(model.weights, results.fit_of(model))
    predicted = checked_predictions.read(
        model.predictions, results.tracks, results.origin_of(model)
    )
    accuracy = round(track_accuracy(predicted), 2)
    same = (
        metadata.weights == results.fit_of(model)["digests"]["weights"]
        and (metadata.variant, metadata.fold) == (model.variant, model.fold)
        and (metadata.accuracy, metadata.n_test_tracks) == (accuracy, len(predicted))
        and metadata.classes == tuple(results.tracks.classes)
        and metadata.front_end == FrontEnd.from_config(results.config["front_end"])
        and TrainedNetwork(metadata, trained, scaler).onnx_bytes() == content
    )
    if not same:
        raise UserError(f"{model.onnx} is not the model in {model.folder}; {FIX}")
