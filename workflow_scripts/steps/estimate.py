"""Print how long the trainings will take on this machine: times a few steps of each variant."""

import argparse
import heapq
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workflow_scripts.audio.parameters import N_BANDS
from workflow_scripts.dataset import split
from workflow_scripts.dataset.features import look_up
from workflow_scripts.dataset.sampling import regular
from workflow_scripts.errors import UserError
from workflow_scripts.networks import pace
from workflow_scripts.networks.architecture import Network
from workflow_scripts.process import run

BALLROOM_TRACKS, BALLROOM_CLASSES = 698, 8
FRAMES_OF_30_S = 1293


@dataclass(frozen=True)
class Corpus:
    """What will be trained on: in words, the frames of each track, the number of classes."""

    name: str
    frames: np.ndarray
    n_classes: int


def main() -> None:
    """Command line; Snakemake's rule of the same name calls it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--variants", type=json.loads, required=True, help="network and training of each, as JSON"
    )
    parser.add_argument("--n-folds", type=int, required=True)
    parser.add_argument("--engine", choices=["mxnet", "torch"], default="mxnet")
    parser.add_argument("--cores", type=int, required=True, help="trainings at once on CPUs")
    parser.add_argument("--gpus", type=int, default=0, help="trainings at once on GPUs, if any")
    parser.add_argument(
        "--hop", type=int, help="frames between segments to train on, if not theirs"
    )
    parser.add_argument("--index", type=Path, nargs="*", help="features/shard-<i>.csv")
    parser.add_argument("--folds", type=Path, help="folds.csv; without it, Ballroom is assumed")
    options = parser.parse_args()

    at_once = options.gpus or options.cores
    here = at_once if options.gpus else min(at_once, os.cpu_count() or 1)
    corpus = ballroom() if options.folds is None else read(options.index, options.folds)
    settings = {name: variant["training"] for name, variant in options.variants.items()}
    subjects = {
        name: pace.Subject(
            Network.from_config(variant["network"], N_BANDS, corpus.n_classes),
            settings[name]["batch_size"],
            settings[name]["dropout"],
        )
        for name, variant in options.variants.items()
    }
    epochs = {
        name: EpochWork.of(corpus, name, s, options.n_folds, options.hop)
        for name, s in subjects.items()
    }
    ready, paces = pace.measure(subjects, options.engine, here, options.gpus > 0)
    folds = {
        name: ready + settings[name]["max_epochs"] * epoch.seconds(paces[name])
        for name, epoch in epochs.items()
    }

    device = f"{options.gpus} GPU(s)" if options.gpus else f"{options.cores} core(s)"
    print(
        f"{options.engine}, {device}, {corpus.name}, {options.n_folds} folds; "
        f"{here} timed side by side"
    )
    print(f"{'variant':<24}{'ms a step':>10}{'epochs':>8}{'one fold':>12}{'all folds':>12}")
    for name, fold in folds.items():
        step, n_epochs = paces[name].step * 1000, settings[name]["max_epochs"]
        row = math.ceil(options.n_folds / at_once) * fold
        print(f"{name:<24}{step:>10.2f}{n_epochs:>8}{told(fold):>12}{told(row):>12}")
    donors = {name: set(v["network"]["init"].values()) for name, v in options.variants.items()}
    total = makespan(folds, donors, options.n_folds, at_once)
    print(f"{'all trainings':<24}{'':>30}{told(total):>12}")
    print("At most: a training ends sooner when its learning rate falls below min_learning_rate.")


def ballroom() -> Corpus:
    """Ballroom before it is here."""
    name = f"Ballroom's {BALLROOM_TRACKS} tracks (not here yet; taken as 30 s each)"
    return Corpus(name, np.full(BALLROOM_TRACKS, FRAMES_OF_30_S), BALLROOM_CLASSES)


def read(index: Sequence[Path], folds: Path) -> Corpus:
    """The tracks that are used, after their features have been extracted."""
    tracks = split.read(folds)
    frames = look_up(index, tracks.digest)["n_frames"].to_numpy()
    return Corpus(f"{len(frames)} tracks", frames, len(tracks.classes))


@dataclass(frozen=True)
class EpochWork:
    """Of one variant on one fold, on average: its steps, and the segments it validates on."""

    n_steps: float
    n_predictions: float

    @classmethod
    def of(
        cls,
        corpus: Corpus,
        variant: str,
        subject: pace.Subject,
        n_folds: int,
        hop: int | None = None,
    ) -> "EpochWork":
        """All folds but two train, one validates; segments to train on start every `hop` frames.

        Raises UserError for less than a batch.
        """
        n_frames = subject.network.frames
        n_segments = (corpus.frames // n_frames).sum()
        sampled = len(regular(corpus.frames, n_frames, hop or n_frames)[0])
        n_steps = sampled * (n_folds - 2) / n_folds // subject.batch_size
        if not n_steps:
            raise UserError(
                f"{corpus.name} make no batch of {subject.batch_size} for {variant}; lower "
                "training.batch_size or add tracks"
            )
        return cls(n_steps, n_segments / n_folds)

    def seconds(self, measured: pace.Pace) -> float:
        """How long it takes at this pace."""
        return self.n_steps * measured.step + self.n_predictions * measured.prediction


def told(seconds: float) -> str:
    """A duration in the unit that suits it."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def makespan(
    seconds: Mapping[str, float], donors: Mapping[str, set[str]], n_folds: int, n_workers: int
) -> float:
    """When the last training ends if each of `n_workers` always takes the longest one that may run.

    `seconds` is that of one fold of each variant; a variant waits for its donors' same fold.
    """
    waiting = {(name, fold) for name in seconds for fold in range(n_folds)}
    running: list[tuple[float, tuple[str, int]]] = []
    done: set[tuple[str, int]] = set()
    now = 0.0
    while waiting or running:
        ready = [
            (name, fold)
            for name, fold in waiting
            if all((donor, fold) in done for donor in donors[name])
        ]
        ready.sort(key=lambda job: (-seconds[job[0]], job))
        for job in ready[: n_workers - len(running)]:
            waiting.remove(job)
            heapq.heappush(running, (now + seconds[job[0]], job))
        now, finished = heapq.heappop(running)
        done.add(finished)
    return now


if __name__ == "__main__":
    run(main)
