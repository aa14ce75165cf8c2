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

from workflow_scripts.audio.decoding import LONGEST, TOO_LONG, NotAudioError, analysed
from workflow_scripts.audio.parameters import (
    FRAME_RATE,
    FRAME_SIZE,
    HOP_SIZE,
    MEL,
    N_BANDS,
    SAMPLE_RATE,
    WINDOW,
)

essentia.log.infoActive = False
essentia.log.warningActive = False

N_BINS = FRAME_SIZE // 2 + 1
MEL_BANDS = {**MEL, "numberBands": N_BANDS, "sampleRate": SAMPLE_RATE, "inputSize": N_BINS}
# So long a track's spectra may lie in memory (20 MB); longer ones are rare and take the slow way.
AT_ONCE = 60
# Spectra squared and summed in one go.
BLOCK = 512


def mel_bands(audio: Path) -> np.ndarray:
    """Raw mel energies of one audio file, shape (frames, 40), float32.

    Any format, sampling rate and number of channels that Essentia or libsndfile decodes; mixed
    down to mono and resampled to 44.1 kHz. The first frame is centred on the first sample.

    Raises NotAudioError where nothing can be decoded or samples are no finite numbers.
    """
    try:
        energies = analysed(audio, _bands)
    finally:
        # Networks refer to themselves, in cycles too few for Python to look for before they have
        # filled hundreds of megabytes. Young as they are, they take no full collection.
        gc.collect(1)
    if not len(energies):
        raise NotAudioError("holds no sound")
    if len(energies) > LONGEST * FRAME_RATE:
        raise NotAudioError(TOO_LONG)
    if not np.isfinite(energies).all():
        raise NotAudioError("holds samples that are no finite numbers")
    return energies


def _bands(audio: Path) -> np.ndarray:
    """Raises RuntimeError where Essentia cannot decode the file."""
    spectra = _frames(audio, with_bands=False)
    if len(spectra) * HOP_SIZE < AT_ONCE * SAMPLE_RATE:
        return _bands_of(spectra)
    return _frames(audio, with_bands=True)


def _frames(audio: Path, with_bands: bool) -> np.ndarray:
    """Mel bands of a track, or the magnitude spectra of its first AT_ONCE seconds; a row a frame.

    Of what is too long the bands go a minute beyond LONGEST.

    Raises RuntimeError where Essentia cannot decode the file.
    """
    loader = streaming.MonoLoader(filename=str(audio), sampleRate=SAMPLE_RATE)
    start = streaming.Trimmer(
        endTime=LONGEST + 60 if with_bands else AT_ONCE, sampleRate=SAMPLE_RATE
    )
    # The default fills digital silence with random noise of 1e-23: kept silent, bits repeat.
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
    """What Essentia's MelBands gives for these spectra, bit for bit, in a tenth of its time.

    MelBands compares two strings for each product. Here the same float32 products are added in the
    same order, lowest bin first: NumPy adds rows, unlike columns, one after the other. The last
    block is as wide as the others, since a single column would be summed as a row is.
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
    """Of each band the bins that it hears, and their weights, shape (bins, 1)."""
    triangles = []
    for weights in band_weights():
        heard = np.flatnonzero(weights)
        bins = slice(heard[0], heard[-1] + 1)
        triangles.append((bins, np.ascontiguousarray(weights[bins, np.newaxis])))
    return triangles


@cache
def band_weights() -> np.ndarray:
    """MelBands' weights, shape (bands, bins): what it makes of spectra that have one bin of 1."""
    units = streaming.VectorInput(np.eye(N_BINS, dtype=np.float32))
    bands = streaming.MelBands(**MEL_BANDS)
    pool = essentia.Pool()
    units.data >> bands.spectrum
    bands.bands >> (pool, "weights")
    essentia.run(units)
    weights = pool["weights"].T
    # One array for all who ask.
    weights.setflags(write=False)
    return weights
