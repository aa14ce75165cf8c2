"""Filters over time: their modulation spectra and the tempi that they respond to.

A filter of n frames resolves differences of tempo of about 60 * frame rate / n: at the paper's
frame rate 43 BPM for 60 frames, 13 BPM for 200.
"""

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from workflow_scripts.audio.parameters import FrontEnd

BPM = np.arange(40, 261, 2)
# Number of noise filters, and the share of them without a tempo.
N_NOISE, CONFIDENCE = 500, 0.95
SEED = 2016


def frames_per_beat(frame_rate: float) -> np.ndarray:
    """The frames of a beat at each tempo in `BPM`, with `frame_rate` frames per second."""
    return 60 * frame_rate / BPM


def holds_a_beat(n_frames: int, frame_rate: float) -> bool:
    """Whether a filter can have a tempo: it is at least one beat long at the fastest in `BPM`."""
    return bool(n_frames >= frames_per_beat(frame_rate).min())


def frames_needed(n_frames: int, bpm: float, frame_rate: float) -> int:
    """The frames of a pulse train in which a filter of `n_frames` meets every phase four times."""
    return n_frames + int(np.ceil(4 * 60 * frame_rate / bpm))


def modulation(filters: np.ndarray, frame_rate: float) -> np.ndarray:
    """The magnitudes of the filters' modulation spectra, float (filters, len(BPM)).

    `filters` has shape (filters, n), with `frame_rate` frames per second.

    |sum_k (w_k - mean w) exp(-2 pi i k f)| with f in beats per frame: the Fourier transform of the
    filter without its mean, at the tempi `BPM`.
    """
    frames = np.arange(filters.shape[1])
    waves = np.exp(-2j * np.pi * np.outer(frames, 1 / frames_per_beat(frame_rate)))
    return np.abs(_without_mean(filters) @ waves)


class PulseTest:
    """How filters of `n_frames` frames respond to pulse trains at the tempi `BPM`.

    The peak of a train x is the largest output of a convolution with the standardised filter:

        peak = max over bands b and frames t of sum_k (w_k - mean w) / std w  x[b, t + k].

    Without its mean, a filter has an output of 0 where the energy of a band is constant, so the
    peak measures the pulses and not the total energy. The network's normalisation, bias and ReLU
    would not change the order of the tempi. All filters have higher peaks for fast trains, which
    have more pulses to match. The response corrects for this:

        (peak - mean of peaks) / std of peaks,

    with the mean and standard deviation of N_NOISE noise filters, so the mean response of noise is
    0. The noise is normal and smooth, as trained weights approximately are (`_noise`).

    Octaves are ambiguous. A filter with a pulse on every beat also responds, less, to twice the
    tempo, where every second pulse falls between its own, and to half the tempo, where every second
    of its own pulses matches. A filter with a pulse on every half beat is the same as a filter for
    twice the tempo.
    """

    def __init__(self, trains: Sequence[np.ndarray], n_frames: int, front_end: FrontEnd) -> None:
        """`trains` are compressed mel energies (bands, frames), one for each tempo in `BPM`."""
        self._trains = trains
        noise = _noise(n_frames, front_end)
        peaks = self._peaks(noise)
        self._mean, self._std = peaks.mean(axis=0), peaks.std(axis=0)
        best = self.responses(noise).max(axis=1)
        self.threshold = float(np.quantile(best, CONFIDENCE))

    def responses(self, filters: np.ndarray) -> np.ndarray:
        """The response of each filter to each train, float (filters, len(BPM)).

        `filters` has shape (filters, n_frames).
        """
        return (self._peaks(filters) - self._mean) / self._std

    def tempi(self, responses: np.ndarray) -> np.ndarray:
        """The tempo in BPM with the highest response of each filter, (filters,).

        NaN if the response is not above `threshold`, which 95 % of noise filters do not exceed.
        """
        best = BPM[responses.argmax(axis=1)]
        return np.where(responses.max(axis=1) > self.threshold, best, np.nan)

    def _peaks(self, filters: np.ndarray) -> np.ndarray:
        weights = _without_mean(filters)
        deviation = weights.std(axis=1, keepdims=True)
        weights = np.divide(weights, deviation, out=weights, where=deviation > 0)
        weights = weights.astype(np.float32)
        peaks = []
        for train in self._trains:
            windows = sliding_window_view(train, weights.shape[1], axis=1)
            # tensordot copies the windows but uses BLAS; `@` does not and is ten times slower.
            peaks.append(np.tensordot(windows, weights, axes=(2, 1)).max(axis=(0, 1)))
        return np.stack(peaks, axis=1)


def _noise(n_frames: int, front_end: FrontEnd) -> np.ndarray:
    """Noise filters, (N_NOISE, n_frames): normal, smoothed over the frames that share samples.

    The frames of the paper's front end overlap by half, so trained weights are smooth: on the demo,
    the correlation of neighbouring weights is 0.6. Here it is 0.67, by 1:2:1 over neighbouring
    frames. White noise matches pulses of several frames less well. With a threshold from white
    noise, 22 % of smooth noise filters of 60 frames and 41 % of 200 frames would have a tempo.
    """
    # Two windows of this distance have no sample in common.
    apart = max(round(front_end.frame_size / front_end.hop_size), 1)
    triangle = apart - np.abs(np.arange(1 - apart, apart))
    rng = np.random.default_rng(SEED)
    white = rng.standard_normal((N_NOISE, n_frames + len(triangle) - 1))
    shares = [share * white[:, k : k + n_frames] for k, share in enumerate(triangle)]
    return np.sum(shares, axis=0)


def _without_mean(filters: np.ndarray) -> np.ndarray:
    # In float64, the mean of equal float32 weights is exact: a constant filter becomes 0.
    exact = filters.astype(np.float64)
    return exact - exact.mean(axis=1, keepdims=True)
