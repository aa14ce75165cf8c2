"""The paper's mel-spectrogram (section II-A), computed by Essentia's streaming network.

https://essentia.upf.edu/reference/streaming_MelBands.html lists the defaults used here:
0 to 22050 Hz, htkMel scale, weights by warping, unit_sum normalisation, power spectrum.
"""

import gc
from functools import cache
from pathlib import Path

import essentia
import essentia.streaming as streaming
import numpy as np

from workflow_scripts.audio.decoding import (
    CANCELLED,
    CHANNELS_CANCEL,
    LONGEST,
    TOO_LONG,
    NotAudioError,
    analysed,
)
from workflow_scripts.audio.parameters import (
    FRAME_RATE,
    FRAME_SIZE,
    HOP_SIZE,
    LOUDEST,
    MEL,
    N_BANDS,
    SAMPLE_RATE,
    WINDOW,
)
from workflow_scripts.audio.stream import rate_and_channels

essentia.log.infoActive = False
essentia.log.warningActive = False

TOO_LOUD = "has samples too large for audio; scale them to the range from -1 to 1"
N_BINS = FRAME_SIZE // 2 + 1
MEL_BANDS = {**MEL, "numberBands": N_BANDS, "sampleRate": SAMPLE_RATE, "inputSize": N_BINS}
# Seconds. Spectra of shorter tracks fit in memory (20 MB); longer tracks are rare and slower.
AT_ONCE = 60
# A tone at -20 dB of full scale has about this energy.
QUIET = 3e-3
# Number of spectra that are squared and summed at once.
BLOCK = 512


def mel_bands(audio: Path) -> np.ndarray:
    """Raw mel energies of one audio file, shape (frames, 40), float32.

    The file may have any format, sampling rate and number of channels that Essentia or libsndfile
    decodes; it is mixed to mono and resampled to 44.1 kHz. Frame 0 is centred on the first sample.

    Raises NotAudioError if the file cannot be decoded, is empty or too long, has samples that are
    not finite or too large, or has channels that cancel each other.
    """
    try:
        return analysed(audio, _bands, _problem, _seconds)
    finally:
        # Essentia's networks are reference cycles, too few to trigger Python's collector before
        # they fill hundreds of megabytes. They are young, so a full collection is not needed.
        gc.collect(1)


def _problem(energies: np.ndarray) -> str:
    """What is wrong with the energies of a decoded file; empty if nothing is."""
    if not len(energies):
        return "contains no sound"
    if len(energies) > LONGEST * FRAME_RATE:
        return TOO_LONG
    loudest = energies.max()
    if np.isnan(loudest):
        return "contains samples that are not finite numbers or too large for audio"
    return TOO_LOUD if loudest >= LOUDEST else ""


def _seconds(energies: np.ndarray) -> float:
    return (len(energies) - 1) / FRAME_RATE


def _bands(audio: Path) -> np.ndarray:
    """Mel bands of a track.

    Raises RuntimeError if Essentia cannot decode the file, and NotAudioError if its channels cancel
    each other.
    """
    bands = _bands_of_mix(audio, "mix")
    # A mix of channels that cancel is quiet; only then is a channel worth the time.
    if len(bands) and bands.max() < QUIET and rate_and_channels(audio)[1] > 1:
        left = _bands_of_mix(audio, "left")
        if bands.sum(dtype=float) < CANCELLED * left.sum(dtype=float):
            raise NotAudioError(CHANNELS_CANCEL)
    return bands


def _bands_of_mix(audio: Path, mix: str) -> np.ndarray:
    """Mel bands of the left or the right channel, or of the mean of both (`mix`)."""
    spectra = _frames(audio, mix, with_bands=False)
    if len(spectra) * HOP_SIZE < AT_ONCE * SAMPLE_RATE:
        return _bands_of(spectra)
    return _frames(audio, mix, with_bands=True)


def _frames(audio: Path, mix: str, with_bands: bool) -> np.ndarray:
    """Mel bands of a track or magnitude spectra of its first AT_ONCE seconds, one row per frame.

    The mel bands stop one minute after LONGEST, which is enough to see that a track is too long.

    Raises RuntimeError if Essentia cannot decode the file.
    """
    loader = streaming.MonoLoader(filename=str(audio), sampleRate=SAMPLE_RATE, downmix=mix)
    start = streaming.Trimmer(
        endTime=LONGEST + 60 if with_bands else AT_ONCE, sampleRate=SAMPLE_RATE
    )
    # The default adds random noise of 1e-23 to digital silence, which is not reproducible.
    frames = streaming.FrameCutter(frameSize=FRAME_SIZE, hopSize=HOP_SIZE, silentFrames="keep")
    window = streaming.Windowing(type=WINDOW)
    spectrum = streaming.Spectrum(size=FRAME_SIZE)
    pool = essentia.Pool()
    loader.audio >> start.signal
    start.signal >> frames.signal
    frames.frame >> window.frame
    window.frame >> spectrum.frame
    if with_bands:
        bands = streaming.MelBands(**MEL_BANDS)
        spectrum.spectrum >> bands.spectrum
        bands.bands >> (pool, "frames")
    else:
        spectrum.spectrum >> (pool, "frames")
    essentia.run(loader)
    if "frames" not in pool.descriptorNames():
        return np.empty((0, N_BANDS if with_bands else N_BINS), np.float32)
    return np.ascontiguousarray(pool["frames"], dtype=np.float32)


def _bands_of(spectra: np.ndarray) -> np.ndarray:
    """The output of Essentia's MelBands for these spectra, bit for bit, in a tenth of the time.

    MelBands compares two strings for each product. Here the same float32 products are added in the
    same order, lowest bin first: along the first axis, NumPy adds one row after the other. The last
    block is as wide as the others because NumPy sums a single column in another order.
    """
    bands = np.empty((len(spectra), N_BANDS), np.float32)
    power = np.zeros((N_BINS, BLOCK), np.float32)
    for first in range(0, len(spectra), BLOCK):
        block = spectra[first : first + BLOCK]
        np.square(block.T, out=power[:, : len(block)])
        for band, (bins, weights) in enumerate(_triangles()):
            sums = np.add.reduce(power[bins] * weights, axis=0)
            bands[first : first + BLOCK, band] = sums[: len(block)]
    return bands


@cache
def _triangles() -> list[tuple[slice, np.ndarray]]:
    """The bins of each band, and their weights, shape (bins, 1)."""
    triangles = []
    for weights in band_weights():
        nonzero = np.flatnonzero(weights)
        bins = slice(nonzero[0], nonzero[-1] + 1)
        triangles.append((bins, np.ascontiguousarray(weights[bins, np.newaxis])))
    return triangles


@cache
def band_weights() -> np.ndarray:
    """The weights of MelBands, shape (bands, bins): its output for spectra with one bin of 1."""
    units = streaming.VectorInput(np.eye(N_BINS, dtype=np.float32))
    bands = streaming.MelBands(**MEL_BANDS)
    pool = essentia.Pool()
    units.data >> bands.spectrum
    bands.bands >> (pool, "weights")
    essentia.run(units)
    weights = pool["weights"].T
    # All callers share the cached array.
    weights.setflags(write=False)
    return weights
