"""The mel-spectrogram (section II-A of the paper), computed by Essentia's streaming network.

https://essentia.upf.edu/reference/streaming_MelBands.html lists the defaults used here: htkMel
scale, weights by warping, unit_sum normalisation, power spectrum.
"""

import gc
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.audio.decoding import (
    CANCELLED,
    CHANNELS_CANCEL,
    LONGEST,
    TOO_LONG,
    NotAudioError,
    analysed,
)
from workflow_scripts.audio.loaded_essentia import essentia, streaming
from workflow_scripts.audio.parameters import LOUDEST, MEL, PAPERS, FrontEnd
from workflow_scripts.audio.stream import rate_and_channels

TOO_LOUD = "has samples too large for audio; scale them to the range from -1 to 1"
# Seconds. With the paper's front end, the spectra of shorter tracks fit in memory (20 MB); longer
# tracks are rare and slower. With another one, tracks with as many values.
AT_ONCE = 60
# A tone at -20 dB of full scale has about this energy.
QUIET = 3e-3
# Number of spectra that are computed at once.
BLOCK = 512


def mel_bands(audio: Path, front_end: FrontEnd) -> np.ndarray:
    """Raw mel energies of one audio file, shape (frames, bands), float32.

    The file may have any format, sampling rate and number of channels that Essentia or libsndfile
    decodes; it is mixed to mono and resampled to that of the front end. Frame 0 is centred on the
    first sample.

    Raises NotAudioError if the file cannot be decoded, is empty or too long, has samples that are
    not finite or too large, or has channels that cancel each other.
    """
    try:
        return analysed(
            audio,
            lambda path: _bands(path, front_end),
            lambda energies: _problem(energies, front_end),
            lambda energies: seconds(len(energies), front_end),
        )
    finally:
        # Essentia's networks are reference cycles, too few to trigger Python's collector before
        # they fill hundreds of megabytes. They are young, so a full collection is not needed.
        gc.collect(1)


def seconds(n_frames: int, front_end: FrontEnd) -> float:
    """The duration of audio that gives this number of frames."""
    return (n_frames - 1) / front_end.frame_rate


def _problem(energies: np.ndarray, front_end: FrontEnd) -> str:
    """What is wrong with the energies of a decoded file; empty if nothing is."""
    if not len(energies):
        return "contains no sound"
    if len(energies) > LONGEST * front_end.frame_rate:
        return TOO_LONG
    loudest = energies.max()
    if np.isnan(loudest):
        return "contains samples that are not finite numbers or too large for audio"
    return TOO_LOUD if loudest >= LOUDEST else ""


def _bands(audio: Path, front_end: FrontEnd) -> np.ndarray:
    """Mel bands of a track.

    Raises RuntimeError if Essentia cannot decode the file, and NotAudioError if its channels cancel
    each other.
    """
    bands = _bands_of_mix(audio, "mix", front_end)
    # A mix of channels that cancel is quiet; only then is a channel worth the time.
    if len(bands) and bands.max() < QUIET and rate_and_channels(audio)[1] > 1:
        left = _bands_of_mix(audio, "left", front_end)
        if bands.sum(dtype=float) < CANCELLED * left.sum(dtype=float):
            raise NotAudioError(CHANNELS_CANCEL)
    return bands


def _bands_of_mix(audio: Path, mix: str, front_end: FrontEnd) -> np.ndarray:
    """Mel bands of the left or the right channel, or of the mean of both (`mix`)."""
    at_once = _at_once(front_end)
    spectra = _frames(audio, mix, front_end, at_once, "spectra")
    if len(spectra) < at_once * front_end.frame_rate:
        return _bands_of(spectra, front_end)
    # One minute more is enough to see that a track is too long.
    return _frames(audio, mix, front_end, LONGEST + 60, "bands")


def _at_once(front_end: FrontEnd) -> float:
    """Seconds of audio whose spectra are in memory at once, see AT_ONCE."""
    values = front_end.frame_rate * front_end.n_bins
    return AT_ONCE * PAPERS.frame_rate * PAPERS.n_bins / values


