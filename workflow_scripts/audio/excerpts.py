"""The openings of tracks as MP3, small enough to lie in a page."""

import io
from pathlib import Path

import essentia
import essentia.streaming as streaming
import numpy as np
import soundfile

from workflow_scripts.audio.decoding import UNDECODABLE, NotAudioError, analysed

essentia.log.infoActive = False
essentia.log.warningActive = False

SECONDS = 15.0
# Half of the front end's: a page needs no cymbals.
SAMPLE_RATE = 22050
# Of libsndfile's 0 to 1: about 30 kbit/s.
COMPRESSION = 0.9


def opening(audio: Path) -> bytes:
    """The first SECONDS of a track, mono, as an MP3.

    Raises NotAudioError where nothing can be decoded.
    """
    if not audio.exists():
        raise NotAudioError("is missing")
    samples = analysed(audio, _samples)
    if not len(samples):
        raise NotAudioError(UNDECODABLE)
    return mp3(samples, SAMPLE_RATE)


def mp3(samples: np.ndarray, sample_rate: int) -> bytes:
    """Mono samples in -1 ... 1 as an MP3 file."""
    file = io.BytesIO()
    soundfile.write(
        file,
        np.clip(samples, -1, 1),
        sample_rate,
        format="MP3",
        bitrate_mode="VARIABLE",
        compression_level=COMPRESSION,
    )
    return file.getvalue()


def _samples(audio: Path) -> np.ndarray:
    """Raises RuntimeError where Essentia cannot decode the file."""
    loader = streaming.MonoLoader(filename=str(audio), sampleRate=SAMPLE_RATE)
    start = streaming.Trimmer(endTime=SECONDS, sampleRate=SAMPLE_RATE)
    pool = essentia.Pool()
    loader.audio >> start.signal
    start.signal >> (pool, "samples")
    essentia.run(loader)
    if "samples" not in pool.descriptorNames():
        return np.empty(0, np.float32)
    return np.asarray(pool["samples"], np.float32).ravel()
