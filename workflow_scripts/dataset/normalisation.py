"""Compression and normalisation of mel energies (paper, sections II-A and III-A)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from workflow_scripts import checksums

COMPRESSION = 10_000


def compress(energies: np.ndarray) -> np.ndarray:
    """log(1 + 10000 x), element-wise (paper, section III-A)."""
    return np.log1p(COMPRESSION * energies)


@dataclass(frozen=True)
class Scaler:
    """One mean and one standard deviation for all bands and frames, after compression."""

    mean: float
    std: float

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Normalise compressed energies; returns float32."""
        return ((values - self.mean) / self.std).astype(np.float32)


@dataclass(frozen=True)
class Sums:
    """Count, sum and sum of squares of compressed energies, computed in float64."""

    count: float
    total: float
    squares: float

    @classmethod
    def of(cls, energies: np.ndarray) -> "Sums":
        """The sums over raw energies (frames, bands), after compression."""
        values = compress(energies.astype(np.float64))
        return cls(values.size, float(values.sum()), float(np.square(values).sum()))


def fit(sums: Sums) -> Scaler:
    """Mean and standard deviation (ddof 0) of the energies in `sums`."""
    mean = sums.total / sums.count
    variance = sums.squares / sums.count - mean**2
    return Scaler(mean, float(np.sqrt(max(variance, 0.0))))


def write_scalers(path: Path, normalisation: str, scalers: Sequence[Scaler], tracks: str) -> None:
    """Write scaler.json: the configured `normalisation` and one scaler per fold.

    `tracks` is the digest of the tracks and their folds.
    """
    content = {"normalisation": normalisation, "folds": [asdict(scaler) for scaler in scalers]}
    checksums.write_json(path, content, _what(tracks))


def read_scalers(path: Path, tracks: str) -> list[Scaler]:
    """The scaler of each fold, from scaler.json. Raises UserError if it is damaged."""
    content = checksums.read_json(path, _what(tracks))
    return [Scaler(**scaler) for scaler in content["folds"]]


def _what(tracks: str) -> str:
    return f"the scalers of the tracks {tracks}"
