"""Time the labeller from start to end, compared with a straightforward script.

Each run is a new process that loads the models of five folds of the Time-Frequency network and
labels tracks of 30 s. Contenders: `python -m workflow_scripts.commands.label` with default options
(ours) and with one process (ours_one_process), and benchmarks/plain_labeller.py, a script with
Essentia's standard mode and MXNet (straightforward). The runs alternate; medians are compared, for
many tracks and for one track. Before, the probabilities are checked to be the same within 1e-5.

    python benchmarks/label.py [--tracks 200] [--rounds 3] [--json FILE]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests import model_files
from tests.conftest import biased_weights, network_of
from workflow_scripts.audio.wav import write_wav
from workflow_scripts.demo.composition import compose
from workflow_scripts.demo.dances import DANCES
from workflow_scripts.demo.synthesiser import perform
from workflow_scripts.models import package

ROOT = Path(__file__).parents[1]
SECONDS = 30
N_FOLDS = 5
# The number of different tracks; further tracks are links to these.
COMPOSED = 16
VARIANT = "timefrequency"
TOLERANCE = 1e-5


def make_tracks(folder: Path, n_tracks: int) -> list[Path]:
    """Tracks of the demo's dances; beyond COMPOSED they repeat."""
    rng = np.random.default_rng(0)
    dances, tracks = list(DANCES.values()), []
    for number in range(min(n_tracks, COMPOSED)):
        path = folder / f"track-{number:03d}.wav"
        score = compose(dances[number % len(dances)], number // len(dances), SECONDS, rng)
        write_wav(path, perform(score, SECONDS, rng))
        tracks.append(path)
    for number in range(COMPOSED, n_tracks):
        path = folder / f"track-{number:03d}.wav"
        path.hardlink_to(tracks[number % COMPOSED])
        tracks.append(path)
    return tracks


def make_models(folder: Path) -> Path:
    """Untrained models, as a packed file and as files for plain_labeller.py."""
    network = network_of(VARIANT, len(DANCES))
    files = []
    for fold in range(N_FOLDS):
        np.savez(folder / f"fold-{fold}.npz", **biased_weights(network, fold))
        files.append(model_files.onnx_of(VARIANT, fold, tuple(DANCES)))
    scaler = model_files.SCALER
    (folder / "network.json").write_text(json.dumps(model_files.described(network)))
    (folder / "scaler.json").write_text(json.dumps({"mean": scaler.mean, "std": scaler.std}))
    path = folder / "model.zip"
    package.write(path, package.together(files), {VARIANT: "Untrained."})
    return path


def run(command: Sequence[object]) -> tuple[float, str]:
    """Run a command; return the seconds from start to end and the output."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - started, done.stdout.decode()


def check(commands: dict[str, list[object]], tracks: list[Path]) -> None:
    """Exit unless the commands give the same probabilities."""
    probabilities = {}
    for name, command in commands.items():
        output = json.loads(run([*command, *tracks])[1])
        if name == "straightforward":
            probabilities[name] = [output[str(track)][1] for track in tracks]
        else:
            probabilities[name] = [list(track["probabilities"].values()) for track in output]
    reference = probabilities["straightforward"]
    error = max(np.abs(np.subtract(p, reference)).max() for p in probabilities.values())
    if not error <= TOLERANCE:
        raise SystemExit(f"the contenders' probabilities differ by {error:.1e}")
    print(f"The contenders' probabilities agree within {error:.1e}.")


def take_turns(
    commands: dict[str, list[object]], tracks: list[Path], rounds: int
) -> dict[str, float]:
    """The median seconds of each command, in alternating runs."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            times[name].append(run([*command, *tracks])[0])
    return {name: float(np.median(seconds)) for name, seconds in times.items()}


def main() -> None:
    """Print the table; with --json, also write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tracks", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="file to write the numbers to")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = make_models(Path(folder))
        tracks = make_tracks(Path(folder), options.tracks)
        ours = ["-m", "workflow_scripts.commands.label", "--model", model, "--format", "json"]
        commands: dict[str, list[object]] = {
            "ours": ours,
            "ours_one_process": [*ours, "--jobs", "1"],
            "straightforward": [ROOT / "benchmarks" / "plain_labeller.py", folder],
        }
        check(commands, tracks[:COMPOSED])
        many = take_turns(commands, tracks, options.rounds)
        one = take_turns(commands, tracks[:1], 2 * options.rounds - 1)
    rates = {name: len(tracks) / seconds for name, seconds in many.items()}
    print(f"{len(tracks)} tracks of {SECONDS} s, and one track, from start to end")
    print(f"{'contender':<18}{'tracks per s':>16}{'ratio':>7}{'one track, s':>14}")
    for name, rate in rates.items():
        ratio = rate / rates["straightforward"]
        print(f"{name:<18}{rate:>16.1f}{ratio:>7.2f}{one[name]:>14.2f}")
    if options.json:
        first = {f"one_track_s_{name}": seconds for name, seconds in one.items()}
        options.json.write_text(json.dumps(rates | first, indent=2) + "\n")


if __name__ == "__main__":
    main()
