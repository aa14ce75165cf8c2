"""The modulation scale spectrum: rhythm without tempo.

U. Marchand and G. Peeters, The modulation scale spectrum and its application to rhythm-content
description, DAFx 2014 ([11] of the paper): the onset strength of some frequency bands, its
autocorrelation, and the scale transform of that, whose magnitude is the same however fast the
recording is played. Here from the mel features that the networks see.
"""

from functools import cache

import numpy as np
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from workflow_scripts.dataset.normalisation import compress

# Neighbouring mel bands share an onset strength.
N_GROUPS = 8
# Two bars of a slow waltz.
MAX_LAG_SECONDS = 8.0
# A peak two frames wide at a beat's lag fills scales up to here; the logarithm of the lags' range
# resolves steps of one.
SCALES = np.arange(0.0, 160.0)


def descriptor(energies: np.ndarray, frame_rate: float) -> np.ndarray:
    """Scale magnitudes of each group of bands, (N_GROUPS x scales,).

    `energies` are raw mel energies (frames, bands), so many frames a second. A track shorter than
    MAX_LAG_SECONDS has no correlation at the lags beyond its end.
    """
    n_lags = round(MAX_LAG_SECONDS * frame_rate)
    correlation = autocorrelation(onset_strength(energies), n_lags)
    # The peak at lag 0 has the width of a frame at any tempo: what is said starts at lag 1.
    correlation[0] = correlation[1]
    return np.abs(scale_transform(correlation, SCALES)).T.ravel()


def onset_strength(energies: np.ndarray) -> np.ndarray:
    """Rise of the compressed energies from frame to frame, (frames - 1, N_GROUPS)."""
    compressed = compress(energies.astype(np.float64))
    groups = compressed.reshape(len(compressed), N_GROUPS, -1).mean(axis=2)
    return np.maximum(np.diff(groups, axis=0), 0)


def autocorrelation(series: np.ndarray, n_lags: int) -> np.ndarray:
    """Of each column about its mean, at lags 0 to `n_lags`, 1 at lag 0; (lags, columns).

    Zeros for a column that is constant.
    """
    centred = series - series.mean(axis=0)
    # Zeros as long as the largest lag keep the end from meeting the start.
    size = len(series) + n_lags + 1
    power = np.abs(np.fft.rfft(centred, size, axis=0)) ** 2
    correlation = np.fft.irfft(power, size, axis=0)[: n_lags + 1]
    variance = correlation[:1]
    # Whatever rounding leaves of a constant is none.
    known = variance > 1e-12 * len(series)
    return np.divide(correlation, variance, out=np.zeros_like(correlation), where=known)


def scale_transform(values: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """The scale transform D(c) of columns of samples at 0, 1, ..., complex (scales, columns).

    D(c) = 1 / sqrt(2 pi) times the integral of f(t) t^(-1/2 - jc) over t, computed as W. Williams
    and E. Zalubas do (Mechanical Systems and Signal Processing, 2000) and Holzapfel & Stylianou
    2011 after them: exact for the function that is f(k) from k to k + 1, whose last value is
    followed by zero. sqrt(a) f(a t) has the same magnitude as f.
    """
    steps = values - np.concatenate([values[1:], np.zeros_like(values[:1])])
    return _kernel(len(values), tuple(scales)) @ steps


@cache
def _kernel(n: int, scales: tuple[float, ...]) -> np.ndarray:
    exponents = 0.5 - 1j * np.array(scales)[:, np.newaxis]
    return np.exp(exponents * np.log(np.arange(1, n + 1))) / (exponents * np.sqrt(2 * np.pi))


def classifier() -> Pipeline:
    """A support vector machine, as in the article; each scale's magnitude to unit deviation."""
    return make_pipeline(StandardScaler(), SVC(C=10))


def modulation_scale_spectrum(
    train_descriptors: np.ndarray, train_labels: np.ndarray, test_descriptors: np.ndarray
) -> np.ndarray:
    """The class of each test track; descriptors are (tracks, values), see `descriptor`."""
    if len(np.unique(train_labels)) == 1:
        return np.full(len(test_descriptors), train_labels[0])
    learned = classifier().fit(train_descriptors, train_labels)
    return np.asarray(learned.predict(test_descriptors))
