"""Labels every track of finished results by the models that have not seen it, as `classify` does.

Each track goes from its audio through the ONNX file of the fold that it tests, and the decision is
compared with evaluation's, which came from the training's engine; so are the probabilities.

    python benchmarks/agreement.py results/NAME [--variants ...] [--jobs 2] [--json FILE]

It exits with 1 unless all decisions are the same.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from workflow_scripts.dataset.track_tables import read_table
from workflow_scripts.labelling.label_tracks import label_all
from workflow_scripts.results import predictions


def compared(results: Path, variant: str, jobs: int) -> tuple[int, int, float]:
    """Tracks, how many decisions are the same, the largest difference of a mean probability."""
    path_of = read_table(results / "tracks.csv").set_index("track_id")["path"]
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
    """Print a row a variant; write the counts where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, help="their folder, results/NAME")
    parser.add_argument("--variants", nargs="*", help="all, unless some are named")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path, help="file for the counts")
    options = parser.parse_args()
    print(f"{'variant':<22}{'tracks':>8}{'same decision':>15}{'largest difference':>20}")
    rows = {}
    exported = sorted(folder.name for folder in (options.results / "onnx").iterdir())
    for variant in options.variants or exported:
        n_tracks, n_same, largest = compared(options.results, variant, options.jobs)
        rows[variant] = {"tracks": n_tracks, "same": n_same, "difference": largest}
        print(f"{variant:<22}{n_tracks:>8}{n_same:>15}{largest:>20.1e}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")
    if not rows or any(row["same"] != row["tracks"] for row in rows.values()):
        sys.exit("not all decisions are the same")


if __name__ == "__main__":
    main()
