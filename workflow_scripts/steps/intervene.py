"""Predict the test tracks of each fold again, with time stretch and pitch shift."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts import checked_tables
from workflow_scripts.dataset import experiment_data, silence
from workflow_scripts.dataset.experiment_data import ExperimentData
from workflow_scripts.dataset.features import Features
from workflow_scripts.dataset.normalisation import Scaler, compress
from workflow_scripts.interpretation import intervention_table
from workflow_scripts.interpretation.interventions import Intervention, interventions, segments
from workflow_scripts.networks import weights
from workflow_scripts.networks.architecture import Network
from workflow_scripts.networks.engine import Engine, engine_class
from workflow_scripts.networks.identity import ModelKey
from workflow_scripts.process import run
from workflow_scripts.results.votes import majority_vote

# Number of tracks in memory at a time, so that a fold may have any number.
BLOCK = 50
NO_PREDICTION = -1


@dataclass(frozen=True)
class Track:
    """Raw mel energies, (frames, bands), and which frames are in silences, bool (frames,)."""

    energies: np.ndarray
    silent: np.ndarray

    def under(self, intervention: Intervention) -> "Track":
        """The track under an intervention: its silences move with it."""
        return Track(intervention(self.energies), intervention.silent(self.silent))


def predicted_classes(
    engine: Engine, scaler: Scaler, tracks: list[Track], n_frames: int, compression: float | None
) -> np.ndarray:
    """The class of each track as a position, int (tracks,).

    Silent segments do not vote. A track without a segment of `n_frames` with sound has
    NO_PREDICTION.
    """
    energies = [track.energies for track in tracks]
    cut, source = segments(energies, n_frames)
    silent = [silence.contiguous(track.silent, n_frames) for track in tracks]
    sound = ~np.concatenate(silent)
    cut, source = cut[sound], source[sound]
    predicted = np.full(len(energies), NO_PREDICTION)
    if len(cut):
        inputs = scaler(compress(cut, compression)).transpose(0, 2, 1)
        probabilities = engine.probabilities(inputs)
        for track in np.unique(source):
            predicted[track], _, _ = majority_vote(probabilities[source == track])
    return predicted


def blocks(features: Features) -> Iterator[tuple[int, list[Track]]]:
    """Yield blocks of BLOCK tracks: the position of the first, and the tracks."""
    n_frames, texts = features.n_frames, features.index["silence"]
    for first in range(0, len(n_frames), BLOCK):
        positions = range(first, min(first + BLOCK, len(n_frames)))
        yield (
            first,
            [Track(features.whole(p), silence.mask(texts[p], n_frames[p])) for p in positions],
        )


def predicted_under_all(
    engine: Engine, scaler: Scaler, features: Features, n_frames: int
) -> dict[Intervention, np.ndarray]:
    """The classes of all tracks of `features` under each intervention, see `predicted_classes`."""
    compression = features.front_end.compression
    predicted = {
        intervention: np.full(len(features.n_frames), NO_PREDICTION)
        for intervention in interventions(features.n_bands)
    }
    for first, tracks in blocks(features):
        rows = slice(first, first + len(tracks))
        unchanged = predicted_classes(engine, scaler, tracks, n_frames, compression)
        for intervention, classes in predicted.items():
            if intervention.changes_nothing:
                classes[rows] = unchanged
            else:
                changed = [track.under(intervention) for track in tracks]
                classes[rows] = predicted_classes(engine, scaler, changed, n_frames, compression)
    return predicted


def counts(
    predicted: dict[Intervention, np.ndarray], labels: np.ndarray, classes: list[str]
) -> pd.DataFrame:
    """Numbers of tracks by label and by predicted class before and after each intervention.

    Columns: intervention, amount, label, unchanged (the class without intervention), predicted,
    tracks. Tracks with NO_PREDICTION are ignored.
    """
    names, applied = np.array(classes), list(predicted)
    before = next(classes for i, classes in predicted.items() if i.changes_nothing)
    after = np.stack(list(predicted.values()))
    number, track = np.nonzero(after != NO_PREDICTION)
    columns = {
        "number": number,
        "label": labels[track],
        "unchanged": names[before[track]],
        "predicted": names[after[number, track]],
    }
    table = pd.DataFrame(columns).groupby(list(columns)).size().rename("tracks").reset_index()
    number = table.pop("number").to_numpy()
    table.insert(0, "intervention", [applied[n].kind for n in number])
    table.insert(1, "amount", [float(applied[n].amount) for n in number])
    return table


def main() -> None:
    """Read features and the models of a variant; write interventions/<variant>.csv."""
    parser = argparse.ArgumentParser(description=__doc__)
    experiment_data.add_options(parser)
    parser.add_argument("--variant", required=True, help="name of the variant")
    parser.add_argument("--network", type=json.loads, required=True, help="JSON description")
    parser.add_argument("--engine", choices=["mxnet", "torch"], default="mxnet")
    parser.add_argument("--weights", type=Path, nargs="+", required=True, help="of each fold")
    parser.add_argument("--interventions", type=Path, required=True, help="CSV to write")
    options = parser.parse_args()

    data = ExperimentData.read(options)
    tracks = data.tracks
    network = Network.from_config(options.network, data.front_end.n_bands, len(tracks.classes))
    engine_type = engine_class(options.engine)
    tables = []
    for fold, trained in enumerate(options.weights):
        test = tracks.part(fold, "test")
        key = ModelKey.of(options.variant, fold, tracks)
        engine = engine_type(network, weights.read(trained, key), dropout=0, gpu=False)
        predicted = predicted_under_all(
            engine,
            data.scalers[fold],
            data.features(tracks.digest[test]),
            network.frames,
        )
        table = counts(predicted, tracks.label[test], tracks.classes)
        table.insert(2, "fold", fold)
        tables.append(table)
        print(f"fold {fold}: {len(test)} tracks under {len(predicted)} interventions")
    what = intervention_table.what_counts(options.variant, tracks)
    checked_tables.write(options.interventions, pd.concat(tables), what)


if __name__ == "__main__":
    run(main)
