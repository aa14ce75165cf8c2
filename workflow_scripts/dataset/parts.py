"""The parts of one fold as segments: what a model learns from, is chosen by and is tested on."""

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
    """Segments and their classes, int (segments,), positions in `Tracks.classes`."""

    segments: Segments
    labels: np.ndarray

    def of(self, rows: np.ndarray) -> "Part":
        """These segments alone."""
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
        """The segments of a part, named as `Tracks.part` names it: contiguous, as in the paper.

        With `hop` they start every so many frames; with `onsets`, a table a shard, at onsets.
        Raises UserError for a track without a segment.
        """
        held = self.tracks.part(self.number, name)
        digests = self.tracks.digest[held]
        features = self.feature_files.of(digests)
        if onsets:
            frames = sampling.read_onsets(onsets, digests)
            content, first = sampling.at_onsets(features.n_frames, self.n_frames, frames)
        else:
            content, first = sampling.regular(
                features.n_frames, self.n_frames, hop or self.n_frames
            )
        without = np.setdiff1d(np.arange(len(held)), content)
        if len(without):
            raise UserError(
                f"{self.tracks.track_id[held][without[0]]} is shorter than a segment of "
                f"{self.n_frames} frames; remove it or lower input_frames"
            )
        segments = Segments(features, content, first, self.n_frames, self.scaler)
        return Part(segments, self.tracks.target[held][content])
