"""Train one variant on one fold or several, or continue interrupted trainings."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from workflow_scripts.atomic_files import remove_leftovers
from workflow_scripts.dataset import experiment_data
from workflow_scripts.dataset.augmentation import Augmentation
from workflow_scripts.dataset.experiment_data import ExperimentData
from workflow_scripts.devices.gpus import claim, why_idle
from workflow_scripts.interruption import raise_on_signals
from workflow_scripts.networks import folds_together, side_by_side
from workflow_scripts.networks.engine import engine_class
from workflow_scripts.networks.fold_training import FoldFiles, FoldTraining
from workflow_scripts.networks.preparation import prepare
from workflow_scripts.process import run
from workflow_scripts.workflow import checkout
from workflow_scripts.workflow.code_digests import digest_of


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    experiment_data.add_options(parser)
    parser.add_argument("--variant", required=True, help="name of the variant")
    parser.add_argument("--network", type=json.loads, required=True, help="description as JSON")
    parser.add_argument("--training", type=json.loads, required=True, help="settings as JSON")
    parser.add_argument(
        "--fold",
        type=int,
        nargs="+",
        required=True,
        help="the folds to test; the options of files have a file for each",
    )
    parser.add_argument("--seed", type=int, required=True, help="seed of the random numbers")
    parser.add_argument(
        "--validation",
        choices=["tracks", "segments"],
        default="tracks",
        help="validate on the next fold, or on segments of training tracks",
    )
    parser.add_argument(
        "--sampling",
        choices=["contiguous", "overlapping", "onset"],
        default="contiguous",
        help="where training segments start",
    )
    parser.add_argument("--hop", type=int, default=20, help="frames from segment to segment")
    parser.add_argument("--onsets", type=Path, nargs="*", default=[], help="onsets/shard-<i>.csv")
    parser.add_argument("--augmentation", type=json.loads, default={}, help="settings as JSON")
    parser.add_argument("--engine", choices=["mxnet", "torch"], default="mxnet")
    parser.add_argument("--gpus", type=int, default=0, help="1, or 0 to train on the CPU")
    parser.add_argument(
        "--trainings-per-gpu", type=int, default=1, help="processes that may share a GPU"
    )
    parser.add_argument(
        "--donors",
        type=Path,
        nargs="*",
        default=[],
        help="weights.npz files: for each fold, in the order of init",
    )
    parser.add_argument(
        "--checkpoint-seconds", type=float, default=30, help="seconds between checkpoints"
    )
    parser.add_argument(
        "--memory-mb",
        type=int,
        default=2000,
        help="memory in MB; segments that do not fit are read on demand",
    )
    for name, written in {
        "checkpoint": "files to continue from",
        "weights": ".npz to write",
        "history": "CSV to write",
        "fit": "JSON to write",
    }.items():
        parser.add_argument(f"--{name}", type=Path, nargs="+", required=True, help=written)
    parser.add_argument(
        "--adopted", type=Path, nargs="*", help="folders of another checkout's models"
    )
    options = parser.parse_args()
    n_folds = len(options.fold)
    for name in ("checkpoint", "weights", "history", "fit"):
        if len(getattr(options, name)) != n_folds:
            parser.error(f"--{name} needs a file for each fold")
    if len(options.donors) != n_folds * len(options.network["init"]):
        parser.error("--donors needs a file for each fold and each trunk of init")
    return options


def main() -> None:
    """Read features, folds, scaler and donors; write weights.npz, history.csv and fit.json."""
    options = parse()
    # Read first: the checkout may change during the training.
    commit = checkout.state()
    files = files_of(options)
    data = ExperimentData.read(options)
    if options.gpus == 0 and (reason := why_idle(options.engine)):
        print(f"note: training on the CPU; {reason}", file=sys.stderr, flush=True)
    with claim(options.engine, options.gpus, options.trainings_per_gpu) as gpu:
        device = "cpu" if gpu is None else gpu.name
        code = digest_of("steps/train", f"networks/engine_{options.engine}")
        read = partial(prepare, options, data, device=device, code=code)
        if trains_together(options) and train_together(files, read, commit):
            return
        for own in files:
            # After its last epoch a training only notes signals, until its model is written.
            raise_on_signals()
            if len(files) > 1:
                print(f"fold {own.fold}:", file=sys.stderr)
            with locked(own.checkpoint):
                training = read(own)
                if not training.is_taken_over():
                    training.write(training.fit(), commit)


def trains_together(options: argparse.Namespace) -> bool:
    """Whether this job trains its folds side by side.

    Augmented segments are computed again for each epoch, so they are not on the GPU.
    """
    if len(options.fold) == 1 or Augmentation(**options.augmentation).is_on:
        return False
    return side_by_side.gains(engine_class(options.engine), options.gpus > 0)


def train_together(
    files: Sequence[FoldFiles], read: Callable[[FoldFiles], FoldTraining], commit: Mapping[str, Any]
) -> bool:
    """Train all folds in one computation; False if their segments do not fit in memory."""
    with ExitStack() as locks:
        for own in files:
            locks.enter_context(locked(own.checkpoint))
        trainings = [training for own in files if not (training := read(own)).is_taken_over()]
        progress = folds_together.fit(trainings) if trainings else []
        if progress is None:
            return False
        for training, reached in zip(trainings, progress, strict=True):
            training.write(reached, commit)
    return True


def files_of(options: argparse.Namespace) -> list[FoldFiles]:
    """The files of each fold of this job."""
    # The donors of the first fold come first.
    n_donors = len(options.network["init"])
    return [
        FoldFiles(
            fold,
            options.checkpoint[i],
            options.weights[i],
            options.history[i],
            options.fit[i],
            options.adopted[i] if options.adopted else None,
            options.donors[i * n_donors : (i + 1) * n_donors],
        )
        for i, fold in enumerate(options.fold)
    ]


@contextmanager
def locked(checkpoint: Path) -> Iterator[None]:
    """Lock this model against other processes; wait for a process that trains it.

    A job outlives its run if only Snakemake is killed.
    """
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(checkpoint.with_name(".lock"))
    try:
        lock.acquire(blocking=False)
    except Timeout:
        print(f"waiting for another process that trains {checkpoint.parent}", file=sys.stderr)
        lock.acquire()
    try:
        remove_leftovers(checkpoint.parent)
        yield
    finally:
        lock.release()


if __name__ == "__main__":
    run(main)
