"""Print how long the trainings will take on this machine: times a few steps of each variant."""

import argparse
import heapq
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.audio.parameters import N_BANDS
from workflow_scripts.networks import pace
from workflow_scripts.networks.architecture import Network
from workflow_scripts.step import UserError, run

# Ballroom before it is here: tracks, frames of 30 s, classes.
BALLROOM = (698, 1293, 8)


def main() -> None:
    """Command line; Snakemake's rule of the same name calls it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variants", type=json.loads, required=True, help="of config.yaml, JSON")
    parser.add_argument("--training", type=json.loads, required=True, help="settings as JSON")
    parser.add_argument("--n-folds", type=int, required=True)
    parser.add_argument("--engine", choices=["mxnet", "torch"], default="mxnet")
    parser.add_argument("--cores", type=int, required=True, help="trainings at once on CPUs")
    parser.add_argument("--gpus", type=int, default=0, help="trainings at once on GPUs, if any")
    parser.add_argument("--lengths", type=Path, help="lengths.csv; without it, Ballroom's")
    parser.add_argument("--labels", type=Path, help="labels.csv; without it, Ballroom's")
    options = parser.parse_args()

    at_once = options.gpus or options.cores
    here = at_once if options.gpus else min(at_once, os.cpu_count() or 1)
    if options.lengths:
        frames = pd.read_csv(options.lengths)["n_frames"].to_numpy()
        n_classes = pd.read_csv(options.labels)["label"].nunique()
        data = f"{len(frames)} tracks"
    else:
        n_tracks, n_frames, n_classes = BALLROOM
        frames = np.full(n_tracks, n_frames)
        data = f"Ballroom's {n_tracks} tracks (not here yet; taken as 30 s each)"
    settings = {
        name: options.training | variant.get("training", {})
        for name, variant in options.variants.items()
    }
    subjects = {
        name: pace.Subject(
            Network.from_config(variant, N_BANDS, n_classes),
            settings[name]["batch_size"],
            settings[name]["dropout"],
        )
        for name, variant in options.variants.items()
    }
    n_segments = {name: (frames // s.network.frames).sum() for name, s in subjects.items()}
    n_steps = {
        name: n_segments[name] * (options.n_folds - 2) / options.n_folds // subject.batch_size
        for name, subject in subjects.items()
    }
    for name, steps in n_steps.items():
        if not steps:
            raise UserError(
                f"{data} make no batch of {subjects[name].batch_size} for {name}; lower "
                "training.batch_size or add tracks"
            )
    ready, paces = pace.measure(subjects, options.engine, here, options.gpus > 0)
    folds = {}
    for name in subjects:
        predictions = n_segments[name] / options.n_folds
        epoch = n_steps[name] * paces[name].step + predictions * paces[name].prediction
        folds[name] = ready + settings[name]["max_epochs"] * epoch

    device = f"{options.gpus} GPU(s)" if options.gpus else f"{options.cores} core(s)"
    print(f"{options.engine}, {device}, {data}, {options.n_folds} folds; {here} timed side by side")
    print(f"{'variant':<24}{'ms a step':>10}{'epochs':>8}{'one fold':>12}{'all folds':>12}")
    for name, fold in folds.items():
        step, epochs = paces[name].step * 1000, settings[name]["max_epochs"]
        row = math.ceil(options.n_folds / at_once) * fold
        print(f"{name:<24}{step:>10.2f}{epochs:>8}{told(fold):>12}{told(row):>12}")
    donors = {name: set(v.get("init", {}).values()) for name, v in options.variants.items()}
    total = makespan(folds, donors, options.n_folds, at_once)
    print(f"{'all trainings':<24}{'':>30}{told(total):>12}")
    print("At most: a training ends sooner when its learning rate falls below min_learning_rate.")


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
