"""Train one variant on one fold, or go on where an interrupted training stopped."""

import argparse
import hashlib
import json
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from workflow_scripts.atomic_files import atomic, remove_leftovers
from workflow_scripts.audio.parameters import N_BANDS, SAMPLE_RATE
from workflow_scripts.dataset import split
from workflow_scripts.dataset.augmentation import Augmentation, Augmented
from workflow_scripts.dataset.normalisation import read_scaler
from workflow_scripts.dataset.parts import Fold, Part
from workflow_scripts.dataset.split import Tracks
from workflow_scripts.devices.gpus import claim, why_idle
from workflow_scripts.errors import UserError
from workflow_scripts.interruption import ignore_signals, raise_if_stopped
from workflow_scripts.networks import checkpoint, training, weights
from workflow_scripts.networks.architecture import Network, Weights, donated
from workflow_scripts.networks.display import Display
from workflow_scripts.networks.engine import Engine, engine_class
from workflow_scripts.networks.training import Progress, Settings
from workflow_scripts.process import run
from workflow_scripts.workflow import checkout
from workflow_scripts.workflow.code_digests import digest_of

# What a training takes besides its segments, frameworks included.
OWN_MB = 600


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=Path, nargs="+", required=True, help="shards")
    parser.add_argument("--labels", type=Path, required=True, help="labels.csv")
    parser.add_argument("--folds", type=Path, required=True, help="folds.csv")
    parser.add_argument("--scaler", type=Path, required=True, help="scaler.json")
    parser.add_argument("--variant", required=True, help="its name")
    parser.add_argument("--network", type=json.loads, required=True, help="its JSON description")
    parser.add_argument("--training", type=json.loads, required=True, help="settings as JSON")
    parser.add_argument("--fold", type=int, required=True, help="the fold to keep for the test")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--validation", choices=["tracks", "segments"], default="tracks")
    parser.add_argument(
        "--sampling", choices=["contiguous", "overlapping", "onset"], default="contiguous"
    )
    parser.add_argument("--hop", type=int, default=20, help="of overlapping segments, in frames")
    parser.add_argument("--onsets", type=Path, nargs="*", default=[], help="shards' onsets")
    parser.add_argument("--augmentation", type=json.loads, default={}, help="settings as JSON")
    parser.add_argument("--engine", choices=["mxnet", "torch"], default="mxnet")
    parser.add_argument("--gpus", type=int, default=0, help="0 trains on the CPU")
    parser.add_argument(
        "--donors", type=Path, nargs="*", default=[], help="weights.npz, in the order of init"
    )
    parser.add_argument(
        "--checkpoint-seconds", type=float, default=30, help="time between two checkpoints"
    )
    parser.add_argument(
        "--memory-mb", type=int, default=2000, help="beyond it segments are read when needed"
    )
    parser.add_argument("--model", type=Path, required=True, help="folder to write into")
    return parser.parse_args()


def main() -> None:
    """Command line; Snakemake's rule of the same name calls it."""
    options = parse()
    # Before hours in which the checkout may change.
    made_by = checkout.state()
    tracks = split.read(options.labels, options.folds)
    network = Network.from_config(options.network, N_BANDS, len(tracks.classes))
    train, validation = load(options, tracks, network.frames)
    check(options, tracks, train)
    first = generator(options, 0)
    start = initial_weights(network, first, options.network["init"], options.donors)
    if options.gpus == 0 and (reason := why_idle(options.engine)):
        print(f"note: training on the CPU; {reason}", file=sys.stderr, flush=True)
    with alone(options.model), claim(options.engine, options.gpus) as gpu:
        engine_type = engine_class(options.engine)
        device = "cpu" if gpu is None else gpu.name
        identity = {
            "variant": options.variant,
            "fold": options.fold,
            "seed": options.seed,
            "network": options.network,
            "training": options.training,
            "validation": options.validation,
            "sampling": options.sampling,
            "augmentation": options.augmentation,
            "classes": tracks.classes,
            "engine": options.engine,
            "device": device,
            "versions": {
                "python": platform.python_version(),
                "numpy": np.__version__,
                options.engine: engine_type.VERSION,
            },
            "digests": {
                "code": digest_of("steps/train", f"networks/engine_{options.engine}"),
                "segments": [part.segments.digest() for part in (train, validation)],
                "labels": digest(train.labels, validation.labels),
                "start": digest(*start.values()),
            },
        }
        progress = fit(options, engine_type, network, start, (train, validation), identity)
        save(options.model, progress, identity | made_by, network, (train, validation))


