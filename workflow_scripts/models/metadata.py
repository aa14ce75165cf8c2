"""The metadata in a model file."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any

from workflow_scripts.audio.front_end_checks import UnusableError
from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.dataset import class_names
from workflow_scripts.dataset.level import TrainingLevel
from workflow_scripts.models import limits, method, network_description, older_formats
from workflow_scripts.networks.architecture import Network

# Version of the metadata; increased when an older reader would misunderstand a file.
FORMAT = 3
OLDER_FORMATS = (older_formats.FIRST, older_formats.SECOND)


class NotOurModelError(Exception):
    """A file is not a model of this workflow. The text says why, without the file name."""


@dataclass(frozen=True)
class Metadata:
    """The metadata of one trained model.

    `network` has input_frames, trunks, hidden and init of the variant in config.yaml. `accuracy` is
    in %, on the `n_test_tracks` test tracks of the fold. `weights` is the SHA-256 of weights.npz.
    `level` is that of the training tracks; None in files of version 0.9.0.
    """

    dataset: str
    variant: str
    architecture: str
    fold: int
    n_folds: int
    seed: int
    classes: tuple[str, ...]
    accuracy: float
    n_test_tracks: int
    network: dict[str, Any]
    weights: str
    front_end: FrontEnd
    level: TrainingLevel | None = None

    def method(self) -> dict[str, dict[str, Any]]:
        """How audio becomes a class: the entries `front_end`, `segments`, `graph` and `vote`."""
        return method.entries(self.front_end, self.network["input_frames"])

    def texts(self) -> dict[str, str]:
        """The entries in a file: a JSON text for each field, for those of `method`, the format."""
        values = asdict(self) | self.method() | {"format": FORMAT}
        return {name: json.dumps(value) for name, value in values.items()}

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> "Metadata":
        """The metadata in `texts`, checked.

        Raises NotOurModelError if they are of another version, or have class names or a network
        that no model can have, and any other exception if they are invalid.
        """
        values = {name: json.loads(text) for name, text in texts.items()}
        version = values.pop("format")
        _require(type(version) is int)
        if version not in (*OLDER_FORMATS, FORMAT):
            raise NotOurModelError(
                f"has metadata of format {version!r:.20}, and this version reads format {FORMAT}"
            )
        try:
            if version != FORMAT:
                values = older_formats.updated(values, version)
            values["front_end"] = method.read(values["front_end"], values.pop("graph"))
        except UnusableError as reason:
            raise NotOurModelError(
                f"uses a mel-spectrogram that this version does not compute: {reason}"
            ) from None
        segments, vote = values.pop("segments"), values.pop("vote")
        _require(values.keys() == {field.name for field in fields(cls)})
        _require(isinstance(values["classes"], list))
        values["classes"] = tuple(values["classes"])
        if values["level"] is not None:
            values["level"] = TrainingLevel.read(values["level"])
        metadata = cls(**values)
        metadata.check()
        if segments != metadata.method()["segments"]:
            raise NotOurModelError("cuts tracks into segments in another way than this version")
        if vote != method.VOTE:
            raise NotOurModelError("predicts a track in another way than this version")
        return metadata

    def check(self) -> None:
        """Raise NotOurModelError or ValueError, TypeError or KeyError if a value is invalid."""
        _require(network_description.VARIANT.fullmatch(self.variant) is not None)
        for text in (self.dataset, self.architecture, self.weights):
            _require(isinstance(text, str) and len(text) <= class_names.LONGEST_NAME)
        for number in (self.fold, self.n_folds, self.seed, self.n_test_tracks):
            _require(type(number) is int and number >= 0)
        _require(type(self.accuracy) in (int, float) and math.isfinite(self.accuracy))
        _require(all(isinstance(name, str) for name in self.classes))
        if problem := _problem_of(self.classes):
            raise NotOurModelError(f"has {problem}")
        try:
            limits.check(self.network_for(self.front_end.n_bands), self.front_end.frame_rate)
        except limits.TooLargeError as reason:
            raise NotOurModelError(f"is too large: {reason}") from None

    def network_for(self, n_bands: int) -> Network:
        """The network. Raises ValueError, KeyError or TypeError if `network` is invalid."""
        network_description.check(self.network)
        return Network.from_config(self.network, n_bands, len(self.classes))


@lru_cache(maxsize=1)
def _problem_of(classes: tuple[str, ...]) -> str | None:
    """As `class_names.problem`, once for hundreds of models with the same classes."""
    return class_names.problem(classes)


def _require(condition: bool) -> None:
    if not condition:
        raise ValueError
