"""Evaluate the baselines on the same folds as the networks."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts import checked_tables
from workflow_scripts.dataset import experiment_data, shards
from workflow_scripts.dataset.experiment_data import ExperimentData
from workflow_scripts.dataset.features import Features
from workflow_scripts.dataset.split import Tracks
from workflow_scripts.dataset.track_tables import annotated_bpm
from workflow_scripts.process import run
from workflow_scripts.results import baselines
from workflow_scripts.results.modulation_scale import descriptor, modulation_scale_spectrum

# The time of a support vector machine is quadratic: minutes for this number of tracks.
LARGEST_FOR_RHYTHM = 20_000


@dataclass(frozen=True)
class Described:
    """The features of the baselines; the rows of all arrays are tracks.

    `bpm` (tracks,) are annotated tempi, None unless all are known. `estimated_bpm` (tracks,) is NaN
    where no beat was found. `rhythm` (tracks, values) has each `modulation_scale.descriptor`,
    None for more than LARGEST_FOR_RHYTHM tracks.
    """

    bpm: np.ndarray | None
    estimated_bpm: np.ndarray
    rhythm: np.ndarray | None


def accuracies(tracks: Tracks, described: Described) -> pd.DataFrame:
    """The accuracy of each baseline and fold, in %: columns baseline, fold, accuracy.

    Baselines need no validation set, so they are fitted to all tracks except the test tracks.
    """
    rows = []
    for fold in range(tracks.n_folds):
        test = tracks.part(fold, "test")
        rest = tracks.part(fold, "rest")
        labels = tracks.label[rest]
        predicted = {
            baselines.MOST_PROBABLE_CLASS: baselines.most_probable_class(labels, len(test))
        }
        tempi = {
            baselines.TEMPO_1NN: described.bpm,
            baselines.TEMPO_1NN_ESTIMATED: described.estimated_bpm,
        }
        for name, bpm in tempi.items():
            if bpm is not None:
                predicted[name] = baselines.tempo_1nn(bpm[rest], labels, bpm[test])
        if described.rhythm is not None:
            predicted[baselines.MODULATION_SCALE_SPECTRUM] = modulation_scale_spectrum(
                described.rhythm[rest], labels, described.rhythm[test]
            )
        for name, classes in predicted.items():
            accuracy = 100 * float(np.mean(classes == tracks.label[test]))
            rows.append({"baseline": name, "fold": fold, "accuracy": accuracy})
    return pd.DataFrame(rows).sort_values(["baseline", "fold"], ignore_index=True)


def rhythms(features: Features) -> np.ndarray:
    """`modulation_scale.descriptor` of each track, float32 (tracks, values).

    The features of only one track are in memory at a time.
    """
    contents, frame_rate = range(len(features.n_frames)), features.front_end.frame_rate
    described = (descriptor(features.whole(content), frame_rate) for content in contents)
    return np.array([values.astype(np.float32) for values in described])


def read_tempi(tables: Sequence[Path], digests: np.ndarray) -> np.ndarray:
    """The tempo in BPM that detect_tempo wrote for each content digest; NaN for none."""
    types = {"digest": str, "bpm": float}
    read = partial(checked_tables.read, what=shards.what("bpm"), dtype=types)
    rows = shards.of_contents(tables, digests, read)
    return rows["bpm"].to_numpy()


def main() -> None:
    """Read features, tempi and tracks; write baselines.csv."""
    parser = argparse.ArgumentParser(description=__doc__)
    experiment_data.add_options(parser, scaler=False)
    parser.add_argument("--tempi", type=Path, nargs="+", required=True, help="tempi/shard-<i>.csv")
    parser.add_argument("--tracks", type=Path, required=True, help="tracks.csv")
    parser.add_argument("--baselines", type=Path, required=True, help="CSV to write")
    options = parser.parse_args()

    data = ExperimentData.read(options)
    tracks = data.tracks
    small = len(tracks.digest) <= LARGEST_FOR_RHYTHM
    if not small:
        print(f"skipping the modulation scale spectrum: more than {LARGEST_FOR_RHYTHM} tracks")
    described = Described(
        bpm=annotated_bpm(options.tracks, tracks.track_id),
        estimated_bpm=read_tempi(options.tempi, tracks.digest),
        rhythm=rhythms(data.features(tracks.digest)) if small else None,
    )
    table = accuracies(tracks, described)
    checked_tables.write(options.baselines, table, baselines.what(tracks))
    print(table.groupby("baseline")["accuracy"].mean())


if __name__ == "__main__":
    run(main)
