"""Render a score as audio: mix its notes and add the sound of a room."""

import numpy as np

from workflow_scripts.audio.parameters import SAMPLE_RATE
from workflow_scripts.demo.composition import Score
from workflow_scripts.demo.instruments import DRUMS, TIMBRES, play, strike

PEAK = 0.8


def perform(score: Score, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """The samples of a score at 44.1 kHz, shape (samples,), float32 in -1 ... 1.

    The noise of the drums and the room are drawn from `rng`.
    """
    length = int(seconds * SAMPLE_RATE)
    mix = np.zeros(length, np.float32)
    drums = {name: strike(drum, rng) for name, drum in DRUMS.items()}
    # With durations in steps of 20 ms, most notes repeat and are computed once.
    played: dict[tuple[str, int, int], np.ndarray] = {}
    for note in score.notes:
        if note.pitch is None:
            sound = drums[note.player]
        else:
            key = note.player, note.pitch, max(int(note.duration * 50), 2)
            if key not in played:
                played[key] = play(TIMBRES[note.player], note.pitch, key[2] / 50)
            sound = played[key]
        first = int(note.start * SAMPLE_RATE)
        part = sound[: length - first]
        mix[first : first + len(part)] += note.loudness * part
    mix = _room(mix, rng)
    return (PEAK / np.abs(mix).max() * mix).astype(np.float32)


def _room(dry: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add reverberation (decaying noise), a spectral tilt and a little hiss."""
    decay, wetness = rng.uniform(0.1, 0.5), rng.uniform(0.05, 0.25)
    time = np.arange(int(SAMPLE_RATE * 4 * decay)) / SAMPLE_RATE
    response = rng.standard_normal(len(time)) * np.exp(-time / decay)
    response *= wetness / np.sqrt(np.sum(np.square(response)))
    response[0] += 1
    size = _fast_length(len(dry) + len(response))
    frequency = np.maximum(np.fft.rfftfreq(size, 1 / SAMPLE_RATE), 50)
    tilt = (frequency / 1000) ** rng.uniform(-0.6, 0.3)
    spectrum = np.fft.rfft(dry, size) * np.fft.rfft(response, size) * tilt
    wet = np.fft.irfft(spectrum, size)[: len(dry)]
    return wet + 10 ** rng.uniform(-4.5, -3.5) * rng.standard_normal(len(dry))


def _fast_length(n: int) -> int:
    """The smallest 2^a or 3 * 2^a that is at least n: a size at which the FFT is fast."""
    power = 1 << (n - 1).bit_length()
    return 3 * power // 4 if 3 * power // 4 >= n else power
