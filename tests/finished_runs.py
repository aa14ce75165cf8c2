"""Finished results in results/NAME, made without audio or training, for commands to read."""

import numpy as np
import pandas as pd

from tests.conftest import overlay, shipped_config
from workflow_scripts import checked_tables, checksums
from workflow_scripts.dataset import split
from workflow_scripts.networks.identity import ModelKey
from workflow_scripts.paths import ResultPaths
from workflow_scripts.results import checked_predictions, predictions
from workflow_scripts.workflow import configuration
from workflow_scripts.workflow.training_settings import seeds_of, settings_of

CLASSES = ("jazz", "rock")
# Enough to see that a curve is flat.
EPOCHS = 20


def history(rise=0):
    """history.csv, as far as it is compared: flat, or rising by `rise` points an epoch."""
    accuracies = 0.5 + rise / 100 * np.arange(EPOCHS)
    return pd.DataFrame({"epoch": range(1, EPOCHS + 1), "validation_accuracy": accuracies})


def two_variants(**changes):
    """An overlay of the shipped configuration: two networks, three folds, few epochs."""
    kept = ("time_1x60", "frequency_32x1")
    variants = {name: None for name in shipped_config()["variants"] if name not in kept}
    small = {
        "variants": variants,
        "folds": 3,
        "training": {"max_epochs": EPOCHS},
        "dataset": "demo",
    }
    return overlay(small, changes)


def write_run(folder, rates, changes=None, n_tracks=24, classes=CLASSES, fold_of=None, fit=None):
    """Write finished results into `folder`.

    `rates` are the probabilities, by variant, of a correct prediction. `changes` overlays the
    configuration of `two_variants`; `fold_of` maps a track's number to its fold; `fit` replaces
    keys of each fit.json.
    """
    config = overlay(shipped_config(), two_variants(**(changes or {})))
    config["name"] = folder.name
    configuration.complete(config)
    folder.mkdir(parents=True)
    paths = ResultPaths(folder)
    configuration.keep(config, paths)
    for seed, own in paths.of_seeds(seeds_of(config)).items():
        _write_seed(own, config | {"seed": seed}, rates, n_tracks, classes, fold_of, fit or {})
    return folder


def _write_seed(paths, config, rates, n_tracks, classes, fold_of, fit):
    labels = np.array(classes, object)[np.arange(n_tracks) % len(classes)]
    table = pd.DataFrame({"track_id": [f"{label}/{n}" for n, label in enumerate(labels)]})
    table["label"] = labels
    table["digest"] = [f"{n:064x}" for n in range(n_tracks)]
    # Each seed has folds of its own.
    shift = config["seed"] - 2016
    fold_of = fold_of or (lambda n: (n // len(classes) * (1 + shift)) % config["folds"])
    split.write(paths.folds, table, np.array([fold_of(n) for n in range(n_tracks)]))
    tracks = split.read(paths.folds)
    rng = np.random.default_rng(abs(config["seed"] - 2016))
    for model in paths.models(config["variants"], config["folds"]):
        _write_fit(model, tracks, settings_of(config, model.variant), fit)
        _write_predictions(model, tracks, rates[model.variant], rng)


def _write_fit(model, tracks, settings, changes):
    own = {
        "variant": model.variant,
        "fold": model.fold,
        **settings,
        "versions": {"python": "3.11.7", "mxnet": "1.9.1"},
        "digests": {"weights": "0" * 64, "code": "1" * 64},
        "device": "cpu",
        "n_epochs": EPOCHS,
        "best_epoch": 1,
        "n_train_segments": 100,
        "seconds": 30.0,
        "commit": "a" * 40,
        "uncommitted_changes": False,
    }
    model.folder.mkdir(parents=True)
    key = ModelKey.of(model.variant, model.fold, tracks)
    checksums.write_json(model.fit, overlay(own, changes), key.record)
    checked_tables.write(model.history, history(), key.history)


def _write_predictions(model, tracks, rate, rng):
    test = tracks.part(model.fold, "test")
    n_classes = len(tracks.classes)
    wrong = (tracks.target[test] + 1) % n_classes
    predicted = np.where(rng.random(len(test)) < rate, tracks.target[test], wrong)
    # One segment a track.
    certain = np.eye(n_classes)[predicted]
    table = predictions.table(
        tracks.track_id[test], tracks.label[test], tracks.classes, certain, np.arange(len(test))
    )
    origin = checked_predictions.Origin(model.variant, model.fold, "0" * 64)
    checked_predictions.write(model.predictions, table, tracks, origin)
