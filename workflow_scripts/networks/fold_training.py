"""One fold's training in a step: its data, where it starts, and the files it writes."""

import argparse
import platform
import resource
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.atomic_files import atomic
from workflow_scripts.dataset import split
from workflow_scripts.dataset.augmentation import Augmentation, Augmented
from workflow_scripts.dataset.experiment_data import ExperimentData
from workflow_scripts.dataset.memory_budget import MemoryBudget
from workflow_scripts.dataset.parts import Part
from workflow_scripts.dataset.split import Tracks
from workflow_scripts.errors import UserError, listed, printable
from workflow_scripts.networks import training, weights
from workflow_scripts.networks.architecture import Network, Weights, donated
from workflow_scripts.networks.checkpoint import Checkpoint
from workflow_scripts.networks.display import Display
from workflow_scripts.networks.engine import engine_class
from workflow_scripts.networks.explosion import explosion, sentences
from workflow_scripts.networks.identity import Identity, ModelKey, digest_of_arrays
from workflow_scripts.networks.trained_model import TrainedModel
from workflow_scripts.networks.training import Progress, Settings
from workflow_scripts.networks.training_run import FoldRun, alone, run_to_end


@dataclass(frozen=True)
class FoldFiles:
    """The files of the training of one fold.

    `adopted` is the folder of the same model of another checkout, if any. `donors` are the weights
    that the training starts from, in the order of the network's `init`.
    """

    fold: int
    checkpoint: Path
    weights: Path
    history: Path
    fit: Path
    adopted: Path | None
    donors: Sequence[Path]


@dataclass(frozen=True)
class FoldTraining:
    """The training of a variant on one fold. `options` are those of steps/train.py."""

    options: argparse.Namespace
    files: FoldFiles
    network: Network
    train: Part
    validation: Part
    start: Weights
    identity: Identity
    key: ModelKey

    @classmethod
    def of(
        cls,
        options: argparse.Namespace,
        data: ExperimentData,
        files: FoldFiles,
        device: str,
        code: str,
    ) -> "FoldTraining":
        """Read what the training needs; segments are read on demand.

        `device` is "cpu" or the name of the GPU, `code` the digest of the code of the step.

        Raises UserError for less than one batch.
        """
        network = Network.from_config(
            options.network, data.front_end.n_bands, len(data.tracks.classes)
        )
        train, validation = _load(options, data, files.fold, network.frames)
        _check(options, data.tracks, files.fold, train)
        start = donated(
            network.initial_weights(_generator(options, files.fold, 0)),
            _donors(options, files, data.tracks),
        )
        identity = Identity(
            variant=options.variant,
            fold=files.fold,
            seed=options.seed,
            network=options.network,
            training=options.training,
            validation=options.validation,
            sampling=options.sampling,
            level=train.segments.features.level,
            augmentation=options.augmentation,
            front_end=options.front_end.settings,
            classes=data.tracks.classes,
            engine=options.engine,
            digests={
                "code": code,
                "segments": [part.segments.digest() for part in (train, validation)],
                "labels": digest_of_arrays(train.labels, validation.labels),
                "start": digest_of_arrays(*start.values()),
            },
            device=device,
            versions={
                "python": platform.python_version(),
                "numpy": np.__version__,
                options.engine: engine_class(options.engine).VERSION,
            },
        )
        key = ModelKey.of(options.variant, files.fold, data.tracks)
        return cls(options, files, network, train, validation, start, identity, key)

    @property
    def settings(self) -> Settings:
        """The settings of gradient descent."""
        return Settings(**self.options.training)

    @property
    def model(self) -> TrainedModel:
        """The files of the trained model."""
        return TrainedModel(self.files.weights, self.files.history, self.files.fit, self.key)

    def is_taken_over(self) -> bool:
        """Copy the model of another checkout if it is the result of this training.

        Otherwise copy its checkpoint, unless there is one here.
        """
        folder = self.files.adopted
        if folder is None:
            return False
        adopted = TrainedModel.in_folder(folder, self.key)
        if adopted.is_finished(self.identity, self.settings):
            print(f"trained by another checkout; copied from {folder}", file=sys.stderr)
            adopted.copy_to(self.model)
            return True
        checkpoint = folder / self.files.checkpoint.name
        if checkpoint.is_file() and not self.files.checkpoint.exists():
            with atomic(self.files.checkpoint) as path:
                shutil.copyfile(checkpoint, path)
        return False

    def fit(self) -> Progress:
        """Train to the end; continue from the checkpoint if it is of this training."""
        run = self.run()
        settings = self.settings
        memory = MemoryBudget(self.options.memory_mb)
        augmentation = Augmentation(**self.options.augmentation)
        # Augmented segments are computed again in each epoch.
        inputs = self.train.segments if augmentation.is_on else memory.hold(self.train.segments)
        epochs = training.fit(
            engine_class(self.options.engine)(
                self.network,
                run.progress.weights,
                settings.dropout,
                self.options.gpus > 0,
                self.class_weights(),
            ),
            (inputs, self.train.labels),
            (memory.hold(self.validation.segments), self.validation.labels),
            settings,
            self.generator,
            run.progress,
            partial(_augmented, self.train, augmentation) if augmentation.is_on else None,
        )
        run_to_end(alone(epochs), [run])
        return run.progress

    def run(self) -> FoldRun:
        """The run of this training, from its checkpoint on."""
        seconds = self.options.checkpoint_seconds
        checkpoint = Checkpoint(self.files.checkpoint, self.identity.course(), seconds)
        progress = checkpoint.resume(self.start, self.settings.max_epochs)
        n_done = len(progress.history)
        if n_done:
            print(f"continuing after epoch {n_done}", file=sys.stderr)
        title = f"{self.options.variant}, fold {self.files.fold}"
        return FoldRun(progress, checkpoint, Display(title, self.settings.max_epochs, n_done))

    def generator(self, epoch: int) -> np.random.Generator:
        """The random generator of an epoch."""
        return _generator(self.options, self.files.fold, epoch)

    def class_weights(self) -> np.ndarray | None:
        """The weights of the classes in the loss, float32 (classes,); None if it has none."""
        if self.settings.class_weights == "none":
            return None
        balanced = training.balanced_weights(self.train.labels, self.network.n_classes)
        return balanced.astype(np.float32)

    def write(self, progress: Progress, commit: Mapping[str, Any]) -> None:
        """Write the model; print notes on a training that exploded. `commit` goes to fit.json."""
        exploded = explosion(progress.history, self.network.n_classes)
        for note in sentences([asdict(self.identity) | {"explosion": exploded}]):
            print(f"note: {note}", file=sys.stderr)
        self.model.write(
            progress,
            self.identity,
            {
                "n_parameters": self.network.n_parameters(),
                "n_train_segments": len(self.train.labels),
                "n_validation_segments": len(self.validation.labels),
                "peak_memory_mb": _peak_memory_mb(),
                "explosion": exploded,
                "trained_on": datetime.now(UTC).date().isoformat(),
            }
            | dict(commit),
        )


