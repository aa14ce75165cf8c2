"""HTK's mel scale, on which the mel bands of the front end are equally spaced."""

import numpy as np

CORNER_HZ = 700


def mel(hertz: np.ndarray | float) -> np.ndarray:
    """HTK's 1127 log(1 + f / 700) without the factor, which cancels in ratios of mels."""
    return np.log1p(np.asarray(hertz) / CORNER_HZ)


def hertz(mels: np.ndarray) -> np.ndarray:
    """Frequencies in Hz, the inverse of `mel`."""
    return CORNER_HZ * np.expm1(mels)


def spacing(n_bands: int, nyquist: float) -> float:
    """The distance between centres of the bands from 0 to `nyquist` Hz, in units of `mel`."""
    return float(mel(nyquist)) / (n_bands + 1)


def centres(n_bands: int, nyquist: float) -> np.ndarray:
    """The centres of the bands in Hz, shape (n_bands,)."""
    return hertz(np.arange(1, n_bands + 1) * spacing(n_bands, nyquist))
