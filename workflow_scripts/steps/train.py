"""Train one variant on one fold, or continue an interrupted training."""

import argparse
import json
import platform
import resource
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from workflow_scripts.atomic_files import atomic, remove_leftovers
from workflow_scripts.dataset import experiment_data, split
from workflow_scripts.dataset.augmentation import Augmentation, Augmented
from workflow_scripts.dataset.experiment_data import ExperimentData
from workflow_scripts.dataset.memory_budget import MemoryBudget
from workflow_scripts.dataset.parts import Part
from workflow_scripts.dataset.split import Tracks
from workflow_scripts.devices.gpus import claim, why_idle
from workflow_scripts.errors import UserError, listed, printable
from workflow_scripts.networks import training, weights
from workflow_scripts.networks.architecture import Network, Weights, donated
from workflow_scripts.networks.checkpoint import Checkpoint
from workflow_scripts.networks.display import Display
from workflow_scripts.networks.engine import Engine, engine_class
from workflow_scripts.networks.explosion import explosion, sentences
from workflow_scripts.networks.identity import Identity, ModelKey, digest_of_arrays
from workflow_scripts.networks.trained_model import TrainedModel
from workflow_scripts.networks.training import Progress, Settings
from workflow_scripts.networks.training_run import run_to_end
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
    parser.add_argument("--fold", type=int, required=True, help="the fold to test")
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
        "--donors", type=Path, nargs="*", default=[], help="weights.npz files, in the order of init"
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
    parser.add_argument("--checkpoint", type=Path, required=True, help="file to continue from")
    parser.add_argument("--adopted", type=Path, help="folder of another checkout's model")
    parser.add_argument("--weights", type=Path, required=True, help=".npz to write")
    parser.add_argument("--history", type=Path, required=True, help="CSV to write")
    parser.add_argument("--fit", type=Path, required=True, help="JSON to write")
    return parser.parse_args()


def main() -> None:
    """Read features, folds, scaler and donors; write weights.npz, history.csv and fit.json."""
    options = parse()
    # Read first: the checkout may change during the training.
    commit = checkout.state()
    data = ExperimentData.read(options)
    network = Network.from_config(options.network, data.front_end.n_bands, len(data.tracks.classes))
    train, validation = load(options, data, network.frames)
    check(options, data.tracks, train)
    start = donated(network.initial_weights(generator(options, 0)), donors(options, data.tracks))
    if options.gpus == 0 and (reason := why_idle(options.engine)):
        print(f"note: training on the CPU; {reason}", file=sys.stderr, flush=True)
    key = ModelKey.of(options.variant, options.fold, data.tracks)
    model = TrainedModel(options.weights, options.history, options.fit, key)
    settings = Settings(**options.training)
    with locked(options.checkpoint), claim(options.engine, options.gpus) as gpu:
        engine_type = engine_class(options.engine)
        device = "cpu" if gpu is None else gpu.name
        own = identity(options, data.tracks.classes, (train, validation), start, device)
        adopted = TrainedModel.in_folder(options.adopted, key) if options.adopted else None
        if adopted is not None and adopted.is_finished(own, settings):
            print(f"trained by another checkout; copied from {options.adopted}", file=sys.stderr)
            adopted.copy_to(model)
            return
        if options.adopted and not options.checkpoint.exists():
            continue_from(options.adopted / options.checkpoint.name, options.checkpoint)
        checkpoint = Checkpoint(options.checkpoint, own.course(), options.checkpoint_seconds)
        progress = fit(options, engine_type, network, start, (train, validation), checkpoint)
        exploded = explosion(progress.history, network.n_classes)
        record = asdict(own) | {"explosion": exploded}
        for note in sentences([record]):
            print(f"note: {note}", file=sys.stderr)
        model.write(
            progress,
            own,
            {
                "n_parameters": network.n_parameters(),
                "n_train_segments": len(train.labels),
                "n_validation_segments": len(validation.labels),
                "peak_memory_mb": peak_memory_mb(),
                "explosion": exploded,
                "trained_on": datetime.now(UTC).date().isoformat(),
            }
            | commit,
        )


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


def continue_from(adopted: Path, checkpoint: Path) -> None:
    """Copy the checkpoint of another checkout, if there is one, to `checkpoint`."""
    if adopted.is_file():
        with atomic(checkpoint) as path:
            shutil.copyfile(adopted, path)


