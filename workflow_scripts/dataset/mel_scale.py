"""HTK's mel scale, on which the front end's bands lie equally spaced."""

import numpy as np

CORNER_HZ = 700


def mel(hertz: np.ndarray | float) -> np.ndarray:
    """HTK's 1127 log(1 + f / 700) without its factor, which no ratio of mels needs."""
    return np.log1p(np.asarray(hertz) / CORNER_HZ)


def hertz(mels: np.ndarray) -> np.ndarray:
    """The inverse of `mel`."""
    return CORNER_HZ * np.expm1(mels)


def spacing(n_bands: int, nyquist: float) -> float:
    """From centre to centre of the bands between 0 and `nyquist` Hz, in the unit of `mel`."""
    return float(mel(nyquist)) / (n_bands + 1)


def centres(n_bands: int, nyquist: float) -> np.ndarray:
    """The centres of the bands in Hz, (n_bands,)."""
    return hertz(np.arange(1, n_bands + 1) * spacing(n_bands, nyquist))
