"""Compression and normalisation of mel energies (paper, sections II-A and III-A)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from workflow_scripts import checksums
from workflow_scripts.dataset.level import TrainingLevel


def compress(energies: np.ndarray, compression: float | None) -> np.ndarray:
    """log(1 + C x), element-wise, with C = `compression` (paper, section III-A: 10000).

    Without compression (None), the energies x.
    """
    return energies if compression is None else np.log1p(compression * energies)


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
    def of(cls, energies: np.ndarray, compression: float | None) -> "Sums":
        """The sums over raw energies (frames, bands), after compression (see `compress`)."""
        values = compress(energies.astype(np.float64), compression)
        return cls(values.size, float(values.sum()), float(np.square(values).sum()))


def fit(sums: Sums) -> Scaler:
    """Mean and standard deviation (ddof 0) of the energies in `sums`."""
    mean = sums.total / sums.count
    variance = sums.squares / sums.count - mean**2
    return Scaler(mean, float(np.sqrt(max(variance, 0.0))))


def write_scalers(
    path: Path,
    normalisation: str,
    scalers: Sequence[Scaler],
    levels: Sequence[TrainingLevel],
    tracks: str,
) -> None:
    """Write scaler.json: the configured `normalisation`, and each fold's scaler and level.

    `tracks` is the digest of the tracks and their folds.
    """
    folds = [
        asdict(scaler) | {"level": asdict(level)}
        for scaler, level in zip(scalers, levels, strict=True)
    ]
    content = {"normalisation": normalisation, "folds": folds}
    checksums.write_json(path, content, _what(tracks))


def read_scalers(path: Path, tracks: str) -> list[Scaler]:
    """The scaler of each fold, from scaler.json. Raises UserError if it is damaged."""
    content = checksums.read_json(path, _what(tracks))
    return [Scaler(fold["mean"], fold["std"]) for fold in content["folds"]]


def read_levels(path: Path, tracks: str) -> list[TrainingLevel]:
    """The level of the training tracks of each fold, from scaler.json, as `read_scalers`."""
    content = checksums.read_json(path, _what(tracks))
    return [TrainingLevel.read(fold["level"]) for fold in content["folds"]]


def _what(tracks: str) -> str:
    return f"the scalers of the tracks {tracks}"
