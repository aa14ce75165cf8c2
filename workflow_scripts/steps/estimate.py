"""Estimate how long the trainings take on this machine from a few steps of each variant."""

import argparse
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path

from workflow_scripts.dataset.experiment_data import add_front_end
from workflow_scripts.durations import duration
from workflow_scripts.networks import epoch_work, pace
from workflow_scripts.networks.architecture import Network
from workflow_scripts.networks.epoch_work import EpochWork
from workflow_scripts.process import run
from workflow_scripts.run_display import schedule
from workflow_scripts.run_display.schedule import Task


def main() -> None:
    """Read the tracks' lengths, time some steps and print the table; write no file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--variants", type=json.loads, required=True, help="network and training of each, as JSON"
    )
    parser.add_argument("--n-folds", type=int, required=True)
    parser.add_argument("--n-seeds", type=int, default=1, help="repetitions of all folds")
    parser.add_argument("--folds-per-job", type=int, default=1, help="folds that one job trains")
    parser.add_argument("--engine", choices=["mxnet", "torch"], default="mxnet")
    parser.add_argument("--cores", type=int, required=True, help="concurrent trainings on CPUs")
    parser.add_argument(
        "--gpus", type=int, default=0, help="concurrent trainings on GPUs; 0 for CPUs"
    )
    parser.add_argument(
        "--trainings-per-gpu", type=int, default=1, help="those of them that share a GPU"
    )
    parser.add_argument(
        "--hop", type=int, help="frames between training segments, if not their length"
    )
    parser.add_argument("--index", type=Path, nargs="*", help="features/shard-<i>.csv")
    parser.add_argument("--folds", type=Path, help="folds.csv; without it, Ballroom is assumed")
    add_front_end(parser)
    options = parser.parse_args()

    n_parallel = options.gpus or options.cores
    n_timed = n_parallel if options.gpus else min(n_parallel, os.cpu_count() or 1)
    front_end = options.front_end
    if options.folds is None:
        corpus = epoch_work.ballroom(front_end)
    else:
        corpus = epoch_work.read(options.index, options.folds, front_end)
    settings = {name: variant["training"] for name, variant in options.variants.items()}
    subjects = {
        name: pace.Subject(
            Network.from_config(variant["network"], front_end.n_bands, corpus.n_classes),
            settings[name]["batch_size"],
            settings[name]["dropout"],
        )
        for name, variant in options.variants.items()
    }
    epochs = {
        name: EpochWork.of(corpus, name, subject, options.n_folds, options.hop)
        for name, subject in subjects.items()
    }
    startup, paces = pace.measure(
        subjects, options.engine, n_timed, options.trainings_per_gpu if options.gpus else 0
    )
    folds = {
        name: settings[name]["max_epochs"] * epoch.seconds(paces[name])
        for name, epoch in epochs.items()
    }
    jobs = {name: startup + options.folds_per_job * fold for name, fold in folds.items()}

    n_jobs = options.n_folds * options.n_seeds // options.folds_per_job
    of_seeds = f" of {options.n_seeds} seeds" if options.n_seeds > 1 else ""
    device = f"{options.cores} core(s)"
    if options.gpus:
        n_gpus = math.ceil(options.gpus / options.trainings_per_gpu)
        device = f"{n_gpus} GPU(s), {options.trainings_per_gpu} training(s) on each"
    folds_text = "a fixed split" if corpus.fixed else f"{options.n_folds} folds"
    print(
        f"{options.engine}, {device}, {corpus.description}, {folds_text}{of_seeds}; "
        f"{n_timed} timed in parallel"
    )
    print(f"{'variant':<24}{'ms/step':>10}{'epochs':>8}{'one fold':>12}{'all folds':>12}")
    for name, fold in folds.items():
        step, n_epochs = paces[name].step * 1000, settings[name]["max_epochs"]
        all_folds = math.ceil(n_jobs / n_parallel) * jobs[name]
        times = f"{duration(startup + fold):>12}{duration(all_folds):>12}"
        print(f"{name:<24}{step:>10.2f}{n_epochs:>8}{times}")
    donors = {name: set(v["network"]["init"].values()) for name, v in options.variants.items()}
    # The folds of another seed are further folds here: none waits for another one.
    total = makespan(jobs, donors, n_jobs, n_parallel)
    n_trainings = len(folds) * options.n_folds * options.n_seeds
    print(
        "A training ends earlier if its learning rate falls below min_learning_rate.\n"
        f"All {n_trainings} trainings take at most {duration(total)}."
    )


def makespan(
    seconds: Mapping[str, float], donors: Mapping[str, set[str]], n_folds: int, n_workers: int
) -> float:
    """Seconds until the last training ends, on `n_workers` that start the longest ready one first.

    `seconds` has the duration of one fold of each variant. A variant waits for the same fold of its
    donors.
    """
    tasks = {
        (name, fold): Task(fold_seconds, {(donor, fold) for donor in donors[name]})
        for name, fold_seconds in seconds.items()
        for fold in range(n_folds)
    }
    return schedule.makespan(tasks, n_workers)


if __name__ == "__main__":
    run(main)
