"""The paper's mel-spectrogram (section II-A), computed by Essentia's streaming network.

https://essentia.upf.edu/reference/streaming_MelBands.html lists the defaults used here:
0 to 22050 Hz, htkMel scale, weights by warping, unit_sum normalisation, power spectrum.
"""

from pathlib import Path

import essentia
import essentia.streaming as streaming
import numpy as np

from workflow_scripts.audio.decoding import NotAudioError, analysed
from workflow_scripts.audio.parameters import FRAME_SIZE, HOP_SIZE, N_BANDS, SAMPLE_RATE

essentia.log.infoActive = False
essentia.log.warningActive = False


def mel_bands(audio: Path) -> np.ndarray:
    """Raw mel energies of one audio file, shape (frames, 40), float32.

    Any format, sampling rate and number of channels that Essentia or libsndfile decodes; mixed
    down to mono and resampled to 44.1 kHz. The first frame is centred on the first sample.

    Raises NotAudioError where nothing can be decoded or samples are no finite numbers.
    """
    energies = analysed(audio, _bands)
    if not len(energies):
        raise NotAudioError("holds no sound")
    if not np.isfinite(energies).all():
        raise NotAudioError("holds samples that are no finite numbers")
    return energies


def _bands(audio: Path) -> np.ndarray:
    """Raises RuntimeError where Essentia cannot decode the file."""
    loader = streaming.MonoLoader(filename=str(audio), sampleRate=SAMPLE_RATE)
    # The default fills digital silence with random noise of 1e-23: kept silent, bits repeat.
    frames = streaming.FrameCutter(frameSize=FRAME_SIZE, hopSize=HOP_SIZE, silentFrames="keep")
    window = streaming.Windowing(type="blackmanharris62")
    spectrum = streaming.Spectrum(size=FRAME_SIZE)
    bands = streaming.MelBands(
        numberBands=N_BANDS, sampleRate=SAMPLE_RATE, inputSize=FRAME_SIZE // 2 + 1
    )
    pool = essentia.Pool()
    loader.audio >> frames.signal
    frames.frame >> window.frame
    window.frame >> spectrum.frame
    spectrum.spectrum >> bands.spectrum
    bands.bands >> (pool, "bands")
    essentia.run(loader)
    if "bands" not in pool.descriptorNames():
        return np.empty((0, N_BANDS), np.float32)
    return np.ascontiguousarray(pool["bands"], dtype=np.float32)