def _frames(audio: Path, mix: str, front_end: FrontEnd, seconds: float, kind: str) -> np.ndarray:
    """Mel "bands" or magnitude "spectra" (`kind`) of the start of a track, one row per frame.

    Raises RuntimeError if Essentia cannot decode the file.
    """
    rate, size = front_end.sample_rate, front_end.frame_size
    loader = streaming.MonoLoader(filename=str(audio), sampleRate=rate, downmix=mix)
    start = streaming.Trimmer(endTime=seconds, sampleRate=rate)
    # The default adds random noise of 1e-23 to digital silence, which is not reproducible.
    frames = streaming.FrameCutter(frameSize=size, hopSize=front_end.hop_size, silentFrames="keep")
    window = streaming.Windowing(type=front_end.window)
    spectrum = streaming.Spectrum(size=size)
    pool = essentia.Pool()
    loader.audio >> start.signal
    start.signal >> frames.signal
    frames.frame >> window.frame
    window.frame >> spectrum.frame
    if kind == "bands":
        bands = streaming.MelBands(**essentias_parameters(front_end))
        spectrum.spectrum >> bands.spectrum
        bands.bands >> (pool, "frames")
    else:
        spectrum.spectrum >> (pool, "frames")
    essentia.run(loader)
    if "frames" not in pool.descriptorNames():
        width = front_end.n_bands if kind == "bands" else front_end.n_bins
        return np.empty((0, width), np.float32)
    return np.ascontiguousarray(pool["frames"], dtype=np.float32)


def _bands_of(spectra: np.ndarray, front_end: FrontEnd) -> np.ndarray:
    """The output of Essentia's MelBands for these spectra, bit for bit, in a tenth of the time.

    MelBands compares two strings for each product. Here the same float32 products are added in the
    same order, lowest bin first: along the first axis, NumPy adds one row after the other. The last
    block is as wide as the others because NumPy sums a single column in another order.
    """
    bands = np.empty((len(spectra), front_end.n_bands), np.float32)
    power = np.zeros((front_end.n_bins, BLOCK), np.float32)
    for first in range(0, len(spectra), BLOCK):
        block = spectra[first : first + BLOCK]
        np.square(block.T, out=power[:, : len(block)])
        for band, (bins, weights) in enumerate(_triangles(front_end)):
            sums = np.add.reduce(power[bins] * weights, axis=0)
            bands[first : first + BLOCK, band] = sums[: len(block)]
    return bands


@cache
def _triangles(front_end: FrontEnd) -> list[tuple[slice, np.ndarray]]:
    """The bins of each band, and their weights, shape (bins, 1)."""
    triangles = []
    for weights in band_weights(front_end):
        nonzero = np.flatnonzero(weights)
        bins = slice(nonzero[0], nonzero[-1] + 1)
        triangles.append((bins, np.ascontiguousarray(weights[bins, np.newaxis])))
    return triangles


@cache
def band_weights(front_end: FrontEnd) -> np.ndarray:
    """The weights of MelBands, shape (bands, bins): its output for spectra with one bin of 1."""
    weights = np.empty((front_end.n_bands, front_end.n_bins), np.float32)
    for first in range(0, front_end.n_bins, BLOCK):
        bins = np.arange(first, min(first + BLOCK, front_end.n_bins))
        spectra = np.zeros((len(bins), front_end.n_bins), np.float32)
        spectra[bins - first, bins] = 1
        units = streaming.VectorInput(spectra)
        bands = streaming.MelBands(**essentias_parameters(front_end))
        pool = essentia.Pool()
        units.data >> bands.spectrum
        bands.bands >> (pool, "weights")
        essentia.run(units)
        weights[:, bins] = pool["weights"].T
    # All callers share the cached array.
    weights.setflags(write=False)
    return weights


def essentias_parameters(front_end: FrontEnd) -> dict[str, Any]:
    """The parameters of Essentia's MelBands."""
    return MEL | {
        "lowFrequencyBound": front_end.min_frequency,
        "highFrequencyBound": front_end.max_frequency,
        "numberBands": front_end.n_bands,
        "sampleRate": front_end.sample_rate,
        "inputSize": front_end.n_bins,
    }
