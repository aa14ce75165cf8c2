"""Data augmentation of mel-spectrograms (paper, section IV).

Pitch shift and time stretch are applied to spectrograms, as in Schlüter & Grill 2015 ([18] of the
paper). Mixing adds a recording of the same class, similar to the remixes of Huang et al. 2015
([7]). All functions take raw mel energies, before compression.
"""

from dataclasses import dataclass

import numpy as np

from workflow_scripts.audio import mel_scale
from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.dataset.segments import Segments

# The original segment has at least half of the weight in a mixture.
LARGEST_SHARE = 0.5


@dataclass(frozen=True)
class Augmentation:
    """Limits of the random augmentation of each segment in each epoch; 0 disables a method.

    pitch_shift: largest shift up or down, in semitones. time_stretch: largest relative change of
    tempo. mixing: share of the segments that are mixed with another segment of their class. gain:
    largest change of the level up or down, in dB.
    """

    pitch_shift: float = 0
    time_stretch: float = 0
    mixing: float = 0
    gain: float = 0

    @property
    def is_on(self) -> bool:
        """Whether any method is enabled."""
        return bool(self.pitch_shift or self.time_stretch or self.mixing or self.gain)


def pitch_shift(energies: np.ndarray, semitones: float, front_end: FrontEnd) -> np.ndarray:
    """Mel energies (frames, bands) with all frequencies multiplied by 2^(semitones / 12).

    Interpolates linearly between the centres of the bands, which are equally spaced on the mel
    scale. Frequencies outside their range are silent.
    """
    n_bands = energies.shape[1]
    shifted = mel_scale.centres(front_end) * 2 ** (-semitones / 12)
    points = mel_scale.points(front_end)
    positions = (mel_scale.mel(shifted) - points[0]) / (points[1] - points[0])
    # One silent band on either side represents everything outside the range.
    padded = np.pad(energies, ((0, 0), (1, 1)))
    positions = np.clip(positions, 0, n_bands + 1)
    low = np.minimum(positions.astype(int), n_bands)
    fraction = (positions - low).astype(energies.dtype)
    return padded[:, low] * (1 - fraction) + padded[:, low + 1] * fraction


def time_stretch(energies: np.ndarray, n_frames: int, tempo: float) -> np.ndarray:
    """The first `n_frames` of energies (frames, bands) played `tempo` times as fast.

    Interpolates linearly between frames. Raises ValueError if there are fewer frames than
    `frames_to_stretch` returns.
    """
    if len(energies) < frames_to_stretch(n_frames, tempo):
        raise ValueError(f"{len(energies)} frames are too few for {n_frames} at tempo {tempo}")
    positions = np.arange(n_frames) * tempo
    low = positions.astype(int)
    fraction = (positions - low).astype(energies.dtype)[:, np.newaxis]
    high = np.minimum(low + 1, len(energies) - 1)
    return energies[low] * (1 - fraction) + energies[high] * fraction


def frames_to_stretch(n_frames: int, tempo: float) -> int:
    """The number of input frames that `time_stretch` needs to return `n_frames`."""
    return int(np.ceil((n_frames - 1) * tempo)) + 1


def mix(energies: np.ndarray, others: np.ndarray, share: float) -> np.ndarray:
    """The weighted sum of two arrays of the same shape; `share` is the weight of `others`.

    The energies are added because two recordings are not correlated.
    """
    return (1 - share) * energies + share * others


class Augmented:
    """The augmented training segments of one epoch, indexed like `Segments`.

    `labels` are the classes of the segments, int (segments,). Segments are mixed only with
    training segments, so no data from outside the training set is used.
    """

    def __init__(
        self,
        segments: Segments,
        labels: np.ndarray,
        augmentation: Augmentation,
        rng: np.random.Generator,
    ) -> None:
        n = len(segments)
        self._segments = segments
        self._semitones = augmentation.pitch_shift * rng.uniform(-1, 1, n)
        self._tempo = 1 + augmentation.time_stretch * rng.uniform(-1, 1, n)
        self._share = rng.uniform(0, LARGEST_SHARE, n) * (rng.random(n) < augmentation.mixing)
        self._other = np.arange(n)
        for label in np.unique(labels):
            of_class = np.flatnonzero(labels == label)
            self._other[of_class] = rng.choice(of_class, len(of_class))
        # Drawn last, so that the other changes do not depend on it.
        decibels = augmentation.gain * rng.uniform(-1, 1, n)
        self._gain = (10 ** (decibels / 10)).astype(np.float32)

    def __len__(self) -> int:
        return len(self._segments)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        others = self._segments.energies(self._other[rows])
        pairs = zip(rows, others, strict=True)
        return self._segments.normalised(np.stack([self._of(row, other) for row, other in pairs]))

    def _of(self, row: int, other: np.ndarray) -> np.ndarray:
        energies = self._stretched(row)
        if self._semitones[row]:
            front_end = self._segments.features.front_end
            energies = pitch_shift(energies, self._semitones[row], front_end)
        return self._gain[row] * mix(energies, other, float(self._share[row]))

    def _stretched(self, row: int) -> np.ndarray:
        """The segment at its drawn tempo. It starts earlier if the track would end too soon."""
        segments = self._segments
        content, n_frames = segments.content[row], segments.n_frames
        length = segments.features.n_frames[content]
        tempo = min(self._tempo[row], (length - 1) / max(n_frames - 1, 1))
        needed = frames_to_stretch(n_frames, tempo)
        energies = np.empty((needed, segments.features.n_bands), np.float32)
        first = min(segments.first[row], length - needed)
        segments.features.read(content, first, needed, energies)
        return time_stretch(energies, n_frames, tempo)
