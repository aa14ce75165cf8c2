"""Time stretch and pitch shift of test tracks, to measure how predictions change.

The paper assumes that Time networks learn tempo and that filters with m < 40 learn timbre
independently of pitch (sections III-B and IV). These interventions change tempo and pitch
separately. They transform raw mel energies (frames, bands) of whole tracks, before segmentation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workflow_scripts.dataset import augmentation

STRETCH, SHIFT = "stretch", "shift"


@dataclass(frozen=True)
class Intervention:
    """A transformation of a track.

    With the `kind` STRETCH, `amount` is the tempo relative to the original; with SHIFT, the number
    of mel bands that all energy moves up.
    """

    kind: str
    amount: float

    @property
    def changes_nothing(self) -> bool:
        """Whether the intervention returns the track unchanged."""
        return self.amount == {STRETCH: 1, SHIFT: 0}[self.kind]

    def __call__(self, energies: np.ndarray) -> np.ndarray:
        """Apply the intervention to energies (frames, bands)."""
        if self.changes_nothing:
            return energies
        if self.kind == STRETCH:
            return stretched(energies, self.amount)
        return shifted(energies, int(self.amount))

    def silent(self, frames: np.ndarray) -> np.ndarray:
        """Which frames are silent after the intervention; before it, `frames` are; bool (frames,).

        A frame of a stretched track is silent if both frames that it is made of are.
        """
        if self.kind == SHIFT or self.changes_nothing:
            return frames
        low = (np.arange(_stretched_length(len(frames), self.amount)) * self.amount).astype(int)
        return frames[low] & frames[np.minimum(low + 1, len(frames) - 1)]


# Bands of the largest shift.
MOST_BANDS = 6


def interventions(n_bands: int) -> list[Intervention]:
    """The interventions on tracks with this number of bands."""
    most = min(MOST_BANDS, n_bands - 1)
    return [
        *(Intervention(STRETCH, tenths / 10) for tenths in range(7, 15)),
        *(Intervention(SHIFT, bands) for bands in range(-most, most + 1)),
    ]


def stretched(energies: np.ndarray, tempo: float) -> np.ndarray:
    """The whole track, `tempo` times as fast; energies are (frames, bands)."""
    return augmentation.time_stretch(energies, _stretched_length(len(energies), tempo), tempo)


def _stretched_length(n_frames: int, tempo: float) -> int:
    # The tolerance keeps the last frame when the quotient is rounded down.
    return int((n_frames - 1) / tempo + 1e-9) + 1


def shifted(energies: np.ndarray, bands: int) -> np.ndarray:
    """The energies moved up by `bands` mel bands; bands without a source are silent."""
    moved = np.zeros_like(energies)
    n_bands = energies.shape[1]
    moved[:, max(bands, 0) : n_bands + min(bands, 0)] = energies[
        :, max(-bands, 0) : n_bands - max(bands, 0)
    ]
    return moved


def segments(energies: Sequence[np.ndarray], n_frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Contiguous segments of tracks (frames, bands), as in the test set, and their tracks.

    Returns energies (segments, n_frames, bands) and positions in `energies`, int (segments,). A
    track shorter than a segment has none.
    """
    counts = np.array([len(track) // n_frames for track in energies])
    cut = [
        track[: count * n_frames].reshape(count, n_frames, track.shape[1])
        for track, count in zip(energies, counts, strict=True)
    ]
    return np.concatenate(cut), np.repeat(np.arange(len(counts)), counts)
