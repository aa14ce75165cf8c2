"""The segments of the training, validation and test parts of a fold."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workflow_scripts.dataset import sampling, silence
from workflow_scripts.dataset.features import FeatureFiles, Features
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
        """The segments with sound of a part (see `Tracks.part`), contiguous as in the paper.

        With `hop`, a segment starts every `hop` frames; with `onsets`, one table per shard, at
        each onset. A track without such a segment gives its first contiguous one with sound.
        Raises UserError if a track has none.
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
        content, first = self._with_sound(features, content, first)
        without = np.setdiff1d(np.arange(len(positions)), content)
        if len(without):
            raise UserError(
                f"{self.tracks.track_id[positions][without[0]]} has no segment of {self.n_frames} "
                "frames with sound; remove it or lower input_frames"
            )
        segments = Segments(features, content, first, self.n_frames, self.scaler)
        return Part(segments, self.tracks.target[positions][content])

    def _with_sound(
        self, features: Features, content: np.ndarray, first: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The segments (see `Segments`) that are not silent.

        A content that loses all gives its first contiguous segment with sound.
        """
        silences = features.index["silence"].tolist()
        sound = ~silence.are_silent(content, first, self.n_frames, silences)
        content, first = content[sound], first[sound]
        lost = np.setdiff1d(np.arange(len(silences)), content)
        if not len(lost):
            return content, first
        other, start = sampling.regular(features.n_frames, self.n_frames, self.n_frames)
        sound = ~silence.are_silent(other, start, self.n_frames, silences) & np.isin(other, lost)
        other, earliest = np.unique(other[sound], return_index=True)
        content = np.concatenate([content, other])
        order = np.argsort(content, kind="stable")
        return content[order], np.concatenate([first, start[sound][earliest]])[order]
