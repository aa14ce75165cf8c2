"""Pulse trains: sound that has a tempo and nothing else, as the front end hears it."""

import tempfile
from pathlib import Path

import numpy as np

from workflow_scripts.audio.front_end import mel_bands
from workflow_scripts.audio.parameters import HOP_SIZE, SAMPLE_RATE
from workflow_scripts.audio.wav import write_wav

# A burst of white noise falls to 1/e in so many seconds, and starts 40 dB above steady noise.
DECAY = 0.03
BURST = 0.9
STEADY = 0.009
SEED = 2016


def energies(bpm: float, n_frames: int) -> np.ndarray:
    """Raw mel energies of `n_frames` of a pulse train, (n_frames, 40), float32.

    Every pulse is the same burst, so that pulses differ in nothing but their time; the first is at
    the start.
    """
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder, "pulses.wav")
        write_wav(wav, train(bpm, n_frames * HOP_SIZE))
        return mel_bands(wav)[:n_frames]


def train(bpm: float, n_samples: int) -> np.ndarray:
    """The sound of a pulse train at 44.1 kHz, (n_samples,), in -1 ... 1."""
    rng = np.random.default_rng(SEED)
    time = np.arange(int(6 * DECAY * SAMPLE_RATE)) / SAMPLE_RATE
    burst = BURST * rng.uniform(-1, 1, len(time)) * np.exp(-time / DECAY)
    sound = STEADY * rng.uniform(-1, 1, n_samples)
    for start in np.arange(0, n_samples, SAMPLE_RATE * 60 / bpm).astype(int):
        heard = burst[: n_samples - start]
        sound[start : start + len(heard)] += heard
    return sound
