"""What a model's file tells of the model."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from workflow_scripts.networks.architecture import Network

# Of the texts below; raised where an older reader would misunderstand a file.
FORMAT = 1


@dataclass(frozen=True)
class About:
    """One trained model.

    `network` is the variant's description in config.yaml: input_frames, trunks, hidden. `accuracy`
    is the per cent of `n_test_tracks` tracks, those of its fold, that it decides right; `front_end`
    is `audio.parameters.FRONT_END`; `weights` is the SHA-256 of the weights.npz it was made of.
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
        """Each as the JSON text that stands in the file, by name; and the format's number."""
        return {name: json.dumps(value) for name, value in asdict(self).items()} | {
            "format": json.dumps(FORMAT)
        }

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> "About":
        """What `texts` had been made of. Raises ValueError or KeyError where they are not such."""
        if json.loads(texts["format"]) != FORMAT:
            raise ValueError("it is of another format")
        values = {name: json.loads(texts[name]) for name in cls.__dataclass_fields__}
        return cls(**values | {"classes": tuple(values["classes"])})

    def architecture_of(self, n_bands: int) -> Network:
        """The network. Raises ValueError, KeyError or TypeError where it describes none."""
        return Network.from_config(self.network, n_bands, len(self.classes))
