"""Silent segments: they neither train, vote nor count.

A segment is silent if all its frames are in a silence (`audio.silence.in_silence`).
"""

from collections.abc import Sequence

import numpy as np

from workflow_scripts.audio.silence import runs


def as_text(silent: np.ndarray) -> str:
    """A mask of frames in silences, bool (frames,), as text: "first:end first:end ..."."""
    return " ".join(f"{first}:{end}" for first, end in runs(silent))


def from_text(text: str) -> np.ndarray:
    """The silences in `text` (see `as_text`): first frame and end, int (silences, 2)."""
    pairs = [pair.split(":") for pair in text.split()]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def mask(text: str, n_frames: int) -> np.ndarray:
    """The inverse of `as_text` for a content of `n_frames` frames, bool (frames,)."""
    silent = np.zeros(n_frames, bool)
    for first, end in from_text(text):
        silent[first:end] = True
    return silent


def n_silent(texts: Sequence[str]) -> np.ndarray:
    """The number of frames in silences of each content (see `as_text`), int (contents,)."""
    counts = [np.diff(from_text(text)).sum() if text else 0 for text in texts]
    return np.array(counts, dtype=np.int64)


def are_silent(
    content: np.ndarray, first: np.ndarray, n_frames: int, texts: Sequence[str]
) -> np.ndarray:
    """Which segments of `n_frames` frames are silent, bool (segments,).

    `content` and `first`, int (segments,), are as in `Segments`, sorted by content; `texts` has the
    silences of each content (see `as_text`).
    """
    silent = np.zeros(len(content), bool)
    for position, text in enumerate(texts):
        if not text:
            continue
        silences = from_text(text)
        rows = slice(*np.searchsorted(content, [position, position + 1]))
        # The last silence that starts at or before the segment.
        last = np.searchsorted(silences[:, 0], first[rows], side="right") - 1
        silent[rows] = (last >= 0) & (silences[last, 1] >= first[rows] + n_frames)
    return silent


def contiguous(silent: np.ndarray, n_frames: int) -> np.ndarray:
    """Which contiguous segments of a track are silent, bool (segments,).

    `silent`, bool (frames,), are the frames in silences.
    """
    n_segments = len(silent) // n_frames
    return silent[: n_segments * n_frames].reshape(n_segments, n_frames).all(axis=1)
