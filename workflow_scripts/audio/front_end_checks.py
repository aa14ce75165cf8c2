"""Which front ends can be computed: bounds of each setting, and what goes together.

A configuration is checked with it before a run, a model file of unknown origin before it is used.
"""

import math
from typing import Any

import numpy as np

from workflow_scripts.audio.parameters import FrontEnd

# Types of Essentia's Windowing. Its hannnsgcq has its maximum at the ends of the frame.
WINDOWS = (
    *("hamming", "hann", "triangular", "square"),
    *("blackmanharris62", "blackmanharris70", "blackmanharris74", "blackmanharris92"),
)
# As in config.schema.yaml. Sizes are integers.
SIZES = {
    "sample_rate": (8000, 192_000),
    "frame_size": (64, 16_384),
    "hop_size": (32, 16_384),
    "n_bands": (2, 512),
}
LARGEST_COMPRESSION = 1e12
# Frames that share a sample. More would cost time and show nothing new.
MOST_OVERLAP = 32
# Energies per second of audio: 128 bands each 5 ms. Those of 12 hours take 4 GB.
MOST_ENERGIES = 25_600
# Products of spectrum and band weights per second of audio, 50 times the paper's.
MOST_PRODUCTS = 100_000_000
# HTK's mel scale, as Essentia has it (essentiamath.h): mel(f) = c0 ln(1 + f / c1).
MEL_CONSTANTS = (1127.01048, 700)
# Smallest weight, of 1, that the frequency nearest to the centre of a band may have. Rounding in
# float32 changes weights by about 1e-5.
SMALLEST_WEIGHT = 1e-3


class UnusableError(ValueError):
    """A front end cannot be computed. The text says which setting and why, `remedy` what to do."""

    def __init__(self, key: str, value: Any, why: str, remedy: str) -> None:
        super().__init__(f"{key} is {value!r:.40}, {why}")
        self.remedy = remedy


def check(front_end: FrontEnd) -> None:
    """Raise UnusableError unless Essentia can compute `front_end`, whose values may be anything."""
    for key, (least, most) in SIZES.items():
        value = getattr(front_end, key)
        if type(value) is not int or not least <= value <= most:
            raise UnusableError(
                key, value, f"not a whole number from {least} to {most}", "choose one"
            )
    if front_end.window not in WINDOWS:
        known = f"known windows: {', '.join(WINDOWS)}"
        raise UnusableError("window", front_end.window, "which is unknown", known)
    compression = front_end.compression
    if compression is not None and not (
        _is_number(compression) and 0 < compression <= LARGEST_COMPRESSION
    ):
        why = f"neither null nor a number above 0 and at most {LARGEST_COMPRESSION:.0e}"
        raise UnusableError("compression", compression, why, "choose one")
    _check_frames(front_end)
    _check_frequencies(front_end)
    _check_bands(front_end)


def _check_frames(front_end: FrontEnd) -> None:
    size, hop = front_end.frame_size, front_end.hop_size
    if size % 2:
        raise UnusableError("frame_size", size, "an odd number", "choose an even one")
    if hop > size:
        why = f"more than frame_size, {size}: samples between the frames would not count"
        raise UnusableError("hop_size", hop, why, "lower it")
    if hop * MOST_OVERLAP < size:
        why = f"less than frame_size / {MOST_OVERLAP}, {size / MOST_OVERLAP:g}"
        raise UnusableError("hop_size", hop, why, "raise it")


def _check_frequencies(front_end: FrontEnd) -> None:
    lowest, highest = front_end.min_frequency, front_end.max_frequency
    nyquist = front_end.sample_rate / 2
    if not _is_number(highest) or not 0 < highest <= nyquist:
        why = f"not a number of Hz up to half of sample_rate, {nyquist:g}"
        raise UnusableError("max_frequency", highest, why, "lower it, or raise sample_rate")
    if not _is_number(lowest) or not 0 <= lowest < highest:
        why = f"not a number of Hz from 0 to below max_frequency, {highest:g}"
        raise UnusableError("min_frequency", lowest, why, "choose one")


def _check_bands(front_end: FrontEnd) -> None:
    n_bands, n_bins = front_end.n_bands, front_end.frame_size // 2 + 1
    energies = n_bands * front_end.frame_rate
    if energies > MOST_ENERGIES:
        why = (
            f"{energies:,.0f} energies per second of audio, at most {MOST_ENERGIES:,} are supported"
        )
        raise UnusableError("n_bands", n_bands, why, "lower it, or raise hop_size")
    if energies * n_bins > MOST_PRODUCTS:
        why = f"too many for frames of {front_end.frame_size} samples each {front_end.hop_size}"
        raise UnusableError("n_bands", n_bands, why, "lower it, or raise hop_size")
    if not all_bands_have_a_frequency(front_end):
        spacing = front_end.sample_rate / front_end.frame_size
        why = f"too many for frequencies {spacing:g} Hz apart: a band would have none of them"
        raise UnusableError("n_bands", n_bands, why, "lower it, or raise frame_size")


def all_bands_have_a_frequency(front_end: FrontEnd) -> bool:
    """Whether each band contains a frequency of the spectrum, without which Essentia fails."""
    c0, c1 = MEL_CONSTANTS
    lowest, highest = (
        c0 * math.log(1 + frequency / c1)
        for frequency in (front_end.min_frequency, front_end.max_frequency)
    )
    edges = np.linspace(lowest, highest, front_end.n_bands + 2)
    spacing = front_end.sample_rate / front_end.frame_size
    # Weights fall from the centre of a band, so the nearest frequencies have the largest.
    below = np.floor(c1 * (np.exp(edges[1:-1] / c0) - 1) / spacing)
    bins = np.stack([below, below + 1])
    mel = c0 * np.log(1 + bins * spacing / c1)
    distance = np.abs(mel - edges[1:-1]) / (edges[1] - edges[0])
    return bool((distance.min(axis=0) < 1 - SMALLEST_WEIGHT).all())


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)
