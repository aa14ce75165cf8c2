"""Resynthesise a recording with a gain on each mel band at each frame.

As in K. Choi et al., Auralisation of deep convolutional neural networks, ISMIR late-breaking 2015
([1] in the paper): the gain multiplies the recording's own spectrum, phases included.
"""

from pathlib import Path

import numpy as np
from scipy import signal

from workflow_scripts.audio.excerpts import excerpt
from workflow_scripts.audio.front_end import band_weights
from workflow_scripts.audio.parameters import FRAME_SIZE, HOP_SIZE, SAMPLE_RATE

# At this hop, Hann windows of FRAME_SIZE add up to a constant.
STEP = FRAME_SIZE // 4


def segment_samples(audio: Path, first_frame: int, n_frames: int) -> np.ndarray:
    """Samples of a segment, shape (n_frames * HOP_SIZE,), mono at 44.1 kHz, float32.

    A frame of `front_end.mel_bands` covers the hop around its centre. Frame 0 is centred on the
    first sample, so half a hop of silence precedes the recording. Silence also follows its end.

    Raises NotAudioError if the file is missing or cannot be decoded.
    """
    start = first_frame * HOP_SIZE - HOP_SIZE // 2
    end = start + n_frames * HOP_SIZE
    # One sample more, since the rounding of times could drop the last one.
    samples = excerpt(audio, max(start, 0) / SAMPLE_RATE, (end + 1) / SAMPLE_RATE)
    before = np.zeros(max(-start, 0), np.float32)
    padded = np.concatenate([before, samples[: end - max(start, 0)]])
    return np.pad(padded, (0, n_frames * HOP_SIZE - len(padded)))


def apply_gain(samples: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Samples of a segment after a gain on each mel band at each frame, float32 (samples,).

    `samples` are from `segment_samples`. `gain` has shape (bands, frames) and values from 0 to 1;
    between frames it is interpolated linearly. The gain of a spectrum bin is the mean gain of its
    bands, weighted by the front end's weights.
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
    """The weight of each band's gain in each bin, shape (bins, bands); rows sum to 1."""
    weights = band_weights().T.copy()
    total = weights.sum(axis=1)
    # The first and the last bin are in no band; they use the weights of their neighbours.
    weights[0], weights[-1] = weights[1], weights[-2]
    total[0], total[-1] = total[1], total[-2]
    return weights / total[:, np.newaxis]
