"""Segments of raw mel energies as input of the networks (paper, sections II-A and III-A)."""

import hashlib
from dataclasses import dataclass

import numpy as np

from workflow_scripts.dataset.features import Features
from workflow_scripts.dataset.normalisation import Scaler, compress

# Segments to normalise at once.
BLOCK = 256


@dataclass(frozen=True)
class Segments:
    """Segments of some contents, read and normalised on demand.

    `content`, int (segments,), is the position of each segment's content in `features`; `first`,
    int (segments,), is its first frame. Indexing with a slice or an array of positions returns
    float32 (segments, bands, n_frames).
    """

    features: Features
    content: np.ndarray
    first: np.ndarray
    n_frames: int
    scaler: Scaler

    def __len__(self) -> int:
        return len(self.content)

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        return self.normalised(self.energies(rows))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Segments, bands, frames."""
        return len(self), self.features.n_bands, self.n_frames

    def energies(self, rows: slice | np.ndarray) -> np.ndarray:
        """Raw mel energies, float32 (segments, n_frames, bands)."""
        starts = list(zip(self.content[rows], self.first[rows], strict=True))
        energies = np.empty((len(starts), self.n_frames, self.features.n_bands), np.float32)
        for into, (content, first) in zip(energies, starts, strict=True):
            self.features.read(content, first, self.n_frames, into)
        return energies

    def normalised(self, energies: np.ndarray) -> np.ndarray:
        """Compress and normalise energies (segments, n_frames, bands); swaps the last two axes."""
        compression = self.features.front_end.compression
        return self.scaler(compress(energies, compression)).transpose(0, 2, 1)

    def of(self, rows: np.ndarray) -> "Segments":
        """The segments at these positions."""
        return Segments(
            self.features, self.content[rows], self.first[rows], self.n_frames, self.scaler
        )

    def held(self, limit_bytes: float) -> "np.ndarray | Segments":
        """All segments as one array in memory, or `self` if that takes more than `limit_bytes`."""
        if 4 * np.prod(self.shape, dtype=float) > limit_bytes:
            return self
        values = np.empty(self.shape, np.float32)
        for start in range(0, len(self), BLOCK):
            values[start : start + BLOCK] = self[start : start + BLOCK]
        return values

    def digest(self) -> str:
        """SHA-256 of all that determines the values: contents, positions, scaler, front end ..."""
        features = self.features
        settings = (self.shape, self.scaler, features.level, features.front_end.key)
        digest = hashlib.sha256(repr(settings).encode())
        for array in (self.content, self.first):
            digest.update(np.ascontiguousarray(array, np.int64).data)
        digest.update("".join(features.index["checksum"]).encode())
        return digest.hexdigest()
