"""Excerpts of tracks, and their first seconds as MP3, small enough to embed in a page."""

import io
import math
from pathlib import Path

import numpy as np
import soundfile
from scipy import signal

from workflow_scripts.audio.decoding import UNDECODABLE, NotAudioError, analysed
from workflow_scripts.audio.loaded_essentia import essentia, streaming
from workflow_scripts.audio.parameters import SAMPLE_RATE

SECONDS = 10.0
# The page does not need high frequencies, so the sampling rate is halved.
DECIMATION = 2
# libsndfile's compression level, 0 to 1; this one gives about 30 kbit/s.
COMPRESSION = 0.9
# Sampling rates of MP3 files.
RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
# Without a fade, the cuts are audible as clicks.
FADE_SECONDS = 0.005


def opening(audio: Path) -> bytes:
    """The first SECONDS of a track as a mono MP3 file.

    Raises NotAudioError if the file is missing or cannot be decoded.
    """
    samples = excerpt(audio, 0, SECONDS, SAMPLE_RATE)
    if not len(samples):
        raise NotAudioError(UNDECODABLE)
    # Essentia's resampler takes ten times as long as SciPy's.
    return mp3(signal.resample_poly(samples, 1, DECIMATION), SAMPLE_RATE // DECIMATION)


def mp3(samples: np.ndarray, sample_rate: int) -> bytes:
    """Mono samples (n,) in -1 ... 1 as an MP3 file; the first and last FADE_SECONDS fade.

    At a sampling rate that MP3 files cannot have, they are resampled to the next higher one, or to
    the highest.
    """
    if sample_rate not in RATES:
        rate = min((r for r in RATES if r > sample_rate), default=RATES[-1])
        common = math.gcd(rate, sample_rate)
        samples = signal.resample_poly(samples, rate // common, sample_rate // common)
        sample_rate = rate
    from_edge = np.minimum(np.arange(len(samples)), np.arange(len(samples))[::-1])
    fade = np.minimum(from_edge / (FADE_SECONDS * sample_rate), 1)
    file = io.BytesIO()
    soundfile.write(
        file,
        np.clip(samples, -1, 1) * fade,
        sample_rate,
        format="MP3",
        bitrate_mode="VARIABLE",
        compression_level=COMPRESSION,
    )
    return file.getvalue()


def excerpt(audio: Path, start: float, end: float, sample_rate: int) -> np.ndarray:
    """Mono samples from `start` to `end` seconds at `sample_rate`, float32 (n,).

    They are fewer if the track ends earlier.

    Raises NotAudioError if the file is missing or cannot be decoded.
    """
    if not audio.is_file():
        raise NotAudioError("is missing")
    return analysed(audio, lambda path: _decoded(path, start, end, sample_rate))


def _decoded(audio: Path, start: float, end: float, sample_rate: int) -> np.ndarray:
    """See `excerpt`. Raises RuntimeError if Essentia cannot decode the file."""
    loader = streaming.MonoLoader(filename=str(audio), sampleRate=sample_rate)
    part = streaming.Trimmer(startTime=start, endTime=end, sampleRate=sample_rate)
    pool = essentia.Pool()
    loader.audio >> part.signal
    part.signal >> (pool, "samples")
    essentia.run(loader)
    if "samples" not in pool.descriptorNames():
        return np.empty(0, np.float32)
    return np.asarray(pool["samples"], np.float32).ravel()
