"""Measure the filters of one variant's models on the test tracks of each fold."""

import argparse
import json
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts import checked_tables, checksums
from workflow_scripts.audio import mel_scale
from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.dataset import experiment_data
from workflow_scripts.dataset.experiment_data import ExperimentData
from workflow_scripts.dataset.normalisation import compress
from workflow_scripts.dataset.parts import Part
from workflow_scripts.interpretation import filter_table, temporal_filters
from workflow_scripts.interpretation.ablation import most_segments
from workflow_scripts.interpretation.filters import Findings, Model, findings
from workflow_scripts.interpretation.temporal_filters import PulseTest
from workflow_scripts.networks import weights
from workflow_scripts.networks.architecture import Network
from workflow_scripts.networks.identity import ModelKey
from workflow_scripts.process import run

# Largest number of test segments of a fold that are used.
MOST_SEGMENTS = 2000


@cache
def pulse_test(n_frames: int, front_end: FrontEnd) -> PulseTest:
    """The test for filters of `n_frames` frames."""
    # Essentia is imported only for the variants that need it.
    from workflow_scripts.audio import pulses

    trains = []
    for bpm in temporal_filters.BPM:
        length = temporal_filters.frames_needed(n_frames, bpm, front_end.frame_rate)
        energies = pulses.energies(bpm, length, front_end)
        trains.append(compress(energies, front_end.compression).T)
    return PulseTest(trains, n_frames, front_end)


def evenly(part: Part, most: int) -> Part:
    """At most `most` segments of a part, evenly spaced, in the same order."""
    n = len(part.segments)
    return part.of(np.arange(most) * n // most) if n > most else part


def spectra(found: list[Findings], front_end: FrontEnd) -> dict[str, np.ndarray]:
    """The arrays of the .npz file; `found` is in the order of the rows of the table.

    bpm and modulation_bpm, (tempi,); responses and modulation, (filters, tempi), of the filters
    that have them; response_rows and modulation_rows, the rows of these filters in the table;
    hertz, (bands,), the centres of the mel bands.
    """
    sizes = [len(part.table) for part in found]
    rows = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    pairs = list(zip(found, rows, strict=True))
    return {
        "bpm": temporal_filters.BPM,
        "responses": np.concatenate([part.responses for part in found]),
        "response_rows": np.concatenate([own[: len(part.responses)] for part, own in pairs]),
        "modulation_bpm": temporal_filters.BPM,
        "modulation": np.concatenate([part.modulation for part in found]),
        "modulation_rows": np.concatenate([own[: len(part.modulation)] for part, own in pairs]),
        "hertz": mel_scale.centres(front_end),
    }


def main() -> None:
    """Read features and the models of a variant; write filters/<variant>.csv and .npz."""
    parser = argparse.ArgumentParser(description=__doc__)
    experiment_data.add_options(parser)
    parser.add_argument("--variant", required=True, help="name of the variant")
    parser.add_argument("--network", type=json.loads, required=True, help="JSON description")
    parser.add_argument("--weights", type=Path, nargs="+", required=True, help="of each fold")
    parser.add_argument(
        "--filters", type=Path, required=True, help="CSV to write, one row per filter"
    )
    parser.add_argument("--spectra", type=Path, required=True, help=".npz to write")
    options = parser.parse_args()

    data = ExperimentData.read(options)
    tracks = data.tracks
    network = Network.from_config(options.network, data.front_end.n_bands, len(tracks.classes))
    found, tables = [], []
    for fold, trained in enumerate(options.weights):
        part = data.fold(fold, network.frames).part("test")
        key = ModelKey.of(options.variant, fold, tracks)
        tested = evenly(part, most_segments(network, MOST_SEGMENTS))
        track_ids = tracks.track_id[tracks.part(fold, "test")][tested.segments.content]
        model = Model(network, weights.read(trained, key), tracks.classes)
        tests = partial(pulse_test, front_end=data.front_end)
        for name, trunk in findings(model, tested, track_ids, tests).items():
            found.append(trunk)
            trunk.table.insert(0, "fold", fold)
            trunk.table.insert(1, "trunk", name)
            tables.append(trunk.table)
        print(f"fold {fold}: {len(tested.segments)} of {len(part.segments)} test segments")
    what = filter_table.what(options.variant, tracks)
    checked_tables.write(options.filters, pd.concat(tables), what)
    checksums.write_npz(options.spectra, spectra(found, data.front_end), what)


if __name__ == "__main__":
    run(main)
