"""The sampling rate of a file, by FFmpeg in Essentia."""

from pathlib import Path

import essentia
import essentia.streaming as streaming

essentia.log.infoActive = False
essentia.log.warningActive = False

# Seconds that are decoded.
START = 0.001


def sampling_rate(audio: Path) -> float:
    """The sampling rate in Hz. Raises RuntimeError if Essentia cannot decode the file."""
    loader = streaming.AudioLoader(filename=str(audio), computeMD5=False)
    start = streaming.StereoTrimmer(endTime=START)
    pool = essentia.Pool()
    loader.audio >> start.signal
    start.signal >> None
    loader.sampleRate >> (pool, "rate")
    for unused in (loader.numberChannels, loader.md5, loader.bit_rate, loader.codec):
        unused >> None
    essentia.run(loader)
    return float(pool["rate"])
