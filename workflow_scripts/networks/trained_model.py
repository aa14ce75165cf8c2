"""The three files of a trained model: weights.npz, history.csv and fit.json."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from workflow_scripts.atomic_files import atomic
from workflow_scripts.networks import training, weights
from workflow_scripts.networks.identity import Identity
from workflow_scripts.networks.training import Progress, Settings


@dataclass(frozen=True)
class TrainedModel:
    """The paths of the files of a model."""

    weights: Path
    history: Path
    fit: Path

    @classmethod
    def in_folder(cls, folder: Path) -> "TrainedModel":
        """The model in `folder`, with the default file names."""
        return cls(folder / "weights.npz", folder / "history.csv", folder / "fit.json")

    def write(self, progress: Progress, identity: Identity, further: Mapping[str, Any]) -> None:
        """Write the best weights, a table with one row per epoch, and the record of the training.

        fit.json contains the identity, the digest of the weights, a summary of `progress`, and the
        entries of `further`.
        """
        weights.write(self.weights, progress.best_weights)
        history = pd.DataFrame([asdict(epoch) for epoch in progress.history])
        with atomic(self.history) as path:
            # Without the seconds, repeating a training writes the same bytes.
            history.drop(columns="seconds").to_csv(path, index=False)
        record = asdict(identity) | {
            "digests": identity.digests | {"weights": _sha256(self.weights)},
            "n_epochs": len(history),
            "best_epoch": progress.best.epoch,
            "validation_accuracy": progress.best.validation_accuracy,
            "seconds": float(history["seconds"].sum()),
        }
        with atomic(self.fit) as path:
            path.write_text(json.dumps(record | dict(further), indent=2))

    def is_finished(self, identity: Identity, settings: Settings) -> bool:
        """Whether the files are undamaged and the result of a finished training of `identity`."""
        try:
            fit = json.loads(self.fit.read_text())
            losses = pd.read_csv(self.history)["train_loss"].tolist()
            same = Identity.of(fit).task() == identity.task()
            undamaged = _sha256(self.weights) == fit["digests"]["weights"]
            # A training with more epochs than `max_epochs` is another training.
            length = len(losses) == fit["n_epochs"] <= settings.max_epochs
            return same and undamaged and length and training.has_ended(losses, settings)
        # Missing, damaged, or written by another version.
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def copy_to(self, other: "TrainedModel") -> None:
        """Copy the files to the paths of `other`."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        for source, target in pairs:
            with atomic(target) as path:
                shutil.copyfile(source, path)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
