"""Compare the labeller with the evaluation on every track of finished results.

The labeller predicts each track from its audio with the ONNX file of its test fold. Predicted
classes and mean probabilities are compared with those of the engine that trained the models.

    python benchmarks/agreement.py results/NAME [--variants ...] [--jobs 2] [--json FILE]

The exit code is 1 unless all predicted classes are the same.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from workflow_scripts.dataset.track_tables import TRACKS, read_table
from workflow_scripts.labelling.label_tracks import label_all
from workflow_scripts.results import predictions


def compared(results: Path, variant: str, jobs: int) -> tuple[int, int, float]:
    """Numbers of tracks and of equal predictions; largest difference of a mean probability."""
    path_of = read_table(results / "tracks.csv", TRACKS).set_index("track_id")["path"]
    n_tracks, n_same, largest = 0, 0, 0.0
    for onnx in sorted((results / "onnx" / variant).glob("*.onnx")):
        table = predictions.read(results / "predictions" / variant / f"{onnx.stem}.csv")
        paths = [Path(path_of[track_id]) for track_id in table["track_id"]]
        for track, (_, row) in zip(label_all(onnx, paths, jobs), table.iterrows(), strict=True):
            if track.prediction is None:
                raise SystemExit(f"{track.path} {track.problem}")
            n_tracks += 1
            n_same += track.prediction.label == row["predicted"]
            expected = [row[f"probability_{name}"] for name in track.prediction.classes]
            largest = max(
                largest, np.abs(np.subtract(track.prediction.probabilities, expected)).max()
            )
    return n_tracks, n_same, float(largest)


def main() -> None:
    """Print a row per variant; with --json, also write the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, help="results/NAME")
    parser.add_argument("--variants", nargs="*", help="default: all")
    parser.add_argument("--jobs", type=int, default=2, help="tracks at a time")
    parser.add_argument("--json", type=Path, help="file to write the counts to")
    options = parser.parse_args()
    print(f"{'variant':<22}{'tracks':>8}{'same class':>12}{'largest difference':>20}")
    rows = {}
    exported = sorted(folder.name for folder in (options.results / "onnx").iterdir())
    for variant in options.variants or exported:
        n_tracks, n_same, largest = compared(options.results, variant, options.jobs)
        rows[variant] = {"tracks": n_tracks, "same": n_same, "difference": largest}
        print(f"{variant:<22}{n_tracks:>8}{n_same:>12}{largest:>20.1e}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")
    if not rows or any(row["same"] != row["tracks"] for row in rows.values()):
        sys.exit("not all predicted classes are the same")


if __name__ == "__main__":
    main()
