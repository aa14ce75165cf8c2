"""Which trainings of an experiment run, and which have ended."""

import fcntl
import json
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from workflow_scripts.networks import epoch_file
from workflow_scripts.networks.training import Epoch
from workflow_scripts.paths import ModelPaths

LOCK = ".lock"


@dataclass(frozen=True)
class Result:
    """The number of epochs of an ended training, and the mean seconds of one."""

    n_epochs: int
    epoch_seconds: float


@dataclass(frozen=True)
class Training:
    """A training of an experiment; `seed` is None for the first."""

    variant: str
    fold: int
    seed: int | None
    paths: ModelPaths = field(compare=False)

    @property
    def title(self) -> str:
        """What messages call it."""
        seed = "" if self.seed is None else f", seed {self.seed}"
        return f"{self.variant}, fold {self.fold}{seed}"

    def epochs(self) -> list[Epoch]:
        """Its epochs, while it runs or after an interruption."""
        return epoch_file.read(self.paths.folder / epoch_file.NAME)

    def is_running(self) -> bool:
        """Whether a process holds the lock of the model; a killed one does not."""
        return is_locked(self.paths.folder / LOCK)

    def result(self) -> "Result | None":
        """How it has ended, None if it has not."""
        try:
            fit = json.loads(self.paths.fit.read_text())
            n_epochs = int(fit["n_epochs"])
            seconds = float(fit["seconds"]) / max(n_epochs, 1)
            return Result(n_epochs, seconds) if math.isfinite(seconds) else None
        # Missing, written at the moment, damaged, or of another version. Infinity is a number of
        # Python's JSON, and no integer.
        except (OSError, ValueError, KeyError, TypeError, OverflowError):
            return None


def training_at(weights: Path, first: Path) -> Training:
    """The training that writes `weights`; the results of the first seed are in `first`."""
    fold = int(weights.parent.name.removeprefix("fold-"))
    variant, root = weights.parent.parent.name, weights.parents[3]
    seed = None if root == first else int(root.name)
    return Training(variant, fold, seed, ModelPaths(root, variant, fold))


def started_trainings(results: Path) -> list[Training]:
    """The trainings in results/NAME that have a folder, of all seeds, sorted by name."""
    roots: list[tuple[int | None, Path]] = [(None, results)]
    for folder in (results / "seeds").glob("*"):
        if folder.name.isdecimal():
            roots.append((int(folder.name), folder))
    found = [
        Training(folder.parent.name, fold, seed, ModelPaths(root, folder.parent.name, fold))
        for seed, root in roots
        for folder, fold in _folds(root / "models")
    ]
    return sorted(found, key=lambda training: (training.seed or 0, training.variant, training.fold))


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock of the file at `path` (`filelock`)."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        # Shared and without waiting, so that two who look do not see each other.
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(file)
    return False


def _folds(models: Path) -> Iterator[tuple[Path, int]]:
    for folder in models.glob("*/fold-*"):
        if match := re.fullmatch(r"fold-(\d+)", folder.name):
            yield folder, int(match[1])
