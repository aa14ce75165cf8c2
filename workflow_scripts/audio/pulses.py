"""Mel energies of pulse trains: sounds that have a tempo and nothing else."""

import math
import tempfile
from pathlib import Path

import numpy as np

from workflow_scripts.audio.front_end import mel_bands
from workflow_scripts.audio.parameters import SAMPLE_RATE, FrontEnd
from workflow_scripts.audio.wav import write_wav

# A burst of white noise decays to 1/e in DECAY seconds and starts 40 dB above steady noise.
DECAY = 0.03
BURST = 0.9
STEADY = 0.009
SEED = 2016


def energies(bpm: float, n_frames: int, front_end: FrontEnd) -> np.ndarray:
    """Raw mel energies of a pulse train, shape (n_frames, bands), float32.

    All pulses are the same burst, so they differ only in time. The first one is at the start.
    """
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder, "pulses.wav")
        n_samples = n_frames * front_end.hop_size * SAMPLE_RATE / front_end.sample_rate
        write_wav(wav, train(bpm, math.ceil(n_samples)))
        return mel_bands(wav, front_end)[:n_frames]


def train(bpm: float, n_samples: int) -> np.ndarray:
    """The samples of a pulse train at 44.1 kHz, shape (n_samples,), in -1 ... 1."""
    rng = np.random.default_rng(SEED)
    time = np.arange(int(6 * DECAY * SAMPLE_RATE)) / SAMPLE_RATE
    burst = BURST * rng.uniform(-1, 1, len(time)) * np.exp(-time / DECAY)
    sound = STEADY * rng.uniform(-1, 1, n_samples)
    for start in np.arange(0, n_samples, SAMPLE_RATE * 60 / bpm).astype(int):
        pulse = burst[: n_samples - start]
        sound[start : start + len(pulse)] += pulse
    return sound
