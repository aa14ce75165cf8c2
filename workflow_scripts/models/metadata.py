"""What the file of a model says about the model."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from workflow_scripts.networks.architecture import Network

# The version of these texts; raised when an older reader would misunderstand a file.
FORMAT = 1


@dataclass(frozen=True)
class Metadata:
    """One trained model.

    `network` is the variant's description in config.yaml: input_frames, trunks, hidden. `accuracy`
    is its accuracy in % on the `n_test_tracks` test tracks of its fold; `front_end` is
    `audio.parameters.FRONT_END`; `weights` is the SHA-256 of the weights.npz it was made of.
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

    def texts(self) -> dict[str, str]:
        """The JSON texts of a file, by name: each field, and the version of the texts."""
        return {name: json.dumps(value) for name, value in asdict(self).items()} | {
            "format": json.dumps(FORMAT)
        }

    @classmethod
    def n_texts(cls) -> int:
        """The number of `texts`."""
        return len(fields(cls)) + 1

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> "Metadata":
        """The metadata of `texts`. Raises ValueError or KeyError if they are others."""
        if json.loads(texts["format"]) != FORMAT:
            raise ValueError("another format")
        values = {name: json.loads(texts[name]) for name in cls.__dataclass_fields__}
        return cls(**values | {"classes": tuple(values["classes"])})

    def network_for(self, n_bands: int) -> Network:
        """The network. Raises ValueError, KeyError or TypeError if `network` describes none."""
        return Network.from_config(self.network, n_bands, len(self.classes))
