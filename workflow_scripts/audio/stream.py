"""The sampling rate and the channels of a file, by FFmpeg in Essentia."""

from pathlib import Path

from workflow_scripts.audio.loaded_essentia import essentia, streaming

# Seconds that are decoded.
START = 0.001


def rate_and_channels(audio: Path) -> tuple[float, int]:
    """The sampling rate in Hz and the number of channels.

    Raises RuntimeError if Essentia cannot decode the file.
    """
    loader = streaming.AudioLoader(filename=str(audio), computeMD5=False)
    start = streaming.StereoTrimmer(endTime=START)
    pool = essentia.Pool()
    loader.audio >> start.signal
    start.signal >> None
    loader.sampleRate >> (pool, "rate")
    loader.numberChannels >> (pool, "channels")
    for unused in (loader.md5, loader.bit_rate, loader.codec):
        unused >> None
    essentia.run(loader)
    return float(pool["rate"]), int(pool["channels"])
