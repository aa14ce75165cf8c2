"""From raw mel energies to the networks' input (paper, sections II-A and III-A)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workflow_scripts.dataset.features import Features
from workflow_scripts.step import UserError

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
        """Zero mean and unit deviation, float32."""
        return ((values - self.mean) / self.std).astype(np.float32)


@dataclass(frozen=True)
class Sums:
    """Count, sum and sum of squares of one track's compressed energies, in float64."""

    count: int
    total: float
    squares: float


def sums(energies: np.ndarray) -> Sums:
    """The sums of every band of every frame, after compression."""
    values = compress(energies.astype(np.float64))
    return Sums(values.size, float(values.sum()), float(np.square(values).sum()))


def fit_scaler(parts: Sequence[Sums]) -> Scaler:
    """Mean and standard deviation (ddof 0) over all that the sums were taken of."""
    count = sum(part.count for part in parts)
    mean = sum(part.total for part in parts) / count
    variance = sum(part.squares for part in parts) / count - mean**2
    return Scaler(mean, float(np.sqrt(max(variance, 0.0))))


def read_scaler(path: Path, fold: int) -> Scaler:
    """The scaler that `fold` uses."""
    return Scaler(**json.loads(path.read_text())["folds"][fold])


def cut(frames: np.ndarray, n_frames: int) -> np.ndarray:
    """Contiguous segments without overlap, shape (segments, bands, n_frames); the rest drops."""
    n_segments = len(frames) // n_frames
    return frames[: n_segments * n_frames].reshape(n_segments, n_frames, -1).transpose(0, 2, 1)


def load(
    features: Features, digests: Sequence[str], n_frames: int, scaler: Scaler
) -> tuple[np.ndarray, np.ndarray]:
    """Normalised segments of these contents, and the position in `digests` each comes from.

    Returns float32 (segments, bands, n_frames), one array, and int (segments,).

    Raises UserError for a content without a whole segment.
    """
    counts = [len(features.frames(digest)) // n_frames for digest in digests]
    if 0 in counts:
        raise UserError(
            f"the track of the digest {digests[counts.index(0)]} in tracks.csv is shorter than a "
            f"segment of {n_frames} frames; remove it or lower input_frames"
        )
    bands = features.frames(digests[0]).shape[1]
    values = np.empty((sum(counts), bands, n_frames), np.float32)
    first = 0
    for digest, count in zip(digests, counts, strict=True):
        values[first : first + count] = scaler(compress(cut(features.frames(digest), n_frames)))
        first += count
    return values, np.repeat(np.arange(len(digests)), counts)
