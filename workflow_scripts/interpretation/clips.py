"""Segments that filters respond to most: sounds/segments.npz, written by the step auralise."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts import checksums
from workflow_scripts.dataset.split import Tracks
from workflow_scripts.errors import UserError

FILE = "segments.npz"


@dataclass(frozen=True)
class Clip:
    """A segment and where its filter responds most.

    `energies` are compressed mel energies, float32 (bands, frames). `place` is the lowest band and
    the first frame that the filter covers there, `shape` its (m, n). `first_frame` is that of the
    segment in its track.
    """

    energies: np.ndarray
    place: tuple[int, int]
    shape: tuple[int, int]
    first_frame: int

    def start(self, frame_rate: float) -> float:
        """The start of the segment in its track, in seconds."""
        return self.first_frame / frame_rate


def write(
    folder: Path,
    clips: Sequence[Clip],
    sounds: pd.DataFrame,
    tracks: Tracks,
    shape: tuple[int, int],
) -> None:
    """Write the clips of the rows of sounds.csv whose kind is segment, in their order.

    `shape` is the bands and the frames of every segment.
    """
    energies = np.array([clip.energies for clip in clips], np.float32)
    arrays = {
        "segments": energies.reshape(len(clips), *shape),
        "places": np.array([clip.place for clip in clips], int).reshape(-1, 2),
        "shapes": np.array([clip.shape for clip in clips], int).reshape(-1, 2),
        "first_frames": np.array([clip.first_frame for clip in clips], int),
    }
    checksums.write_npz(folder / FILE, arrays, _what(sounds, tracks))


def read(folder: Path, sounds: pd.DataFrame, tracks: Tracks) -> list[Clip]:
    """The clips that `write` wrote. Raises UserError if the file is missing or damaged."""
    path = folder / FILE
    if not path.is_file():
        raise UserError(f"{path} is missing; remove {folder} and run snakemake")
    arrays = checksums.read_npz(path, _what(sounds, tracks))
    return [
        Clip(energies, (int(band), int(frame)), (int(m), int(n)), int(first))
        for energies, (band, frame), (m, n), first in zip(
            *(arrays["segments"], arrays["places"], arrays["shapes"], arrays["first_frames"]),
            strict=True,
        )
    ]


def _what(sounds: pd.DataFrame, tracks: Tracks) -> str:
    """What the file is, for its checksum: it belongs to these sounds alone."""
    return f"the segments of the sounds {' '.join(sounds['checksum'])} of the tracks {tracks.key}"