def load(options: argparse.Namespace, data: ExperimentData, n_frames: int) -> tuple[Part, Part]:
    """The training and the validation segments.

    Validation segments are always contiguous, as in the paper.
    """
    fold = data.fold(options.fold, n_frames)
    if options.validation == "segments":
        rest = fold.part("rest")
        # Independent of the variant: variants of one input length share their segments.
        rng = training.generator(options.seed, "validation", options.fold, 0)
        chosen = split.validation_segments(len(rest.labels), data.tracks.n_folds, rng)
        return rest.of(~chosen), rest.of(chosen)
    hop = options.hop if options.sampling == "overlapping" else None
    return fold.part("train", hop, options.onsets), fold.part("validation")


def check(options: argparse.Namespace, tracks: Tracks, train: Part) -> None:
    """Raise UserError for less than one batch; print the classes that validation lacks."""
    batch_size = options.training["batch_size"]
    if len(train.labels) < batch_size:
        raise UserError(
            f"fold {options.fold} of {options.variant} has {len(train.labels)} training segments, "
            f"fewer than one batch of {batch_size}; lower training.batch_size or add tracks"
        )
    missing = tracks.lacking("validation").get(options.fold)
    if missing and options.validation == "tracks":
        print(
            f"note: the validation set of fold {options.fold} has no track of "
            f"{printable(listed(missing))}, so these classes do not count when the best epoch is "
            "chosen; add tracks, lower folds or change group_by",
            file=sys.stderr,
        )


def generator(options: argparse.Namespace, epoch: int) -> np.random.Generator:
    """The random generator of an epoch of this training."""
    return training.generator(options.seed, options.variant, options.fold, epoch)


def donors(options: argparse.Namespace, tracks: Tracks) -> dict[str, Weights]:
    """The weights of the donor of each trunk in `init` (trunk: variant)."""
    files = zip(options.network["init"].items(), options.donors, strict=True)
    return {
        trunk: weights.read(npz, ModelKey.of(variant, options.fold, tracks))
        for (trunk, variant), npz in files
    }


def identity(
    options: argparse.Namespace,
    classes: list[str],
    parts: tuple[Part, Part],
    start: Weights,
    device: str,
) -> Identity:
    """The identity of this training."""
    return Identity(
        variant=options.variant,
        fold=options.fold,
        seed=options.seed,
        network=options.network,
        training=options.training,
        validation=options.validation,
        sampling=options.sampling,
        level=parts[0].segments.features.level,
        augmentation=options.augmentation,
        front_end=options.front_end.settings,
        classes=classes,
        engine=options.engine,
        digests={
            "code": digest_of("steps/train", f"networks/engine_{options.engine}"),
            "segments": [part.segments.digest() for part in parts],
            "labels": digest_of_arrays(*(part.labels for part in parts)),
            "start": digest_of_arrays(*start.values()),
        },
        device=device,
        versions={
            "python": platform.python_version(),
            "numpy": np.__version__,
            options.engine: engine_class(options.engine).VERSION,
        },
    )


def fit(
    options: argparse.Namespace,
    engine_type: type[Engine],
    network: Network,
    start: Weights,
    parts: tuple[Part, Part],
    checkpoint: Checkpoint,
) -> Progress:
    """Train to the end; continue from the checkpoint if it is of this training."""
    settings = Settings(**options.training)
    progress = checkpoint.resume(start, settings.max_epochs)
    n_done = len(progress.history)
    if n_done:
        print(f"continuing after epoch {n_done}", file=sys.stderr)
    train, validation = parts
    augmentation = Augmentation(**options.augmentation)
    memory = MemoryBudget(options.memory_mb)
    # Augmented segments are computed again in each epoch.
    inputs = train.segments if augmentation.is_on else memory.hold(train.segments)
    epochs = training.fit(
        engine_type(
            network,
            progress.weights,
            settings.dropout,
            options.gpus > 0,
            class_weights(settings, train.labels, network.n_classes),
        ),
        (inputs, train.labels),
        (memory.hold(validation.segments), validation.labels),
        settings,
        lambda epoch: generator(options, epoch),
        progress,
        partial(augmented, train, augmentation) if augmentation.is_on else None,
    )
    title = f"{options.variant}, fold {options.fold}"
    return run_to_end(epochs, progress, checkpoint, Display(title, settings.max_epochs, n_done))


def class_weights(settings: Settings, labels: np.ndarray, n_classes: int) -> np.ndarray | None:
    """The weights of the classes in the loss, float32 (classes,); None for plain cross-entropy."""
    if settings.class_weights == "none":
        return None
    return training.balanced_weights(labels, n_classes).astype(np.float32)


def augmented(train: Part, augmentation: Augmentation, rng: np.random.Generator) -> Augmented:
    """The training segments of one epoch."""
    return Augmented(train.segments, train.labels, augmentation, rng)


def peak_memory_mb() -> float:
    """The peak memory of this process so far, in MB."""
    # Kilobytes on Linux, bytes on macOS.
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)


if __name__ == "__main__":
    run(main)
