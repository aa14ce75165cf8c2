"""The tempo of a track, by Essentia's beat tracker.

https://essentia.upf.edu/reference/streaming_RhythmExtractor2013.html, with the method of Degara et
al. 2012: on the demo and on 72 drum recordings three times as fast as "multifeature", and no worse.
"""

from pathlib import Path

import essentia
import essentia.streaming as streaming

from workflow_scripts.audio.decoding import analysed
from workflow_scripts.audio.parameters import SAMPLE_RATE

SLOWEST, FASTEST = 40, 208

essentia.log.infoActive = False
essentia.log.warningActive = False


def bpm(audio: Path) -> float | None:
    """Beats per minute, in the beat tracker's range; None where no beat is found.

    Raises NotAudioError where nothing can be decoded.
    """
    found = analysed(audio, _bpm)
    # Of silence it says hundreds.
    return found if SLOWEST <= found <= FASTEST else None


def _bpm(audio: Path) -> float:
    """0 without a beat. Raises RuntimeError where Essentia cannot decode the file."""
    loader = streaming.MonoLoader(filename=str(audio), sampleRate=SAMPLE_RATE)
    rhythm = streaming.RhythmExtractor2013(method="degara")
    pool = essentia.Pool()
    loader.audio >> rhythm.signal
    rhythm.bpm >> (pool, "bpm")
    for unused in (rhythm.ticks, rhythm.confidence, rhythm.estimates, rhythm.bpmIntervals):
        unused >> None
    essentia.run(loader)
    return float(pool["bpm"]) if "bpm" in pool.descriptorNames() else 0.0
