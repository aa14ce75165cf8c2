"""Onsets of notes and beats, by Essentia's onset detection.

https://essentia.upf.edu/reference/streaming_OnsetRate.html: detection by high-frequency content
and complex domain on frames of 1024 samples, hop 512, at 44.1 kHz.
"""

from pathlib import Path

import numpy as np

from workflow_scripts.audio.decoding import analysed
from workflow_scripts.audio.loaded_essentia import essentia, streaming
from workflow_scripts.audio.parameters import SAMPLE_RATE, FrontEnd


def onset_frames(audio: Path, front_end: FrontEnd) -> np.ndarray:
    """The frames of `front_end.mel_bands` nearest to the onsets: int64 (onsets,), sorted, unique.

    Raises NotAudioError if the file cannot be decoded.
    """
    seconds = analysed(audio, _onset_seconds)
    return np.unique(np.rint(seconds * front_end.frame_rate).astype(np.int64))


def _onset_seconds(audio: Path) -> np.ndarray:
    """The onset times in seconds. Raises RuntimeError if Essentia cannot decode the file."""
    loader = streaming.MonoLoader(filename=str(audio), sampleRate=SAMPLE_RATE)
    onsets = streaming.OnsetRate()
    pool = essentia.Pool()
    loader.audio >> onsets.signal
    onsets.onsetTimes >> (pool, "onsets")
    onsets.onsetRate >> None
    essentia.run(loader)
    onset_times = pool["onsets"] if "onsets" in pool.descriptorNames() else []
    return np.asarray(onset_times, dtype=np.float64).ravel()
