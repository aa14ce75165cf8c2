"""Let one network's strongest filters be heard: segments, and what the filters pass of them."""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.atomic_files import atomic
from workflow_scripts.audio.decoding import NotAudioError
from workflow_scripts.audio.parameters import N_BANDS, SAMPLE_RATE
from workflow_scripts.dataset import experiment_data
from workflow_scripts.dataset.experiment_data import ExperimentData
from workflow_scripts.dataset.segments import Segments
from workflow_scripts.dataset.track_tables import paths_of
from workflow_scripts.interpretation.auralisation import passed
from workflow_scripts.networks import weights
from workflow_scripts.networks.architecture import Network
from workflow_scripts.process import run
from workflow_scripts.results import predictions

# Filters that are heard, and segments of each.
N_FILTERS, N_SEGMENTS = 8, 2
COLUMNS = [
    *("file", "kind", "variant", "fold", "trunk", "filter", "most_affected_class", "tempo"),
    *("track_id", "first_frame"),
]


def best_fold(folds: Sequence[Path]) -> int:
    """The fold whose test tracks are decided right most often; the first among equals."""
    return int(np.argmax([predictions.track_accuracy(predictions.read(csv)) for csv in folds]))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    experiment_data.add_options(parser)
    parser.add_argument("--tracks", type=Path, required=True, help="tracks.csv")
    parser.add_argument("--variant", required=True, help="name of the network")
    parser.add_argument("--network", type=json.loads, required=True, help="JSON description")
    parser.add_argument("--weights", type=Path, nargs="+", required=True, help="a fold each")
    parser.add_argument("--predictions", type=Path, nargs="+", required=True, help="a fold each")
    parser.add_argument("--filters", type=Path, required=True, help="its table by interpret")
    parser.add_argument("--sounds", type=Path, required=True, help="folder to write into")
    return parser.parse_args()


def clips(strongest: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The filters' rows with one of the segments that excite them most: track_id, first_frame."""
    for row in strongest.to_dict("records"):
        found = zip(
            json.loads(row["excited_tracks"]), json.loads(row["excited_frames"]), strict=True
        )
        for track_id, first in list(found)[:N_SEGMENTS]:
            yield row | {"track_id": track_id, "first_frame": first}


def main() -> None:
    """Command line; Snakemake's rule of the same name calls it."""
    from workflow_scripts.audio.excerpts import mp3
    from workflow_scripts.audio.resynthesis import apply_gain, segment_samples

    options = parse()
    data = ExperimentData.read(options)
    tracks = data.tracks
    fold = best_fold(options.predictions)
    network = Network.from_config(options.network, N_BANDS, len(tracks.classes))
    trained = weights.read(options.weights[fold])
    names = {"most_affected_class": str, "trunk": str}
    table = pd.read_csv(options.filters, dtype=names, keep_default_na=False)
    table = table.assign(strength=pd.to_numeric(table["strength"]))
    chosen = list(clips(table[table["fold"] == fold].nlargest(N_FILTERS, "strength")))
    digests = dict(zip(tracks.track_id, tracks.digest, strict=True))
    paths = paths_of(options.tracks, {digests[clip["track_id"]] for clip in chosen})
    options.sounds.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, clip in enumerate(chosen):
        digest, first, trunk = digests[clip["track_id"]], clip["first_frame"], clip["trunk"]
        features = data.features([digest])
        place = np.zeros(1, int), np.array([first])
        (segment,) = Segments(features, *place, network.frames, data.scalers[fold])[:]
        gain = passed(segment, trained, trunk, network.trunks[trunk].pool, clip["filter"])
        if not gain.any():
            continue
        try:
            samples = segment_samples(Path(paths[digest]), first, network.frames)
        except NotAudioError as reason:
            print(f"not heard: {paths[digest]} {reason}")
            continue
        sounds = {"segment": samples, "filter": apply_gain(samples, gain)}
        for kind, sound in sounds.items():
            file = f"{number:02d}-{kind}.mp3"
            # As loud as the segment, or little would be heard of a narrow filter.
            level = np.abs(samples).max() / max(float(np.abs(sound).max()), 1e-9)
            (options.sounds / file).write_bytes(mp3(level * sound, SAMPLE_RATE))
            told = {key: clip[key] for key in COLUMNS if key in clip}
            rows.append(told | {"file": file, "variant": options.variant, "kind": kind})
    with atomic(options.sounds / "sounds.csv") as path:
        pd.DataFrame(rows, columns=COLUMNS).to_csv(path, index=False)
    print(f"{len(rows)} sounds of {options.variant}, fold {fold}")


if __name__ == "__main__":
    run(main)
