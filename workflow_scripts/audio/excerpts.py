"""The openings of tracks as MP3, small enough to lie in a page."""

import io
from pathlib import Path

import essentia
import essentia.streaming as streaming
import numpy as np
import soundfile
from scipy import signal

from workflow_scripts.audio.decoding import UNDECODABLE, NotAudioError, analysed
from workflow_scripts.audio.parameters import SAMPLE_RATE

essentia.log.infoActive = False
essentia.log.warningActive = False

SECONDS = 10.0
# A page needs no cymbals: half of the samples are written.
DECIMATION = 2
# Of libsndfile's 0 to 1: about 30 kbit/s.
COMPRESSION = 0.9
# Of a cut through the middle of a wave one would hear a click.
FADE_SECONDS = 0.005


def opening(audio: Path) -> bytes:
    """The first SECONDS of a track, mono, as an MP3.

    Raises NotAudioError where nothing can be decoded.
    """
    if not audio.is_file():
        raise NotAudioError("is missing")
    samples = analysed(audio, _samples)
    if not len(samples):
        raise NotAudioError(UNDECODABLE)
    # Essentia's resampling takes ten times as long.
    return mp3(signal.resample_poly(samples, 1, DECIMATION), SAMPLE_RATE // DECIMATION)


def mp3(samples: np.ndarray, sample_rate: int) -> bytes:
    """Mono samples in -1 ... 1 as an MP3 file; the first and last FADE_SECONDS fade."""
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


def _samples(audio: Path) -> np.ndarray:
    """At the front end's rate. Raises RuntimeError where Essentia cannot decode the file."""
    loader = streaming.MonoLoader(filename=str(audio), sampleRate=SAMPLE_RATE)
    start = streaming.Trimmer(endTime=SECONDS, sampleRate=SAMPLE_RATE)
    pool = essentia.Pool()
    loader.audio >> start.signal
    start.signal >> (pool, "samples")
    essentia.run(loader)
    if "samples" not in pool.descriptorNames():
        return np.empty(0, np.float32)
    return np.asarray(pool["samples"], np.float32).ravel()
