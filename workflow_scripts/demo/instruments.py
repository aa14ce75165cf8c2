"""Instruments of the demo: drums of tones and filtered noise, pitched notes from wavetables."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from workflow_scripts.audio.parameters import SAMPLE_RATE

TABLE_SIZE = 2048
# In Hz.
HIGHEST_PARTIAL = 12_000.0


@dataclass(frozen=True)
class Timbre:
    """A pitched instrument.

    `partials` are the amplitudes of the harmonics, the fundamental first. `attack` and `decay` (to
    1/e, for a note of 200 Hz; infinite for wind and bowed instruments) are in seconds. `vibrato` is
    the relative deviation of the frequency, at 5.5 Hz.
    """

    partials: tuple[float, ...]
    attack: float
    decay: float
    vibrato: float = 0.0


@dataclass(frozen=True)
class Drum:
    """A drum: a decaying sine tone and decaying band-pass noise.

    `tone` and `noise` are amplitudes; `tone_decay` and `noise_decay` (to 1/e) and `attack` are in
    seconds. The tone falls from (1 + `sweep`) times `pitch` to `pitch`, in Hz. `band` holds the
    cut-off frequencies of the noise and `scrapes` the frequency of its amplitude modulation, in Hz;
    0 turns the modulation off.
    """

    pitch: float
    tone: float
    tone_decay: float
    noise: float
    band: tuple[float, float]
    noise_decay: float
    sweep: float = 0.0
    attack: float = 0.001
    scrapes: float = 0.0


def _powers(exponent: float, n: int = 24, even: float = 1.0) -> tuple[float, ...]:
    return tuple((1.0 if k % 2 else even) / k**exponent for k in range(1, n + 1))


TIMBRES = {
    "upright_bass": Timbre(_powers(1.8, 12), 0.008, 0.35),
    "electric_bass": Timbre(_powers(1.3, 12, 0.6), 0.004, 0.6),
    "piano": Timbre(_powers(1.5), 0.003, 0.5),
    "guitar": Timbre(_powers(1.1, 20, 0.7), 0.003, 0.3),
    "organ": Timbre((1, 0.8, 0.6, 0.5, 0, 0.3, 0, 0.3), 0.01, np.inf, 0.002),
    "strings": Timbre(_powers(1.1), 0.07, np.inf, 0.006),
    "brass": Timbre(_powers(0.9, 20), 0.03, np.inf, 0.003),
    "accordion": Timbre(_powers(0.8, 24, 0.8), 0.02, np.inf, 0.0),
    "flute": Timbre((1, 0.25, 0.08, 0.03), 0.04, np.inf, 0.008),
    "clarinet": Timbre(_powers(1.0, 16, 0.1), 0.025, np.inf, 0.004),
    "vibraphone": Timbre((1, 0, 0, 0.35, 0, 0, 0, 0, 0, 0.1), 0.002, 0.7, 0.0),
}

DRUMS = {
    "kick": Drum(52, 1.0, 0.12, 0.1, (100, 4000), 0.01, sweep=2.5),
    "surdo": Drum(68, 1.0, 0.25, 0.08, (80, 1500), 0.03, sweep=0.5),
    "snare": Drum(190, 0.4, 0.06, 0.6, (900, 9000), 0.09),
    "brush": Drum(0, 0.0, 0.1, 0.45, (1500, 12000), 0.08, attack=0.02),
    "hat": Drum(0, 0.0, 0.1, 0.4, (7000, 18000), 0.03),
    "ride": Drum(0, 0.0, 0.1, 0.3, (5000, 16000), 0.2),
    "shaker": Drum(0, 0.0, 0.1, 0.4, (5000, 14000), 0.03, attack=0.012),
    "maracas": Drum(0, 0.0, 0.1, 0.4, (6500, 17000), 0.02, attack=0.006),
    "guiro": Drum(0, 0.0, 0.1, 0.5, (2500, 9000), 0.08, attack=0.02, scrapes=70.0),
    "clave": Drum(2450, 0.8, 0.025, 0.0, (1000, 5000), 0.01),
    "cowbell": Drum(800, 0.6, 0.09, 0.1, (700, 5000), 0.04),
    "agogo": Drum(1150, 0.5, 0.12, 0.0, (1000, 5000), 0.04),
    "tamborim": Drum(700, 0.4, 0.03, 0.3, (900, 6000), 0.02),
    "bongo": Drum(400, 0.6, 0.05, 0.1, (500, 4000), 0.01, sweep=0.1),
    "conga_open": Drum(210, 0.9, 0.16, 0.1, (300, 3000), 0.01, sweep=0.08),
    "conga_slap": Drum(330, 0.4, 0.04, 0.5, (1200, 7000), 0.03),
}


def strike(drum: Drum, rng: np.random.Generator) -> np.ndarray:
    """One stroke at full loudness until it has decayed, shape (samples,), float32."""
    decay = max(drum.tone_decay * (drum.tone > 0), drum.noise_decay * (drum.noise > 0))
    time = np.arange(int(SAMPLE_RATE * (drum.attack + 6 * decay))) / SAMPLE_RATE
    falling = drum.pitch * (1 + drum.sweep * np.exp(-time / 0.03))
    sound = drum.tone * np.exp(-time / drum.tone_decay)
    sound = sound * np.sin(2 * np.pi * np.cumsum(falling) / SAMPLE_RATE)
    spectrum = np.fft.rfft(rng.standard_normal(len(time)))
    frequency = np.fft.rfftfreq(len(time), 1 / SAMPLE_RATE)
    low, high = drum.band
    spectrum *= 1 / (1 + (low / np.maximum(frequency, 1.0)) ** 4) / (1 + (frequency / high) ** 4)
    noise = np.fft.irfft(spectrum, len(time))
    noise *= drum.noise / max(float(np.abs(noise).max()), 1e-9) * np.exp(-time / drum.noise_decay)
    if drum.scrapes:
        noise *= 0.5 - 0.5 * np.cos(2 * np.pi * drum.scrapes * time)
    return ((sound + noise) * np.minimum(time / drum.attack, 1)).astype(np.float32)


def play(timbre: Timbre, pitch: int, duration: float) -> np.ndarray:
    """One note at full loudness, shape (samples,), float32.

    `pitch` is a MIDI number, `duration` is in seconds; a release of 60 ms follows.
    """
    release = 0.06
    time = np.arange(int(SAMPLE_RATE * (duration + release))) / SAMPLE_RATE
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    phase = frequency * time
    if timbre.vibrato:
        phase += frequency * timbre.vibrato / (2 * np.pi * 5.5) * np.sin(2 * np.pi * 5.5 * time)
    table = _wavetable(timbre.partials[: max(int(HIGHEST_PARTIAL / frequency), 1)])
    sound = table[(phase * TABLE_SIZE).astype(np.int64) % TABLE_SIZE]
    # Higher notes of struck and plucked strings decay faster.
    envelope = np.exp(-time / (timbre.decay * (200 / frequency) ** 0.3))
    envelope *= np.minimum(time / timbre.attack, 1)
    envelope *= np.clip((duration + release - time) / release, 0, 1)
    return (sound * envelope).astype(np.float32)


@cache
def _wavetable(partials: tuple[float, ...]) -> np.ndarray:
    angle = 2 * np.pi * np.arange(TABLE_SIZE) / TABLE_SIZE
    table = sum(a * np.sin(k * angle) for k, a in enumerate(partials, start=1))
    return np.asarray(table / np.sqrt(np.mean(np.square(table))) / 3)
