"""The metadata in a model file."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from typing import Any

from workflow_scripts.audio.parameters import N_BANDS
from workflow_scripts.dataset import class_names
from workflow_scripts.dataset.level import TrainingLevel
from workflow_scripts.models import limits, network_description
from workflow_scripts.models.method import FRONT_END, GRAPH, VOTE, segments_of
from workflow_scripts.networks.architecture import Network

# Version of the metadata; increased when an older reader would misunderstand a file.
FORMAT = 2
# That of version 0.9.0: it has no `level`, `segments`, `graph` and `vote`, and less in `front_end`.
OLDER_FORMAT = 1


class NotOurModelError(Exception):
    """A file is not a model of this workflow. The text says why, without the file name."""


@dataclass(frozen=True)
class Metadata:
    """The metadata of one trained model.

    `network` has input_frames, trunks, hidden and init of the variant in config.yaml. `accuracy` is
    in %, on the `n_test_tracks` test tracks of the fold. `weights` is the SHA-256 of weights.npz.
    `level` is that of the training tracks; None in files of version 0.9.0. `front_end`, `graph` and
    `vote` are those of `method`.
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
    level: TrainingLevel | None = None
    front_end: dict[str, Any] = field(default_factory=lambda: FRONT_END)
    graph: dict[str, str] = field(default_factory=lambda: GRAPH)
    vote: dict[str, str] = field(default_factory=lambda: VOTE)

    def texts(self) -> dict[str, str]:
        """A JSON text for each field, for the segments and for the format version, by name."""
        return {name: json.dumps(value) for name, value in asdict(self).items()} | {
            "segments": json.dumps(segments_of(self.network["input_frames"])),
            "format": json.dumps(FORMAT),
        }

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> "Metadata":
        """The metadata in `texts`, checked.

        Raises NotOurModelError if they are of another version, or have class names or a network
        that no model can have, and any other exception if they are invalid.
        """
        values = {name: json.loads(text) for name, text in texts.items()}
        version = values.pop("format")
        _require(type(version) is int)
        if version == OLDER_FORMAT:
            values = _updated(values)
        elif version != FORMAT:
            raise NotOurModelError(
                f"has metadata of format {version!r:.20}, and this version reads format {FORMAT}"
            )
        segments = values.pop("segments")
        _require(values.keys() == {field.name for field in fields(cls)})
        _require(isinstance(values["classes"], list))
        values["classes"] = tuple(values["classes"])
        if values["level"] is not None:
            values["level"] = TrainingLevel.read(values["level"])
        metadata = cls(**values)
        metadata.check()
        if segments != segments_of(metadata.network["input_frames"]):
            raise NotOurModelError("cuts tracks into segments in another way than this version")
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
        if (self.front_end, self.graph) != (FRONT_END, GRAPH):
            raise NotOurModelError("uses a mel-spectrogram that this version does not compute")
        if self.vote != VOTE:
            raise NotOurModelError("predicts a track in another way than this version")
        try:
            limits.check(self.network_for(N_BANDS))
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


def _updated(values: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata of version 0.9.0 with what this version adds: the numbers are the same."""
    for key, value in values["front_end"].items():
        if FRONT_END.get(key) != value:
            raise NotOurModelError("uses a mel-spectrogram that this version does not compute")
    segments = segments_of(values["network"]["input_frames"])
    added = {"graph": GRAPH, "vote": VOTE, "segments": segments, "level": None}
    # A file that has them is none of that version, and may mean something else by them.
    _require(not values.keys() & added.keys())
    return {**values, **added, "front_end": FRONT_END}


def _require(condition: bool) -> None:
    if not condition:
        raise ValueError
