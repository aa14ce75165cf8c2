"""Test tracks played faster or slower, higher or lower: what moves a network's decisions?

The paper supposes that its Time networks learn tempo and that filters with m < 40 learn timbre
whatever its pitch (sections III-B and IV). What it could not do is to change the one and leave the
other. Both work on raw mel energies (frames, bands) of whole tracks, before they are cut into
segments.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workflow_scripts.dataset import augmentation

STRETCH, SHIFT = "stretch", "shift"


@dataclass(frozen=True)
class Intervention:
    """What is done to a track.

    `kind` is STRETCH, `amount` the tempo as a multiple of the track's own; or SHIFT, `amount` the
    mel bands that all moves up by.
    """

    kind: str
    amount: float

    @property
    def changes_nothing(self) -> bool:
        """Whether the track stays as it is."""
        return self.amount == {STRETCH: 1, SHIFT: 0}[self.kind]

    def __call__(self, energies: np.ndarray) -> np.ndarray:
        """The changed track; energies are (frames, bands)."""
        if self.changes_nothing:
            return energies
        if self.kind == STRETCH:
            return stretched(energies, self.amount)
        return shifted(energies, int(self.amount))


INTERVENTIONS = (
    *(Intervention(STRETCH, tenths / 10) for tenths in range(7, 15)),
    *(Intervention(SHIFT, bands) for bands in range(-6, 7)),
)


def stretched(energies: np.ndarray, tempo: float) -> np.ndarray:
    """All of a track, `tempo` times as fast."""
    # The last frame is reached however the quotient is rounded.
    n_frames = int((len(energies) - 1) / tempo + 1e-9) + 1
    return augmentation.time_stretch(energies, n_frames, tempo)


def shifted(energies: np.ndarray, bands: int) -> np.ndarray:
    """All energy so many bands higher; what comes in at the border is silence."""
    moved = np.zeros_like(energies)
    n_bands = energies.shape[1]
    moved[:, max(bands, 0) : n_bands + min(bands, 0)] = energies[
        :, max(-bands, 0) : n_bands - max(bands, 0)
    ]
    return moved


def segments(energies: Sequence[np.ndarray], n_frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Contiguous segments of some tracks, as the test has them, and the track of each.

    Returns energies (segments, n_frames, bands) and positions in `energies`, int (segments,). A
    track shorter than a segment has none.
    """
    counts = np.array([len(track) // n_frames for track in energies])
    cut = [
        track[: count * n_frames].reshape(count, n_frames, track.shape[1])
        for track, count in zip(energies, counts, strict=True)
    ]
    return np.concatenate(cut), np.repeat(np.arange(len(counts)), counts)
