"""All that determines the result of a training: the same identity gives the same weights."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from workflow_scripts.dataset.split import Tracks


@dataclass(frozen=True)
class ModelKey:
    """What the files of a model belong to; their readers know it.

    `tracks` is an entry of `Tracks.keys_of_rest`.
    """

    variant: str
    fold: int
    tracks: str

    @classmethod
    def of(cls, variant: str, fold: int, tracks: Tracks) -> "ModelKey":
        """The key of the model of a fold of `tracks`."""
        return cls(variant, fold, tracks.keys_of_rest[fold])

    @property
    def weights(self) -> str:
        """What weights.npz is, for its checksum."""
        return self._of_model("the weights")

    @property
    def history(self) -> str:
        """What history.csv is, for its checksum."""
        return self._of_model("the history")

    @property
    def record(self) -> str:
        """What fit.json is, for its checksum."""
        return self._of_model("the record")

    def _of_model(self, part: str) -> str:
        return f"{part} of {self.variant}, fold {self.fold}, trained on the tracks {self.tracks}"


@dataclass(frozen=True)
class Identity:
    """One training: its settings, the digests of its code and data, and where it runs.

    `network`, `training`, `validation`, `sampling`, `level`, `augmentation` and `engine` are as in
    config.yaml, `front_end` as in `FrontEnd.settings`. `digests` contains the SHA-256 of the code,
    the training and validation segments, the labels and the initial weights. `device` is "cpu" or
    the name of a GPU.
    """

    variant: str
    fold: int
    seed: int
    network: dict[str, Any]
    training: dict[str, Any]
    validation: str
    sampling: str
    level: str
    augmentation: dict[str, Any]
    front_end: dict[str, Any]
    classes: list[str]
    engine: str
    digests: dict[str, Any]
    device: str
    versions: dict[str, str]

    @classmethod
    def of(cls, fit: Mapping[str, Any]) -> "Identity":
        """The identity in `fit`, the content of fit.json."""
        digests = {name: fit["digests"][name] for name in ("code", "segments", "labels", "start")}
        values = {field.name: fit[field.name] for field in fields(cls)}
        return cls(**values | {"digests": digests})

    def task(self) -> str:
        """A digest of what is trained: everything except `max_epochs`, device and versions.

        A finished training of the same task is not repeated on another machine.
        """
        return _digest(self._task())

    def course(self) -> str:
        """A digest of all that determines every bit: the task, the versions, and CPU or GPU.

        Training continues only from a checkpoint of the same course.
        """
        device = "cpu" if self.device == "cpu" else "gpu"
        return _digest(self._task() | {"versions": self.versions, "device": device})

    def _task(self) -> dict[str, Any]:
        values = asdict(self)
        del values["device"], values["versions"]
        del values["training"]["max_epochs"]
        return values


def digest_of_arrays(*arrays: np.ndarray) -> str:
    """SHA-256 of shapes, types and values."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(f"{array.shape} {array.dtype}\n".encode())
        total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()


def _digest(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
