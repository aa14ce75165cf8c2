"""More training examples from those there are, on mel frames (paper, section IV).

Pitch shift and time stretch follow Schlüter & Grill 2015 ([18] of the paper), who apply them to
spectrograms as here; mixing adds another recording of the same class, as Huang et al. 2015 ([7])
re-mix theirs. All work on raw mel energies, before compression.
"""

from dataclasses import dataclass

import numpy as np

from workflow_scripts.dataset import mel_scale
from workflow_scripts.dataset.segments import Segments

# A mixture is for the most part what it was.
LARGEST_SHARE = 0.5


@dataclass(frozen=True)
class Augmentation:
    """What is done to training segments, drawn anew for each segment of each epoch.

    pitch_shift: semitones up or down at the most. time_stretch: change of tempo at the most, as a
    share. mixing: the share of segments to which another of their class is added. All uniform; 0
    leaves them alone.
    """

    pitch_shift: float = 0
    time_stretch: float = 0
    mixing: float = 0

    @property
    def is_on(self) -> bool:
        """Whether it does anything."""
        return bool(self.pitch_shift or self.time_stretch or self.mixing)


def pitch_shift(energies: np.ndarray, semitones: float, nyquist: float) -> np.ndarray:
    """Energies (frames, bands) as if all frequencies were 2^(semitones / 12) times as high.

    Linear interpolation between the centres of the bands, which lie equally spaced on the mel
    scale from 0 to `nyquist` Hz; what would come from beyond them is silence.
    """
    n_bands = energies.shape[1]
    shifted = mel_scale.centres(n_bands, nyquist) * 2 ** (-semitones / 12)
    sources = mel_scale.mel(shifted) / mel_scale.spacing(n_bands, nyquist)
    # A silent band on either side stands for all beyond.
    padded = np.pad(energies, ((0, 0), (1, 1)))
    low = np.clip(sources.astype(int), 0, n_bands)
    sources = np.minimum(sources, n_bands + 1)
    share = (sources - low).astype(energies.dtype)
    return padded[:, low] * (1 - share) + padded[:, low + 1] * share


def time_stretch(energies: np.ndarray, n_frames: int, tempo: float) -> np.ndarray:
    """The first `n_frames` of energies (frames, bands) played `tempo` times as fast.

    Linear interpolation between frames. Raises ValueError where there are fewer frames than
    `frames_to_stretch` says.
    """
    if len(energies) < frames_to_stretch(n_frames, tempo):
        raise ValueError(f"{len(energies)} frames are too few for {n_frames} at tempo {tempo}")
    sources = np.arange(n_frames) * tempo
    low = sources.astype(int)
    share = (sources - low).astype(energies.dtype)[:, np.newaxis]
    high = np.minimum(low + 1, len(energies) - 1)
    return energies[low] * (1 - share) + energies[high] * share


def frames_to_stretch(n_frames: int, tempo: float) -> int:
    """The frames that `time_stretch` needs for `n_frames`."""
    return int(np.ceil((n_frames - 1) * tempo)) + 1


def mix(energies: np.ndarray, others: np.ndarray, share: float) -> np.ndarray:
    """The sound and another of the same shape, which has this share of the sum.

    Powers add up: two recordings are not correlated.
    """
    return (1 - share) * energies + share * others


class Augmented:
    """The training segments of one epoch, each augmented in its own way; indexed as `Segments`.

    `labels` are the segments' classes; what is mixed in is a training segment too, so that nothing
    comes from beyond the fold's training set.
    """

    def __init__(
        self,
        segments: Segments,
        labels: np.ndarray,
        augmentation: Augmentation,
        nyquist: float,
        rng: np.random.Generator,
    ) -> None:
        n = len(segments)
        self._segments, self._nyquist = segments, nyquist
        self._semitones = augmentation.pitch_shift * rng.uniform(-1, 1, n)
        self._tempo = 1 + augmentation.time_stretch * rng.uniform(-1, 1, n)
        self._share = rng.uniform(0, LARGEST_SHARE, n) * (rng.random(n) < augmentation.mixing)
        self._other = np.arange(n)
        for label in np.unique(labels):
            of_class = np.flatnonzero(labels == label)
            self._other[of_class] = rng.choice(of_class, len(of_class))

    def __len__(self) -> int:
        return len(self._segments)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        others = self._segments.energies(self._other[rows])
        pairs = zip(rows, others, strict=True)
        return self._segments.normalised(np.stack([self._of(row, other) for row, other in pairs]))

    def _of(self, row: int, other: np.ndarray) -> np.ndarray:
        energies = self._stretched(row)
        if self._semitones[row]:
            energies = pitch_shift(energies, self._semitones[row], self._nyquist)
        return mix(energies, other, float(self._share[row]))

    def _stretched(self, row: int) -> np.ndarray:
        """The segment at its tempo; it starts earlier where the recording would end too soon."""
        segments = self._segments
        content, n_frames = segments.content[row], segments.n_frames
        length = segments.features.n_frames[content]
        tempo = min(self._tempo[row], (length - 1) / max(n_frames - 1, 1))
        needed = frames_to_stretch(n_frames, tempo)
        energies = np.empty((needed, segments.features.n_bands), np.float32)
        first = min(segments.first[row], length - needed)
        segments.features.read(content, first, needed, energies)
        return time_stretch(energies, n_frames, tempo)