def _load(
    options: argparse.Namespace, data: ExperimentData, number: int, n_frames: int
) -> tuple[Part, Part]:
    """The training and the validation segments.

    Validation segments are always contiguous, as in the paper.
    """
    fold = data.fold(number, n_frames)
    if options.validation == "segments":
        rest = fold.part("rest")
        # Independent of the variant: variants of one input length share their segments.
        rng = training.generator(options.seed, "validation", number, 0)
        chosen = split.validation_segments(len(rest.labels), data.tracks.n_folds, rng)
        return rest.of(~chosen), rest.of(chosen)
    hop = options.hop if options.sampling == "overlapping" else None
    return fold.part("train", hop, options.onsets), fold.part("validation")


def _check(options: argparse.Namespace, tracks: Tracks, fold: int, train: Part) -> None:
    """Raise UserError for less than one batch; print the classes that validation lacks."""
    batch_size = options.training["batch_size"]
    if len(train.labels) < batch_size:
        raise UserError(
            f"fold {fold} of {options.variant} has {len(train.labels)} training segments, "
            f"fewer than one batch of {batch_size}; lower training.batch_size or add tracks"
        )
    missing = tracks.lacking("validation").get(fold)
    if missing and options.validation == "tracks":
        print(
            f"note: the validation set of fold {fold} has no track of "
            f"{printable(listed(missing))}, so these classes do not count when the best epoch is "
            "chosen; add tracks, lower folds or change group_by",
            file=sys.stderr,
        )


def _generator(options: argparse.Namespace, fold: int, epoch: int) -> np.random.Generator:
    return training.generator(options.seed, options.variant, fold, epoch)


def _donors(options: argparse.Namespace, files: FoldFiles, tracks: Tracks) -> dict[str, Weights]:
    """The weights of the donor of each trunk in `init` (trunk: variant)."""
    donors = zip(options.network["init"].items(), files.donors, strict=True)
    return {
        trunk: weights.read(npz, ModelKey.of(variant, files.fold, tracks))
        for (trunk, variant), npz in donors
    }


def _augmented(train: Part, augmentation: Augmentation, rng: np.random.Generator) -> Augmented:
    """The training segments of one epoch."""
    return Augmented(train.segments, train.labels, augmentation, rng)


def _peak_memory_mb() -> float:
    """The peak memory of this process so far, in MB."""
    # Kilobytes on Linux, bytes on macOS.
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)
