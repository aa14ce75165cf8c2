"""What is left of a recording when only some mel bands are heard at some times.

As K. Choi et al., Auralisation of deep convolutional neural networks, ISMIR late-breaking 2015 ([1]
of the paper), do it: the spectrum of the recording itself, with its phases, times a gain.
"""

from pathlib import Path

import essentia
import essentia.streaming as streaming
import numpy as np
from scipy import signal

from workflow_scripts.audio.decoding import NotAudioError, analysed
from workflow_scripts.audio.front_end import band_weights
from workflow_scripts.audio.parameters import FRAME_SIZE, HOP_SIZE, SAMPLE_RATE

essentia.log.infoActive = False
essentia.log.warningActive = False

# Hann windows of the front end's size add up to a constant at a quarter of it.
STEP = FRAME_SIZE // 4


def segment_samples(audio: Path, first_frame: int, n_frames: int) -> np.ndarray:
    """The samples that these frames of `front_end.mel_bands` stand for, mono at 44.1 kHz, float32.

    Each frame stands for the hop around its centre; frame 0 is centred on the first sample, so
    that half a hop of silence precedes the recording.

    Raises NotAudioError where nothing can be decoded.
    """
    if not audio.is_file():
        raise NotAudioError("is missing")
    start = first_frame * HOP_SIZE - HOP_SIZE // 2
    end = start + n_frames * HOP_SIZE
    samples = analysed(audio, lambda path: _samples(path, max(start, 0), end))
    before = np.zeros(max(-start, 0), np.float32)
    padded = np.concatenate([before, samples[: end - max(start, 0)]])
    return np.pad(padded, (0, n_frames * HOP_SIZE - len(padded)))


def heard(samples: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """The samples of a segment with each mel band times its gain at each frame.

    `samples` are what `segment_samples` gives; `gain` is (bands, frames), from 0 to 1, and changes
    linearly from frame to frame. A bin of the spectrum has the mean gain of the bands that it is
    part of, weighted as the front end weights it.
    """
    window = {"nperseg": FRAME_SIZE, "noverlap": FRAME_SIZE - STEP}
    _, _, spectrum = signal.stft(samples, **window)
    # Columns are centred on every STEP-th sample, frames on the middle of every hop.
    columns = np.arange(spectrum.shape[1]) * STEP
    centres = (np.arange(gain.shape[1]) + 0.5) * HOP_SIZE
    at_columns = np.stack([np.interp(columns, centres, band) for band in gain])
    _, sound = signal.istft(spectrum * (_bins_of_bands() @ at_columns), **window)
    return sound[: len(samples)].astype(np.float32)


def _bins_of_bands() -> np.ndarray:
    """What each band's gain counts for in each bin, (bins, bands); rows add up to 1."""
    weights = band_weights().T.copy()
    total = weights.sum(axis=1)
    # The first and the last bin are part of no band: they go with their neighbour.
    weights[0], weights[-1] = weights[1], weights[-2]
    total[0], total[-1] = total[1], total[-2]
    return weights / total[:, np.newaxis]


def _samples(audio: Path, start: int, end: int) -> np.ndarray:
    """Raises RuntimeError where Essentia cannot decode the file."""
    loader = streaming.MonoLoader(filename=str(audio), sampleRate=SAMPLE_RATE)
    # A sample more, lest a rounded time lose the last.
    part = streaming.Trimmer(
        startTime=start / SAMPLE_RATE, endTime=(end + 1) / SAMPLE_RATE, sampleRate=SAMPLE_RATE
    )
    pool = essentia.Pool()
    loader.audio >> part.signal
    part.signal >> (pool, "samples")
    essentia.run(loader)
    if "samples" not in pool.descriptorNames():
        return np.empty(0, np.float32)
    return np.asarray(pool["samples"], np.float32).ravel()