@contextmanager
def alone(model: Path) -> Iterator[None]:
    """Hold this model against other processes; wait for one that trains it.

    Such as a job that outlives the run that started it, when that run alone was killed.
    """
    model.mkdir(parents=True, exist_ok=True)
    lock = FileLock(model / ".lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        print(f"waiting for another process that trains {model}", file=sys.stderr)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def load(options: argparse.Namespace, tracks: Tracks, n_frames: int) -> tuple[Part, Part]:
    """What to train on and what to validate with.

    Validation segments are the paper's whatever the sampling of those to train on.
    """
    scaler = read_scaler(options.scaler, options.fold)
    fold = Fold(tracks, options.fold, options.features, scaler, n_frames)
    if options.validation == "segments":
        rest = fold.part("rest")
        # Not the variant's own randomness: those of one input length share their segments.
        rng = training.generator(options.seed, "validation", options.fold, 0)
        chosen = split.validation_segments(len(rest.labels), tracks.n_folds, rng)
        return rest.of(~chosen), rest.of(chosen)
    hop = options.hop if options.sampling == "overlapping" else None
    return fold.part("train", hop, options.onsets), fold.part("validation")


def check(options: argparse.Namespace, tracks: Tracks, train: Part) -> None:
    """Raise UserError for less than a batch; say which classes the validation set lacks."""
    batch_size = options.training["batch_size"]
    if len(train.labels) < batch_size:
        raise UserError(
            f"fold {options.fold} of {options.variant} has {len(train.labels)} training segments, "
            f"fewer than one batch of {batch_size}; lower training.batch_size or add tracks"
        )
    lacking = tracks.lacking("validation").get(options.fold)
    if lacking and options.validation == "tracks":
        print(
            f"note: the validation set of fold {options.fold} has no track of "
            f"{', '.join(lacking)}, so that the best epoch is chosen without; more tracks, fewer "
            "folds or another group_by mend it",
            file=sys.stderr,
        )


def generator(options: argparse.Namespace, epoch: int) -> np.random.Generator:
    """The randomness of this training's epoch."""
    return training.generator(options.seed, options.variant, options.fold, epoch)


def initial_weights(
    network: Network, rng: np.random.Generator, init: dict[str, str], donors: list[Path]
) -> Weights:
    """Random weights; the trunks named in `init` (trunk: variant) come from their donors."""
    fresh = network.initial_weights(rng)
    trained = {trunk: weights.read(donor) for trunk, donor in zip(init, donors, strict=True)}
    return donated(fresh, trained)


def digest(*arrays: np.ndarray) -> str:
    """SHA-256 of shapes, types and values."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(f"{array.shape} {array.dtype}\n".encode())
        total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()


def fit(
    options: argparse.Namespace,
    engine_type: type[Engine],
    network: Network,
    start: Weights,
    parts: tuple[Part, Part],
    identity: dict[str, Any],
) -> Progress:
    """Train to the end, from the checkpoint if there is one of this very training.

    A checkpoint is written now and then, when a signal ends the training, and at its end: what has
    been trained once is never trained again, and a higher max_epochs goes on from there.
    """
    remove_leftovers(options.model)
    path = checkpoint_of(options.model)
    key = key_of(identity)
    settings = Settings(**options.training)
    progress = checkpoint.read(path, key)
    if progress is None or len(progress.history) > settings.max_epochs:
        progress = Progress.start(start)
    done = len(progress.history)
    if done:
        print(f"going on after epoch {done}", file=sys.stderr)
    engine = engine_type(network, progress.weights, settings.dropout, options.gpus > 0)
    augmentation = Augmentation(**options.augmentation)
    train, validation = parts
    left = (options.memory_mb - OWN_MB) * 1e6
    # Augmented, they are made anew each epoch.
    inputs = train.segments if augmentation.is_on else train.segments.held(left)
    left -= getattr(inputs, "nbytes", 0)
    epochs = training.fit(
        engine,
        (inputs, train.labels),
        (validation.segments.held(left), validation.labels),
        settings,
        lambda epoch: generator(options, epoch),
        progress,
        partial(augmented, train, augmentation) if augmentation.is_on else None,
    )
    title = f"{options.variant}, fold {options.fold}"
    saved = time.monotonic()
    with Display(title, settings.max_epochs, done) as display:
        try:
            for progress in epochs:
                raise_if_stopped()
                display.show(progress.history[-1])
                if time.monotonic() - saved >= options.checkpoint_seconds:
                    checkpoint.write(path, key, progress)
                    saved = time.monotonic()
        except training.DivergedError as reason:
            raise UserError(
                f"training {title} diverged: {reason}; lower training.learning_rate"
            ) from None
        except KeyboardInterrupt:
            ignore_signals()
            if progress.history:
                checkpoint.write(path, key, progress)
            raise
    # A second's work, here and in `save`, that is not worth losing to a signal.
    ignore_signals()
    if len(progress.history) > done:
        checkpoint.write(path, key, progress)
    return progress


def key_of(identity: dict[str, Any]) -> str:
    """What decides the course of a training: all of its identity but how far it goes.

    Nor does it matter which of a cluster's GPUs goes on with it.
    """
    settings = {key: value for key, value in identity["training"].items() if key != "max_epochs"}
    device = "cpu" if identity["device"] == "cpu" else "gpu"
    course = identity | {"training": settings, "device": device}
    return hashlib.sha256(json.dumps(course, sort_keys=True).encode()).hexdigest()


def augmented(train: Part, augmentation: Augmentation, rng: np.random.Generator) -> Augmented:
    """The training segments as one epoch sees them."""
    return Augmented(train.segments, train.labels, augmentation, SAMPLE_RATE / 2, rng)


def checkpoint_of(model: Path) -> Path:
    """Beside the model: a failed job loses its declared outputs, and this is none of them."""
    return model / "checkpoint"


def save(
    model: Path,
    progress: Progress,
    identity: dict[str, Any],
    network: Network,
    parts: tuple[Part, Part],
) -> None:
    """Write the model's three files."""
    weights.write(model / "weights.npz", progress.best_weights)
    history = pd.DataFrame([asdict(epoch) for epoch in progress.history])
    with atomic(model / "history.csv") as path:
        # Without the seconds, two runs of one training leave the same bytes.
        history.drop(columns="seconds").to_csv(path, index=False)
    train, validation = parts
    written = hashlib.sha256((model / "weights.npz").read_bytes()).hexdigest()
    record = identity | {
        "digests": identity["digests"] | {"weights": written},
        "n_parameters": network.n_parameters(),
        "n_train_segments": len(train.labels),
        "n_validation_segments": len(validation.labels),
        "n_epochs": len(history),
        "best_epoch": progress.best.epoch,
        "validation_accuracy": progress.best.validation_accuracy,
        "seconds": float(history["seconds"].sum()),
    }
    with atomic(model / "fit.json") as path:
        path.write_text(json.dumps(record, indent=2))


if __name__ == "__main__":
    run(main)
