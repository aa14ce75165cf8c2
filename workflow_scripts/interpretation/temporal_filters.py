"""Filters over time: the tempi they look for and the tempi that excite them.

A filter of n frames tells tempi apart that differ by about 60 * FRAME_RATE / n: 43 BPM for 60
frames, 13 BPM for 200.
"""

from collections.abc import Iterable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from workflow_scripts.audio.parameters import FRAME_RATE

BPM = np.arange(40, 261, 2)
FRAMES_A_BEAT = 60 * FRAME_RATE / BPM


def holds_a_beat(n_frames: int) -> bool:
    """Whether a filter so long can have a tempo: it holds a beat of the fastest there is."""
    return n_frames >= FRAMES_A_BEAT.min()


def frames_to_hear(n_frames: int) -> int:
    """The frames of a pulse train that show a filter all its phases, four times, at any tempo."""
    return n_frames + int(np.ceil(4 * FRAMES_A_BEAT.max()))


def modulation(filters: np.ndarray) -> np.ndarray:
    """The modulation spectrum of filters over time (filters, n): magnitudes, (filters, len(BPM)).

    |sum_k (w_k - mean w) exp(-2 pi i k f)| with f in beats a frame: the Fourier transform of the
    filter without its mean, at the tempi `BPM` themselves.
    """
    frames = np.arange(filters.shape[1])
    waves = np.exp(-2j * np.pi * np.outer(frames, 1 / FRAMES_A_BEAT))
    return np.abs(_without_mean(filters) @ waves)


def responses(filters: np.ndarray, bias: np.ndarray, trains: Iterable[np.ndarray]) -> np.ndarray:
    """How much more each pulse train excites a filter than the same energy without pulses does.

    `filters` are (filters, n), `bias` (filters,), a train (bands, frames), normalised as the
    network's input is. Returns (filters, trains), 0 or more:

        max over bands b and frames t of ReLU(bias + sum_k w_k (x[b, t+k] - mean_k x[b, t+k]))
        - ReLU(bias),

    the trunk's output where the train suits the filter best, less the output where each band's
    energy is spread evenly over the filter's length. Every window's mean is moved to 0, the mean of
    the data: how loud pulses are, and that fast trains are louder, plays no part. The maximum, not
    the mean over frames, because a train of twice the tempo suits a filter twice as often.

    It cannot settle the octave: what has a pulse every beat also answers, a little less, to twice
    the tempo, where each second pulse falls between its own, and to half of it, where it misses
    every other one.
    """
    # The same as taking the mean from each window.
    weight = _without_mean(filters)
    rest = np.maximum(bias, 0)
    columns = []
    for train in trains:
        windows = sliding_window_view(train, filters.shape[1], axis=1)
        best = (windows @ weight.T).max(axis=(0, 1)) + bias
        columns.append(np.maximum(best, 0) - rest)
    return np.stack(columns, axis=1)


def tempi(responses: np.ndarray) -> np.ndarray:
    """The tempo in BPM of each filter's highest response, (filters,); NaN where there is none."""
    return np.where(responses.max(axis=1) > 0, BPM[responses.argmax(axis=1)], np.nan)


def _without_mean(filters: np.ndarray) -> np.ndarray:
    # In float64 the mean of equal float32 weights is that weight: what is flat becomes 0.
    exact = filters.astype(np.float64)
    return (exact - exact.mean(axis=1, keepdims=True)).astype(np.float32)
