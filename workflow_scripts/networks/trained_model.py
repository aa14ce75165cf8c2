"""The three files of a trained model: weights.npz, history.csv and fit.json."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from workflow_scripts import checked_tables, checksums
from workflow_scripts.atomic_files import atomic
from workflow_scripts.dataset.digests import digest_of_file
from workflow_scripts.errors import UserError
from workflow_scripts.networks import epoch_file, training, weights
from workflow_scripts.networks.identity import Identity, ModelKey
from workflow_scripts.networks.training import Progress, Settings


@dataclass(frozen=True)
class TrainedModel:
    """The paths of the files of a model, and what they belong to."""

    weights: Path
    history: Path
    fit: Path
    key: ModelKey

    @classmethod
    def in_folder(cls, folder: Path, key: ModelKey) -> "TrainedModel":
        """The model in `folder`, with the default file names."""
        return cls(folder / "weights.npz", folder / "history.csv", folder / "fit.json", key)

    def write(self, progress: Progress, identity: Identity, further: Mapping[str, Any]) -> None:
        """Write the best weights, a table with one row per epoch, and the record of the training.

        fit.json contains the identity, the digest of the weights, a summary of `progress`, and the
        entries of `further`.
        """
        weights.write(self.weights, progress.best_weights, self.key)
        history = pd.DataFrame([asdict(epoch) for epoch in progress.history])
        # Without the seconds, repeating a training writes the same bytes.
        table = history.drop(columns="seconds")
        checked_tables.write(self.history, table, self.key.history)
        self.history.with_name(epoch_file.NAME).unlink(missing_ok=True)
        record = asdict(identity) | {
            "digests": identity.digests | {"weights": digest_of_file(self.weights)},
            "n_epochs": len(history),
            "best_epoch": progress.best.epoch,
            "validation_accuracy": progress.best.validation_accuracy,
            "seconds": float(history["seconds"].sum()),
        }
        checksums.write_json(self.fit, record | dict(further), self.key.record)

    def is_finished(self, identity: Identity, settings: Settings) -> bool:
        """Whether the files are undamaged and the result of a finished training of `identity`."""
        try:
            fit = checksums.read_json(self.fit, self.key.record)
            history = checked_tables.read(self.history, self.key.history)
            losses = history["train_loss"].tolist()
            weights.read(self.weights, self.key)
            same = Identity.of(fit).task() == identity.task()
            undamaged = digest_of_file(self.weights) == fit["digests"]["weights"]
            # A training with more epochs than `max_epochs` is another training.
            length = len(losses) == fit["n_epochs"] <= settings.max_epochs
            return same and undamaged and length and training.has_ended(losses, settings)
        # Missing, damaged, or written by another version.
        except (UserError, OSError, ValueError, KeyError, TypeError):
            return False

    def copy_to(self, other: "TrainedModel") -> None:
        """Copy the files to the paths of `other`."""
        pairs = [
            (self.weights, other.weights),
            (self.history, other.history),
            (self.fit, other.fit),
        ]
        for source, target in pairs:
            with atomic(target) as path:
                shutil.copyfile(source, path)
