"""Which frames of a track are silent. Only NumPy: the features on disk are judged by it too."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from workflow_scripts.audio.mel_scale import triangles
from workflow_scripts.audio.parameters import PAPERS, SILENCE, FrontEnd
from workflow_scripts.audio.windows import window

# The least share of a constant offset that leaks into a band, for the rounding of samples and
# codecs. With the paper's front end, no band but the lowest gets more from the window: sound of
# 20 Hz leaks more than ten thousand times as much.
OFFSET_LEAK = 3e-9
# Offsets with a noise around them leak a little more than exact ones.
MARGIN = 1.3
# A constant at full scale that puts less energy than this into a band does not fill it.
FILLED = 1e-5
# Seconds at either end over which resampling and MP3 spread the edge of the file.
SPREAD = 0.06


@dataclass(frozen=True)
class Rule:
    """When a frame is silent: each band b is below limits[b] + leaks[b] * band `fullest`.

    `limits` and `leaks` have one value per band. A constant offset fills the lowest bands and leaks
    into the others. If it may fill `fullest`, usually band 0, this band does not count: its leak is
    above 1. `edge`: frames at either end that may contain the edge of the file: with an offset, it
    is a click. `shortest`: frames of the shortest silence, one second; a shorter pause is a part of
    the music.
    """

    limits: list[float]
    leaks: list[float]
    fullest: int
    edge: int
    shortest: int


@cache
def rule(front_end: FrontEnd) -> Rule:
    """The rule for the energies of this front end."""
    # Shorter windows have more energy of the same noise; longer ones not less of a quiet tone.
    noise = max(_noise(front_end) / _noise(PAPERS), 1)
    limit = noise * SILENCE
    constant = _constant(front_end)
    fullest = int(constant.argmax())
    if n_filled(front_end):
        limits = np.full(front_end.n_bands, limit)
        leaks = np.maximum(MARGIN * constant / constant[fullest], noise * OFFSET_LEAK)
    else:
        # No band tells how large an offset is: it may be full scale.
        limits, leaks = limit + MARGIN * constant, np.zeros(front_end.n_bands)
    reach = SPREAD * front_end.sample_rate + front_end.frame_size / 2
    return Rule(
        _rounded(limits),
        _rounded(leaks),
        fullest,
        edge=int(np.ceil(reach / front_end.hop_size)),
        shortest=max(round(front_end.frame_rate), 1),
    )


def _rounded(values: np.ndarray) -> list[float]:
    """The values with three digits, so that all machines have the same ones."""
    return [float(f"{value:.3g}") for value in values]


@cache
def n_filled(front_end: FrontEnd) -> int:
    """The number of lowest bands that a constant offset may fill; not all of them.

    With the paper's front end it is 1, the band from 0 to 129 Hz.
    """
    filled = np.flatnonzero(_constant(front_end) >= FILLED)
    return min(int(filled[-1]) + 1, front_end.n_bands - 1) if len(filled) else 0


def silent_frames(energies: np.ndarray, front_end: FrontEnd) -> np.ndarray:
    """Which frames have no sound, bool (frames,); `energies` are raw mel energies (frames, bands).

    See `Rule`. The frames at the ends are as the frame beside them.
    """
    own = rule(front_end)
    silent = np.ones(len(energies), bool)
    fullest = energies[:, own.fullest]
    for band, (limit, leak) in enumerate(zip(own.limits, own.leaks, strict=True)):
        silent &= energies[:, band] < limit + leak * fullest
    edge = own.edge
    if len(silent) > 2 * edge:
        silent[:edge] |= silent[edge]
        silent[-edge:] |= silent[-edge - 1]
    return silent


def is_silent(energies: np.ndarray, front_end: FrontEnd) -> bool:
    """Whether a track has no sound at all; `energies` are as in `silent_frames`."""
    return bool(silent_frames(energies, front_end).all())


def in_silence(energies: np.ndarray, front_end: FrontEnd) -> np.ndarray:
    """Which frames are in a silence, one second or more of silent frames; bool (frames,)."""
    silent = silent_frames(energies, front_end)
    shortest = rule(front_end).shortest
    for first, end in runs(silent):
        if end - first < shortest:
            silent[first:end] = False
    return silent


def runs(mask: np.ndarray) -> np.ndarray:
    """The runs of True in a mask: first frame, and frame after the last; int (runs, 2)."""
    steps = np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8))
    return np.stack([np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)], axis=1)


def _noise(front_end: FrontEnd) -> float:
    """The energy of white noise of variance 1 in each band: the same noise is silent in any."""
    values = window(front_end.window, front_end.frame_size)
    return float(np.square(values).sum())


def _constant(front_end: FrontEnd) -> np.ndarray:
    """The energies of a constant 1, float (bands,)."""
    spectrum = np.fft.rfft(window(front_end.window, front_end.frame_size))
    weights = triangles(front_end)
    return (weights / weights.sum(axis=1, keepdims=True)) @ np.square(np.abs(spectrum))
