"""Resynthesise a recording with a gain on each mel band at each frame.

As in K. Choi et al., Auralisation of deep convolutional neural networks, ISMIR late-breaking 2015
([1] in the paper): the gain multiplies the recording's own spectrum, phases included.
"""

from pathlib import Path

import numpy as np
from scipy import signal

from workflow_scripts.audio.excerpts import excerpt
from workflow_scripts.audio.front_end import band_weights
from workflow_scripts.audio.parameters import FrontEnd

# At a hop of a quarter of their length, Hann windows add up to a constant.
STEPS_A_FRAME = 4


def segment_samples(
    audio: Path, first_frame: int, n_frames: int, front_end: FrontEnd
) -> np.ndarray:
    """Samples of a segment, mono at the sampling rate of the front end, float32 (samples,).

    A frame of `front_end.mel_bands` covers the hop around its centre. Frame 0 is centred on the
    first sample, so half a hop of silence precedes the recording. Silence also follows its end.

    Raises NotAudioError if the file is missing or cannot be decoded.
    """
    rate, hop = front_end.sample_rate, front_end.hop_size
    start = first_frame * hop - hop // 2
    end = start + n_frames * hop
    # Essentia cuts at whole samples, rounded down: half a sample more gives the first one, and one
    # more the last one.
    samples = excerpt(audio, (max(start, 0) + 0.5) / rate, (end + 1) / rate, rate)
    before = np.zeros(max(-start, 0), np.float32)
    padded = np.concatenate([before, samples[: end - max(start, 0)]])
    return np.pad(padded, (0, n_frames * hop - len(padded)))


def apply_gain(samples: np.ndarray, gain: np.ndarray, front_end: FrontEnd) -> np.ndarray:
    """Samples of a segment after a gain on each mel band at each frame, float32 (samples,).

    `samples` are from `segment_samples`. `gain` has shape (bands, frames) and values from 0 to 1;
    between frames it is interpolated linearly. The gain of a spectrum bin is the mean gain of its
    bands, weighted by the front end's weights; frequencies outside its range are silent.
    """
    size = front_end.frame_size
    step = size // STEPS_A_FRAME
    window = {"nperseg": size, "noverlap": size - step}
    _, _, spectrum = signal.stft(samples, **window)
    # Columns are centred on every `step`-th sample, frames on the middle of every hop.
    columns = np.arange(spectrum.shape[1]) * step
    centres = (np.arange(gain.shape[1]) + 0.5) * front_end.hop_size
    at_columns = np.stack([np.interp(columns, centres, band) for band in gain])
    _, sound = signal.istft(spectrum * (_bins_of_bands(front_end) @ at_columns), **window)
    return sound[: len(samples)].astype(np.float32)


def _bins_of_bands(front_end: FrontEnd) -> np.ndarray:
    """The weight of each band's gain in each bin, shape (bins, bands).

    Rows sum to 1, or to 0 outside the range of the bands.
    """
    weights = band_weights(front_end).T
    hertz = np.arange(front_end.n_bins) * front_end.sample_rate / front_end.frame_size
    in_range = (hertz >= front_end.min_frequency) & (hertz <= front_end.max_frequency)
    # A bin at the very end of the range is in no band; it has the weights of its neighbour.
    in_bands = np.flatnonzero(weights.any(axis=1))
    weights = weights[np.clip(np.arange(front_end.n_bins), in_bands[0], in_bands[-1])]
    return weights / weights.sum(axis=1, keepdims=True) * in_range[:, np.newaxis]
