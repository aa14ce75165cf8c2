"""Mel features on disk: shards of frames, found by the digest of the audio they come from."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.step import atomic


def write_shard(npy: Path, tracks: Iterable[tuple[str, np.ndarray]]) -> None:
    """Write (digest, frames x bands) pairs as `npy` and its index, the .csv of the same name."""
    rows, frames, first = [], [np.empty((0, 0), np.float32)], 0
    for digest, bands in tracks:
        rows.append({"digest": digest, "first_frame": first, "n_frames": len(bands)})
        frames.append(bands)
        first += len(bands)
    with atomic(npy) as path:
        np.save(path, np.concatenate(frames[1:] or frames))
    with atomic(npy.with_suffix(".csv")) as path:
        index = pd.DataFrame(rows, columns=["digest", "first_frame", "n_frames"])
        index.to_csv(path, index=False)


class Features:
    """Read access to shards; frames are views on memory-mapped files."""

    def __init__(self, shards: Iterable[Path]) -> None:
        self._frames: dict[str, np.ndarray] = {}
        for npy in shards:
            values = np.load(npy, mmap_mode="r")
            for row in pd.read_csv(npy.with_suffix(".csv")).itertuples():
                self._frames[row.digest] = values[row.first_frame : row.first_frame + row.n_frames]

    def frames(self, digest: str) -> np.ndarray:
        """Raw mel energies of one audio content, shape (frames, bands), float32, read-only."""
        return self._frames[digest]
