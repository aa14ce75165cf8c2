"""The segments of the training, validation and test parts of a fold."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workflow_scripts.dataset import sampling
from workflow_scripts.dataset.features import FeatureFiles
from workflow_scripts.dataset.normalisation import Scaler
from workflow_scripts.dataset.segments import Segments
from workflow_scripts.dataset.split import Tracks
from workflow_scripts.errors import UserError


@dataclass(frozen=True)
class Part:
    """Segments and their labels, int (segments,), as positions in `Tracks.classes`."""

    segments: Segments
    labels: np.ndarray

    def of(self, rows: np.ndarray) -> "Part":
        """The segments at these positions."""
        return Part(self.segments.of(rows), self.labels[rows])


@dataclass(frozen=True)
class Fold:
    """Fold `number` of `tracks`, cut into segments of `n_frames` frames."""

    tracks: Tracks
    number: int
    feature_files: FeatureFiles
    scaler: Scaler
    n_frames: int

    def part(self, name: str, hop: int | None = None, onsets: Sequence[Path] = ()) -> Part:
        """The segments of the part `name` (see `Tracks.part`), contiguous as in the paper.

        With `hop`, a segment starts every `hop` frames; with `onsets`, one table per shard, at
        each onset. Raises UserError if a track has no segment.
        """
        positions = self.tracks.part(self.number, name)
        digests = self.tracks.digest[positions]
        features = self.feature_files.of(digests)
        if onsets:
            frames = sampling.read_onsets(onsets, digests)
            content, first = sampling.at_onsets(features.n_frames, self.n_frames, frames)
        else:
            content, first = sampling.regular(
                features.n_frames, self.n_frames, hop or self.n_frames
            )
        without = np.setdiff1d(np.arange(len(positions)), content)
        if len(without):
            raise UserError(
                f"{self.tracks.track_id[positions][without[0]]} is shorter than a segment of "
                f"{self.n_frames} frames; remove it or lower input_frames"
            )
        segments = Segments(features, content, first, self.n_frames, self.scaler)
        return Part(segments, self.tracks.target[positions][content])
