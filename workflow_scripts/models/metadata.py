"""The metadata in a model file."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from workflow_scripts.dataset.level import TrainingLevel
from workflow_scripts.networks.architecture import Network

# Version of the metadata; increased when an older reader would misunderstand a file.
FORMAT = 1


@dataclass(frozen=True)
class Metadata:
    """The metadata of one trained model.

    `network` has input_frames, trunks, hidden and init of the variant in config.yaml. `accuracy` is
    in %, on the `n_test_tracks` test tracks of the fold. `front_end` is
    `audio.parameters.FRONT_END`. `weights` is the SHA-256 of weights.npz. `level` is that of the
    training tracks; None in files of version 0.9.0 and earlier.
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
    front_end: dict[str, Any]
    weights: str
    level: TrainingLevel | None = None

    def texts(self) -> dict[str, str]:
        """A JSON text for each field and for the format version, by name."""
        values = asdict(self) | {"format": FORMAT}
        return {name: json.dumps(v) for name, v in values.items() if (name, v) != ("level", None)}

    @classmethod
    def n_texts(cls) -> int:
        """The largest number of entries in `texts`."""
        return len(fields(cls)) + 1

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> "Metadata":
        """The metadata in `texts`. Raises ValueError, KeyError or TypeError if they are invalid."""
        if json.loads(texts["format"]) != FORMAT:
            raise ValueError("unknown format")
        names = [name for name in cls.__dataclass_fields__ if name != "level" or name in texts]
        if {*texts} != {*names, "format"}:
            raise ValueError("unknown entries")
        values = {name: json.loads(texts[name]) for name in names}
        values["classes"] = tuple(values["classes"])
        if "level" in values:
            values["level"] = TrainingLevel.read(values["level"])
        return cls(**values)

    def network_for(self, n_bands: int) -> Network:
        """The network. Raises ValueError, KeyError or TypeError if `network` is invalid."""
        return Network.from_config(self.network, n_bands, len(self.classes))
