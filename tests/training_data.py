"""The input files of a small training, made without audio: features, folds and a scaler."""

import json

import numpy as np
import pandas as pd

from tests import processes
from tests.conftest import shipped_config
from tests.papers import PAPERS
from workflow_scripts.dataset import split
from workflow_scripts.dataset.features import Content, write_shard
from workflow_scripts.dataset.level import AS_RECORDED, TrainingLevel
from workflow_scripts.dataset.normalisation import Scaler, write_scalers

CLASSES = ("down", "flat", "up")
SETTINGS = {
    "learning_rate": 0.01,
    "batch_size": 10,
    "max_epochs": 60,
    "dropout": 0.5,
    "patience": 5,
    "min_learning_rate": 1e-9,
}


class Training:
    """Files of three classes of noise with different spectral slopes, and training commands."""

    def __init__(self, folder, variant, tracks_a_class=6, n_frames=1000, **settings):
        self.folder, self.variant = folder, variant
        rng = np.random.default_rng(0)
        rows, features = [], []
        for label in CLASSES:
            for number in range(tracks_a_class):
                slope = {"down": -1, "flat": 0, "up": 1}[label] * np.linspace(-1, 1, 40)
                energies = np.exp(slope + rng.normal(0, 2, (n_frames, 40))) * 1e-4
                rows.append((f"{label}/{number}", label, f"{label}{number}", number % 3))
                features.append(Content(f"{label}{number}", energies.astype(np.float32)))
        folder.mkdir(parents=True, exist_ok=True)
        tracks = pd.DataFrame(rows, columns=["track_id", "label", "digest", "fold"])
        self.tracks = tracks
        write_shard(folder / "shard-0.npy", features, PAPERS)
        self.write_tables()
        description = shipped_config()["variants"][variant]
        for trunk in description["trunks"].values():
            trunk["n_filters"] = 32
        self.network = {
            key: description.get(key, default)
            for key, default in {"input_frames": 0, "trunks": {}, "hidden": 0, "init": {}}.items()
        }
        self.settings = SETTINGS | settings

    def write_tables(self, std=0.7):
        """Write folds.csv from `tracks`, and scaler.json."""
        folds = self.folder / "folds.csv"
        split.write(folds, self.tracks, self.tracks["fold"].to_numpy())
        level, scaler = TrainingLevel(AS_RECORDED, -40, -20), Scaler(0.5, std)
        key = split.read(folds).key
        write_scalers(self.folder / "scaler.json", "dataset", [scaler] * 3, [level] * 3, key)

    def arguments(self, model, *options, folds=(0,)):
        """Those of a step that trains folds.

        It writes the model of fold 0 to the folder `model`, and that of fold k to model-k.
        """
        files = {"features": "shard-0.npy", "index": "shard-0.csv", "folds": "folds.csv"}
        named = {name: self.folder / file for name, file in files.items()}
        named |= {
            "scaler": self.folder / "scaler.json",
            "variant": self.variant,
            "network": json.dumps(self.network),
            "training": json.dumps(self.settings),
            "seed": 7,
        }
        models = [self.folder / (f"{model}-{fold}" if fold else model) for fold in folds]
        written = {
            "fold": folds,
            "checkpoint": [folder / "checkpoint" for folder in models],
            "weights": [folder / "weights.npz" for folder in models],
            "history": [folder / "history.csv" for folder in models],
            "fit": [folder / "fit.json" for folder in models],
        }
        lists = {name: [value] for name, value in named.items()} | written
        return [*(part for name, own in lists.items() for part in (f"--{name}", *own)), *options]

    def start(self, model, *options, folds=(0,), **settings):
        """Start the training and return the `Process`. Its output is appended to `model`.log."""
        return processes.Process(
            "workflow_scripts.steps.train",
            *self.arguments(model, *options, folds=folds),
            output=self.folder / f"{model}.log",
            **settings,
        )

    def run(self, model, *options, **settings):
        """Run the training to its end and return the exit code."""
        return self.start(model, *options, **settings).wait()

    def log(self, model):
        """The output of all trainings of `model`."""
        return (self.folder / f"{model}.log").read_text()

    def results(self, model):
        """The bytes of the files that determine the results."""
        names = ("weights.npz", "history.csv")
        return {name: (self.folder / model / name).read_bytes() for name in names}

    def predictions(self, model, engine):
        """The bytes of the predictions of the model for the tracks of fold 0."""
        predicted = self.folder / f"{model}.csv"
        named = {
            "engine": engine,
            "variant": self.variant,
            "network": json.dumps(self.network),
            "features": self.folder / "shard-0.npy",
            "index": self.folder / "shard-0.csv",
            "folds": self.folder / "folds.csv",
            "scaler": self.folder / "scaler.json",
            "weights": self.folder / model / "weights.npz",
            "fits": self.folder / model / "fit.json",
            "settings": json.dumps({"seed": 7}),
            "predictions": predicted,
        }
        arguments = [part for name, value in named.items() for part in (f"--{name}", value)]
        code, output = processes.run("workflow_scripts.steps.evaluate", *arguments)
        assert code == 0, output
        return predicted.read_bytes()
