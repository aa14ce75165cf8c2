"""Which frames of a track are silent. Only NumPy: the features on disk are judged by it too."""

import numpy as np

from workflow_scripts.audio.parameters import FRAME_RATE, SILENCE

# A constant offset fills band 0 (0 to 129 Hz). The window leaks at most this share of it into each
# other band; sound of 20 Hz leaks more than ten thousand times as much.
OFFSET_LEAK = 3e-9
# Frames at either end that may contain the edge of the file. With a constant offset the edge is a
# click; resampling and MP3 spread it over two or three frames.
EDGE = 4
# Frames of the shortest silence: one second. A shorter pause is a part of the music.
SHORTEST = round(FRAME_RATE)


def silent_frames(energies: np.ndarray) -> np.ndarray:
    """Which frames have no sound, bool (frames,); `energies` are raw mel energies (frames, bands).

    A frame is silent if all bands except the lowest are below SILENCE, apart from what a constant
    offset leaks into them. The frames at the ends are as the frame beside them.
    """
    limit = SILENCE + OFFSET_LEAK * energies[:, 0]
    silent = energies[:, 1:].max(axis=1) < limit
    if len(silent) > 2 * EDGE:
        silent[:EDGE] |= silent[EDGE]
        silent[-EDGE:] |= silent[-EDGE - 1]
    return silent


def is_silent(energies: np.ndarray) -> bool:
    """Whether a track has no sound at all; `energies` are as in `silent_frames`."""
    return bool(silent_frames(energies).all())


def in_silence(energies: np.ndarray) -> np.ndarray:
    """Which frames are in a silence, SHORTEST or more silent frames in a row; bool (frames,)."""
    silent = silent_frames(energies)
    for first, end in runs(silent):
        if end - first < SHORTEST:
            silent[first:end] = False
    return silent


def runs(mask: np.ndarray) -> np.ndarray:
    """The runs of True in a mask: first frame, and frame after the last; int (runs, 2)."""
    steps = np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8))
    return np.stack([np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)], axis=1)
