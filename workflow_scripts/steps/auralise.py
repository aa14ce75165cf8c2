"""Write sounds of one network's strongest filters: segments, and what the filters pass."""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts import checked_tables, checksums
from workflow_scripts.audio.decoding import NotAudioError
from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.audio.worker import Worker
from workflow_scripts.dataset import experiment_data
from workflow_scripts.dataset.digests import digest_of_file
from workflow_scripts.dataset.experiment_data import ExperimentData
from workflow_scripts.dataset.normalisation import compress
from workflow_scripts.dataset.segments import Segments
from workflow_scripts.dataset.split import Tracks
from workflow_scripts.dataset.track_tables import paths_of
from workflow_scripts.interpretation import clips, filter_table
from workflow_scripts.interpretation.auralisation import passed, place
from workflow_scripts.interpretation.clips import Clip
from workflow_scripts.networks import weights
from workflow_scripts.networks.architecture import Network
from workflow_scripts.networks.identity import ModelKey
from workflow_scripts.process import run
from workflow_scripts.results import checked_predictions, predictions

# Number of filters, and of segments per filter.
N_FILTERS, N_SEGMENTS = 8, 2
COLUMNS = [
    *("file", "kind", "variant", "fold", "trunk", "filter", "most_affected_class", "tempo"),
    *("track_id", "first_frame", "checksum"),
]


def best_fold(folds: Sequence[Path], models: Sequence[Path], tracks: Tracks, variant: str) -> int:
    """The fold with the highest accuracy; the first of several. `models` are the weights.npz."""
    tables = [
        checked_predictions.read(
            csv, tracks, checked_predictions.Origin(variant, fold, digest_of_file(npz))
        )
        for fold, (csv, npz) in enumerate(zip(folds, models, strict=True))
    ]
    return int(np.argmax([predictions.track_accuracy(table) for table in tables]))


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    experiment_data.add_options(parser)
    parser.add_argument("--tracks", type=Path, required=True, help="tracks.csv")
    parser.add_argument("--variant", required=True, help="name of the network")
    parser.add_argument("--network", type=json.loads, required=True, help="JSON description")
    parser.add_argument("--weights", type=Path, nargs="+", required=True, help="of each fold")
    parser.add_argument("--predictions", type=Path, nargs="+", required=True, help="of each fold")
    parser.add_argument("--filters", type=Path, required=True, help="filters/<variant>.csv")
    parser.add_argument("--sounds", type=Path, required=True, help="folder to write into")
    return parser.parse_args()


def chosen_clips(strongest: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield each filter's row with track_id and first_frame of the segments that excite it most."""
    for row in strongest.to_dict("records"):
        segments = zip(
            json.loads(row["excited_tracks"]), json.loads(row["excited_frames"]), strict=True
        )
        for track_id, first in list(segments)[:N_SEGMENTS]:
            yield row | {"track_id": track_id, "first_frame": first}


def segment_samples(
    audio: Path, first_frame: int, n_frames: int, front_end: FrontEnd
) -> np.ndarray:
    """See `resynthesis.segment_samples`; called in a process that a file may crash."""
    from workflow_scripts.audio import resynthesis

    return resynthesis.segment_samples(audio, first_frame, n_frames, front_end)


def main() -> None:
    """Read features, a variant's models and audio; write sounds/*.mp3, .csv and segments.npz."""
    from workflow_scripts.audio.excerpts import mp3
    from workflow_scripts.audio.resynthesis import apply_gain

    options = parse()
    data = ExperimentData.read(options)
    tracks, front_end = data.tracks, data.front_end
    fold = best_fold(options.predictions, options.weights, tracks, options.variant)
    network = Network.from_config(options.network, front_end.n_bands, len(tracks.classes))
    trained = weights.read(options.weights[fold], ModelKey.of(options.variant, fold, tracks))
    table = filter_table.read(options.filters, options.variant, tracks)
    chosen = list(chosen_clips(table[table["fold"] == fold].nlargest(N_FILTERS, "strength")))
    digests = dict(zip(tracks.track_id, tracks.digest, strict=True))
    paths = paths_of(options.tracks, {digests[clip["track_id"]] for clip in chosen})
    options.sounds.mkdir(parents=True, exist_ok=True)
    samples_of = Worker(segment_samples)
    rows, pictured = [], []
    for number, clip in enumerate(chosen):
        digest, first, trunk = digests[clip["track_id"]], clip["first_frame"], clip["trunk"]
        features = data.features([digest])
        content, start = np.zeros(1, int), np.array([first])
        segments = Segments(features, content, start, network.frames, data.scalers[fold])
        (segment,) = segments[:]
        of_filter = (segment, trained, trunk, network.trunks[trunk], clip["filter"])
        gain = passed(*of_filter)
        if not gain.any():
            continue
        try:
            samples = samples_of(Path(paths[digest]), first, network.frames, front_end)
        except NotAudioError as reason:
            print(f"no sound: {paths[digest]} {reason}")
            continue
        sounds = {"segment": samples, "filter": apply_gain(samples, gain, front_end)}
        for kind, sound in sounds.items():
            file = f"{number:02d}-{kind}.mp3"
            # Scaled to the peak of the segment; the output of a narrow filter is very quiet.
            level = np.abs(samples).max() / max(float(np.abs(sound).max()), 1e-9)
            encoded = mp3(level * sound, front_end.sample_rate)
            (options.sounds / file).write_bytes(encoded)
            row = {key: clip[key] for key in COLUMNS if key in clip}
            rows.append(row | {"file": file, "variant": options.variant, "kind": kind})
            rows[-1]["checksum"] = checksums.of(filter_table.SOUND, encoded)
        energies = compress(segments.energies(slice(None))[0], front_end.compression).T
        shape = network.trunks[trunk].filter
        pictured.append(Clip(energies, place(*of_filter), shape, first))
    samples_of.stop()
    table = pd.DataFrame(rows, columns=COLUMNS)
    checked_tables.write(options.sounds / "sounds.csv", table, filter_table.what_sounds(tracks))
    clips.write(options.sounds, pictured, table, tracks, (front_end.n_bands, network.frames))
    print(f"{len(rows)} sounds of {options.variant}, fold {fold}")


if __name__ == "__main__":
    run(main)
