"""How similar two tracks sound: from 0 to 1, over the part that they have in common."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.fft
from scipy.ndimage import convolve1d

from workflow_scripts.audio.parameters import PAPERS, SILENCE
from workflow_scripts.dataset.fingerprints import BANDS_APART, FLOOR, relative

# Frames on either side that smooth the energies, so that copies may be shifted by part of a frame.
WIDTH = 2.0
FRACTIONS = (-0.5, -0.25, 0.0, 0.25, 0.5)
# Two tracks are compared over at least half of the shorter one.
LEAST_PART = 0.5
# Below this correlation, a shift by part of a frame cannot make two tracks similar.
WORTH_SHIFTING = 0.7
# The score is the correlation that all but a tenth of the windows of two seconds exceed: two takes
# of one pattern differ in a few places, a copy in none.
WINDOW, TENTH = round(2 * PAPERS.frame_rate), 10
# A track that resembles itself half a second later or more repeats itself.
SHORTEST_PERIOD = round(0.5 * PAPERS.frame_rate)


@dataclass(frozen=True)
class Match:
    """The best alignment of two tracks.

    score: 0 to 1. lag: the frame of the first track at which the second one starts. n_frames: the
    length of the part in common.
    """

    score: float
    lag: int
    n_frames: int


class Profile:
    """What is compared of a track: differences of log energies between bands.

    They do not depend on the level, and only on bands that any copy keeps. The silence at both ends
    is left out.
    """

    def __init__(self, energies: np.ndarray) -> None:
        """The profile of raw mel energies (frames, bands)."""
        heard = np.flatnonzero(energies.max(axis=1, initial=0) > SILENCE)
        self._low = relative(energies[heard[0] : heard[-1] + 1] if len(heard) else energies[:0])
        self._levels = _levels(self._low, 0.0)

    @property
    def n_frames(self) -> int:
        """The number of frames without the silence at both ends."""
        return len(self._low)

    def match(self, other: "Profile", shortest_lag: int = 0) -> Match:
        """The best alignment with another profile, with a lag of at least `shortest_lag`."""
        if not (self.n_frames and other.n_frames):
            return Match(0.0, 0, 0)
        lags, correlations = _of_all_lags(self._levels, other._levels)
        correlations[np.abs(lags) < shortest_lag] = -1
        lag = int(lags[correlations.argmax()])
        # The level of the rest of a track must not matter to an excerpt of it.
        low = [relative(part) for part in _in_common(self._low, other._low, lag)]
        first, second = (_levels(part, 0.0) for part in low)
        if _correlation(first, second) >= WORTH_SHIFTING:
            # Each by half of it, so that both are smoothed alike.
            shifts = [(part / 2, -part / 2) for part in FRACTIONS]
            parts = [(_levels(low[0], a), _levels(low[1], b)) for a, b in shifts]
            first, second = max(parts, key=lambda pair: _correlation(*pair))
        return Match(_score(first, second), lag, len(first))

    def resemblance_to_itself(self) -> float:
        """The score of the track and its most similar other place: almost 1 for a loop."""
        return self.match(self, SHORTEST_PERIOD).score


def _levels(low: np.ndarray, shift: float) -> np.ndarray:
    """Differences of log energies between bands, shifted by part of a frame, without their mean."""
    reach = int(WIDTH) + 1
    distances = np.abs(np.arange(-reach, reach + 1) - shift) / WIDTH
    window = 1 + np.cos(np.pi * np.minimum(distances, 1))
    smooth = convolve1d(low, window[::-1] / window.sum(), axis=0, mode="nearest")
    logs = np.log(smooth + FLOOR)
    differences = logs[:, BANDS_APART:] - logs[:, :-BANDS_APART]
    return differences - differences.mean(axis=0)


def _of_all_lags(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All lags with enough frames in common, and the correlation at each, float (lags,)."""
    size = scipy.fft.next_fast_len(len(first) + len(second), real=True)
    spectra = (scipy.fft.rfft(levels, size, axis=0) for levels in (first, second))
    product = next(spectra) * next(spectra).conj()
    products = scipy.fft.irfft(product.sum(axis=1), size)
    lags = np.arange(1 - len(second), len(first))
    starts, other_starts = np.maximum(lags, 0), np.maximum(-lags, 0)
    n_frames = np.minimum(len(first) - starts, len(second) - other_starts)
    enough = n_frames >= LEAST_PART * min(len(first), len(second))
    lags, starts, other_starts = lags[enough], starts[enough], other_starts[enough]
    energy = _energies(first, starts, n_frames[enough])
    energy *= _energies(second, other_starts, n_frames[enough])
    correlations = np.zeros(len(lags))
    np.divide(products[lags % size], np.sqrt(energy), out=correlations, where=energy > 0)
    return lags, correlations


def _energies(levels: np.ndarray, starts: np.ndarray, n_frames: np.ndarray) -> np.ndarray:
    """The sum of squares of each part of `levels`."""
    sums = np.concatenate([[0.0], np.cumsum(np.square(levels).sum(axis=1))])
    return np.maximum(sums[starts + n_frames] - sums[starts], 0)


def _in_common(first: np.ndarray, second: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    first, second = first[max(lag, 0) :], second[max(-lag, 0) :]
    n_frames = min(len(first), len(second))
    return first[:n_frames], second[:n_frames]


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    energy = np.square(first).sum() * np.square(second).sum()
    return float((first * second).sum() / np.sqrt(energy)) if energy > 0 else 0.0


def _score(first: np.ndarray, second: np.ndarray) -> float:
    n_windows = max(len(first) // WINDOW, 1)
    edges = np.linspace(0, len(first), n_windows + 1).astype(int)
    scores = [_correlation(first[start:end], second[start:end]) for start, end in pairwise(edges)]
    return float(np.clip(np.percentile(scores, TENTH), 0, 1))
