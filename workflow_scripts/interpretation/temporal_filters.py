"""Filters over time: the tempi they look for and the tempi that excite them.

A filter of n frames tells tempi apart that differ by about 60 * FRAME_RATE / n: 43 BPM for 60
frames, 13 BPM for 200.
"""

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from workflow_scripts.audio.parameters import FRAME_RATE

BPM = np.arange(40, 261, 2)
FRAMES_A_BEAT = 60 * FRAME_RATE / BPM
# Filters of noise, and the share of them that is found no tempo of.
N_NOISE, CONFIDENCE = 500, 0.95
SEED = 2016


def holds_a_beat(n_frames: int) -> bool:
    """Whether a filter so long can have a tempo: it holds a beat of the fastest there is."""
    return n_frames >= FRAMES_A_BEAT.min()


def frames_needed(n_frames: int, bpm: float) -> int:
    """The frames of a pulse train that show a filter so long every phase four times."""
    return n_frames + int(np.ceil(4 * 60 * FRAME_RATE / bpm))


def modulation(filters: np.ndarray) -> np.ndarray:
    """The modulation spectrum of filters over time (filters, n): magnitudes, (filters, len(BPM)).

    |sum_k (w_k - mean w) exp(-2 pi i k f)| with f in beats a frame: the Fourier transform of the
    filter without its mean, at the tempi `BPM` themselves.
    """
    frames = np.arange(filters.shape[1])
    waves = np.exp(-2j * np.pi * np.outer(frames, 1 / FRAMES_A_BEAT))
    return np.abs(_without_mean(filters) @ waves)


class PulseTest:
    """How filters of `n_frames` frames respond to pulse trains at the tempi `BPM`.

    A filter hears each train through the trunk up to the max over bands, with its mean taken away
    and its deviation made 1:

        peak = max over bands b and frames t of sum_k (w_k - mean w) / std w  x[b, t + k].

    Without its mean it gives nothing where a band's energy is spread evenly over its length, so the
    peak is what the pulses add to the same energy; the network's normalisation, its bias and its
    ReLU put tempi in no other order. Any filter, though, has higher peaks for fast trains, which
    have more pulses to meet it. The response is therefore

        (peak - mean of peaks) / std of peaks,

    mean and deviation being those of N_NOISE filters of noise: 0 is what noise gives. The noise is
    normal, as trained weights nearly are, and as smooth as they are (`_noise`).

    It does not settle the octave. A filter with a pulse every beat also answers, less, to twice the
    tempo, where every second pulse falls between its own, and to half of it, which meets every
    other one; one with a pulse every half beat cannot be told from one of twice the tempo.
    """

    def __init__(self, trains: Sequence[np.ndarray], n_frames: int) -> None:
        """`trains` are compressed mel energies (bands, frames), one for each of `BPM`."""
        self._trains = trains
        noise = _noise(n_frames)
        peaks = self._peaks(noise)
        self._mean, self._std = peaks.mean(axis=0), peaks.std(axis=0)
        best = self.responses(noise).max(axis=1)
        self.chance = float(np.quantile(best, CONFIDENCE))

    def responses(self, filters: np.ndarray) -> np.ndarray:
        """The response of each filter (filters, n_frames) to each train, (filters, len(BPM))."""
        return (self._peaks(filters) - self._mean) / self._std

    def tempi(self, responses: np.ndarray) -> np.ndarray:
        """The tempo in BPM of each filter's highest response, (filters,).

        NaN where it is no higher than `chance`, the highest response of 95 % of noise.
        """
        best = BPM[responses.argmax(axis=1)]
        return np.where(responses.max(axis=1) > self.chance, best, np.nan)

    def _peaks(self, filters: np.ndarray) -> np.ndarray:
        weights = _without_mean(filters)
        deviation = weights.std(axis=1, keepdims=True)
        weights = np.divide(weights, deviation, out=weights, where=deviation > 0)
        weights = weights.astype(np.float32)
        peaks = []
        for train in self._trains:
            windows = sliding_window_view(train, weights.shape[1], axis=1)
            # tensordot copies what overlaps; `@` would do without BLAS, in ten times the time.
            peaks.append(np.tensordot(windows, weights, axes=(2, 1)).max(axis=(0, 1)))
        return np.stack(peaks, axis=1)


def _noise(n_frames: int) -> np.ndarray:
    """Filters of noise, (N_NOISE, n_frames): normal, weighted 1:2:1 over neighbouring frames.

    The front end's frames overlap by half: what is learned from them is smooth (on the demo the
    correlation of neighbouring weights is 0.6, here 0.67). White noise meets pulses of several
    frames less well: measured by it, 22 % of smooth noise of 60 frames and 41 % of 200 would have a
    tempo.
    """
    white = np.random.default_rng(SEED).standard_normal((N_NOISE, n_frames + 2))
    return white[:, :-2] + 2 * white[:, 1:-1] + white[:, 2:]


def _without_mean(filters: np.ndarray) -> np.ndarray:
    # In float64 the mean of equal float32 weights is that weight: what is flat becomes 0.
    exact = filters.astype(np.float64)
    return exact - exact.mean(axis=1, keepdims=True)
