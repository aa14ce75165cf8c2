"""One fold's training in a step: its data, where it starts, and the files it writes."""

import argparse
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
from workflow_scripts.dataset.augmentation import Augmentation, Augmented
from workflow_scripts.dataset.memory_budget import MemoryBudget
from workflow_scripts.dataset.parts import Part
from workflow_scripts.networks import training
from workflow_scripts.networks.architecture import Network, Weights
from workflow_scripts.networks.checkpoint import Checkpoint
from workflow_scripts.networks.display import Display
from workflow_scripts.networks.engine import engine_class
from workflow_scripts.networks.explosion import explosion, sentences
from workflow_scripts.networks.identity import Identity, ModelKey
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

    def run(self, prefix: str = "") -> FoldRun:
        """The run of this training, from its checkpoint on; `prefix` as in `Display`."""
        seconds = self.options.checkpoint_seconds
        checkpoint = Checkpoint(self.files.checkpoint, self.identity.course(), seconds)
        progress = checkpoint.resume(self.start, self.settings.max_epochs)
        n_done = len(progress.history)
        if n_done:
            print(f"{prefix}continuing after epoch {n_done}", file=sys.stderr)
        title = f"{self.options.variant}, fold {self.files.fold}"
        display = Display(title, self.settings.max_epochs, n_done, prefix)
        return FoldRun(progress, checkpoint, display)

    def generator(self, epoch: int) -> np.random.Generator:
        """The random generator of an epoch."""
        return training.generator(self.options.seed, self.options.variant, self.files.fold, epoch)

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


def _augmented(train: Part, augmentation: Augmentation, rng: np.random.Generator) -> Augmented:
    """The training segments of one epoch."""
    return Augmented(train.segments, train.labels, augmentation, rng)


def _peak_memory_mb() -> float:
    """The peak memory of this process so far, in MB."""
    # Kilobytes on Linux, bytes on macOS.
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)
