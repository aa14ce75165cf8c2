"""Finished results of any size, made without audio or training, to tabulate and to report."""

import json
import os

import numpy as np
import pandas as pd

from tests.conftest import ROOT, shipped_config, write_wav
from workflow_scripts import checked_tables, checksums
from workflow_scripts.dataset import replicas, split
from workflow_scripts.dataset.track_tables import SKIPPED, TRACKS
from workflow_scripts.interpretation import (
    clips,
    filter_table,
    intervention_table,
    temporal_filters,
)
from workflow_scripts.interpretation.interventions import interventions
from workflow_scripts.networks import weights
from workflow_scripts.networks.architecture import Network
from workflow_scripts.networks.identity import ModelKey
from workflow_scripts.results import baselines, checked_predictions
from workflow_scripts.steps import auralise, tabulate, tabulate_interventions
from workflow_scripts.workflow import configuration

FIT = {
    "commit": None,
    "seed": 1,
    "versions": {"mxnet": "1"},
    "digests": {"weights": ""},
    "n_epochs": 9,
    "seconds": 1.0,
    "peak_memory_mb": 100.0,
    "explosion": None,
    "validation": "tracks",
    "training": {"max_epochs": 9},
}


class FakeResults:
    """The files behind the tables and the report of random predictions.

    Predictions are correct with probability 1/2, otherwise of a random class. `n_segments` are the
    segments of a track. `tracks` are those of folds.csv. Another `seed` has other folds. `sweeps`
    has base, key and rows by name.
    """

    def __init__(
        self,
        folder,
        classes,
        n_tracks,
        variants,
        n_folds=3,
        n_segments=8,
        seed=1,
        sweeps=None,
    ):
        folder.mkdir(parents=True)
        self.folder, self.classes, self.n_folds = folder, sorted(classes), n_folds
        config = shipped_config()
        configuration.complete(config, ROOT / "config.yaml")
        self.variants = {variant: config["variants"][variant] for variant in variants}
        own = {"dataset": "folder", "name": "fake", "variants": self.variants}
        self.configuration = config | own
        self.seed, self.sweeps = seed, sweeps or {}
        self._rng = np.random.default_rng(seed - 1)
        self._n_segments = n_segments
        self.tracks = self._write_tracks(n_tracks)
        self._write_data()
        for variant in self.variants:
            self._write_variant(variant)
        tabulate.main(self.tabulate_arguments())
        self._tabulate_interventions()

    def _write_tracks(self, n):
        names = np.array(self.classes, object)
        labels = names[np.arange(n) % len(names)]
        tracks = pd.DataFrame(
            {
                "track_id": [f"{label}/{i}" for i, label in enumerate(labels)],
                "label": labels,
                "path": str(self.folder / "audio.wav"),
                "digest": [f"{i:064x}" for i in range(n)],
                "bpm": self._rng.uniform(60, 200, n).round(1),
            }
        )
        checked_tables.write(self.folder / "tracks.csv", tracks, TRACKS)
        folds = self.folder / "folds.csv"
        split.write(folds, tracks, (np.arange(n) // len(names) + self.seed - 1) % self.n_folds)
        return split.read(folds)

    def _write_data(self):
        write_wav(self.folder / "audio.wav", self._rng.normal(0, 0.1, 30 * 44100))
        skipped = pd.DataFrame(columns=["track_id", "label", "path", "reason"])
        checked_tables.write(self.folder / "skipped.csv", skipped, SKIPPED)
        pairs = replicas.listed_pairs(self.tracks.track_id)
        replicas.write(self.folder / "replicas.csv", pairs)
        table = pd.DataFrame({"baseline": "tempo_1nn", "fold": range(self.n_folds)})
        table["accuracy"] = 50.0
        path = self.folder / "baselines.csv"
        checked_tables.write(path, table, baselines.what(self.tracks))
        (self.folder / "sounds").mkdir()
        path = self.folder / "sounds/sounds.csv"
        sounds = pd.DataFrame(columns=auralise.COLUMNS)
        checked_tables.write(path, sounds, filter_table.what_sounds(self.tracks))
        clips.write(self.folder / "sounds", [], sounds, self.tracks, (40, 80))

    def _write_variant(self, variant):
        own = self.folder / variant
        own.mkdir()
        network = Network.from_config(self.variants[variant], 40, len(self.classes))
        for fold in range(self.n_folds):
            table = self._predictions(fold)
            origin = checked_predictions.Origin(variant, fold, FIT["digests"]["weights"])
            checked_predictions.write(own / f"{fold}.csv", table, self.tracks, origin)
            self._write_model(network, own, ModelKey.of(variant, fold, self.tracks))
        what = intervention_table.what_counts(variant, self.tracks)
        checked_tables.write(own / "counts.csv", self._counts(), what)
        self._write_filters(network, own, filter_table.what(variant, self.tracks))

    def _write_model(self, network, own, key):
        epochs = np.arange(1, 10)
        history = pd.DataFrame({"epoch": epochs, "train_loss": 1 / epochs})
        history["train_accuracy"] = epochs / 15
        history["validation_loss"] = 2 / epochs
        history["validation_accuracy"] = epochs / 20
        checked_tables.write(own / f"history-{key.fold}.csv", history, key.history)
        fit = FIT | {"variant": key.variant, "fold": key.fold, "classes": self.classes}
        fit |= {"seed": self.seed}
        checksums.write_json(own / f"fit-{key.fold}.json", fit, key.record)
        if key.fold == 0:
            weights.write(own / "weights.npz", network.initial_weights(self._rng), key)

    def _predictions(self, fold):
        test = self.tracks.part(fold, "test")
        n, n_classes, rng = len(test), len(self.classes), self._rng
        target = self.tracks.target[test]
        random = rng.integers(0, n_classes, n)
        predicted = np.where(rng.random(n) < 0.5, target, random)
        votes = np.zeros((n, n_classes), int)
        votes[np.arange(n), predicted] = self._n_segments
        probability = 0.5 * (votes > 0) + 0.5 / n_classes
        names = np.array(self.classes, object)
        columns = {"track_id": self.tracks.track_id[test], "label": self.tracks.label[test]}
        table = pd.DataFrame(columns)
        table["predicted"] = names[predicted]
        table["n_segments"] = self._n_segments
        columns = [f"{kind}_{name}" for kind in ("votes", "probability") for name in self.classes]
        numbers = pd.DataFrame(np.hstack([votes, probability]), columns=columns)
        counts = numbers.iloc[:, :n_classes].astype(int)
        segments = [" ".join([str(p)] * self._n_segments) for p in predicted]
        parts = [table, counts, numbers.iloc[:, n_classes:], pd.Series(segments, name="segments")]
        return pd.concat(parts, axis=1)

    def _counts(self):
        tables = []
        names = np.array(self.classes, object)
        for intervention in interventions(40):
            for fold in range(self.n_folds):
                test = self.tracks.part(fold, "test")
                drawn = self._rng.integers(0, len(names), (2, len(test)))
                after = drawn[0] if intervention.changes_nothing else drawn[1]
                columns = {"label": self.tracks.label[test], "unchanged": names[drawn[0]]}
                columns |= {"predicted": names[after]}
                table = pd.DataFrame(columns).groupby(list(columns)).size().rename("tracks")
                table = table.reset_index()
                table.insert(0, "intervention", intervention.kind)
                table.insert(1, "amount", intervention.amount)
                table.insert(2, "fold", fold)
                tables.append(table)
        return pd.concat(tables)

    def _write_filters(self, network, own, what):
        rng, names = self._rng, np.array(self.classes, object)
        tables, response_rows, n_rows = [], [], 0
        for fold in range(self.n_folds):
            for trunk, description in network.trunks.items():
                m, n = description.filter
                count = description.n_filters
                temporal, spectral = m == 1 and n >= 60, m > 1 and n == 1
                affected = names[rng.integers(0, len(names), count)]
                table = pd.DataFrame({"fold": fold, "trunk": trunk, "filter": range(count)})
                table["strength"] = rng.random(count)
                table["most_affected_class"] = affected
                table["gain"] = rng.random(count)
                table["tempo"] = rng.uniform(60, 200, count) if temporal else np.nan
                table["offset"] = rng.integers(0, 41 - m, count) if spectral else np.nan
                table["excited_tracks"] = json.dumps([self.tracks.track_id[0]] * 9)
                table["excited_frames"] = json.dumps([0] * 9)
                tables.append(table)
                if temporal:
                    response_rows += range(n_rows, n_rows + count)
                n_rows += count
        checked_tables.write(own / "filters.csv", pd.concat(tables), what)
        spectra = rng.random((len(response_rows), len(temporal_filters.BPM)))
        arrays = {
            "bpm": temporal_filters.BPM,
            "modulation_bpm": temporal_filters.BPM,
            "responses": spectra,
            "modulation": spectra,
            "response_rows": np.array(response_rows, int),
            "modulation_rows": np.array(response_rows, int),
            "hertz": np.geomspace(50, 20000, 40),
        }
        checksums.write_npz(own / "spectra.npz", arrays, what)

    def _of_each(self, file):
        """The paths of a file of each variant; one for each fold if its name has {fold}."""
        folds = range(self.n_folds) if "{fold}" in file else [0]
        return [
            str(self.folder / variant / file.format(fold=fold))
            for variant in self.variants
            for fold in folds
        ]

    def _shared(self, *names):
        return [part for n in names for part in (f"--{n}", str(self.folder / f"{n}.csv"))]

    def tabulate_arguments(self):
        """The options of the step tabulate, which writes table1.csv, .md and .tex."""
        return [
            *self._shared("folds", "skipped", "replicas", "baselines"),
            *("--variants", json.dumps(self.variants)),
            *("--predictions", *self._of_each("{fold}.csv")),
            *("--fits", *self._of_each("fit-{fold}.json")),
            *("--histories", *self._of_each("history-{fold}.csv")),
            *("--sweeps", json.dumps(self.sweeps)),
            *("--dataset", "folder", "--name", "fake"),
            *("--table", str(self.folder / "table1.csv")),
        ]

    def _tabulate_interventions(self):
        # Named by the variants, as the step reads their names from the files.
        folder = self.folder / "interventions"
        folder.mkdir()
        for variant in self.variants:
            os.link(self.folder / variant / "counts.csv", folder / f"{variant}.csv")
        tabulate_interventions.main(
            [
                *self._shared("folds"),
                *("--counts", *(str(folder / f"{variant}.csv") for variant in self.variants)),
                *("--table", str(self.folder / "interventions.csv")),
            ]
        )

    def report_arguments(self):
        """The options of the step report, which writes report.html and figures/."""
        return [
            *self._shared("tracks", "folds", "skipped", "replicas", "baselines"),
            *("--table", str(self.folder / "table1.csv")),
            *("--sweeps", *([str(self.folder / "sweeps.csv")] if self.sweeps else [])),
            *("--predictions", *self._of_each("{fold}.csv")),
            *("--histories", *self._of_each("history-{fold}.csv")),
            *("--fits", *self._of_each("fit-{fold}.json")),
            *("--counts", *self._of_each("counts.csv")),
            *("--interventions", str(self.folder / "interventions.csv")),
            *("--filters", *self._of_each("filters.csv")),
            *("--spectra", *self._of_each("spectra.npz")),
            *("--weights", *self._of_each("weights.npz")),
            *("--sounds", str(self.folder / "sounds")),
            *("--dataset", "folder", "--name", "fake"),
            *("--configuration", json.dumps(self.configuration)),
            *("--report", str(self.folder / "report.html")),
            *("--figures", str(self.folder / "figures")),
        ]
