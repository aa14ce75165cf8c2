"""The modulation scale spectrum: a descriptor of rhythm that does not depend on the tempo.

U. Marchand and G. Peeters, The modulation scale spectrum and its application to rhythm-content
description, DAFx 2014 ([11] of the paper). The descriptor is the magnitude of the scale transform
of the autocorrelation of the onset strength, for each of several groups of frequency bands. Here it
is computed from the mel features of the networks.
"""

from functools import cache

import numpy as np
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from workflow_scripts.dataset.normalisation import compress

# Groups of neighbouring mel bands; each group has one onset strength.
N_GROUPS = 8
# C in log(1 + C x), whatever the networks see.
COMPRESSION = 10_000
# Two bars of a slow waltz.
MAX_LAG_SECONDS = 8.0
# A peak two frames wide at the lag of a beat has energy up to about this scale. Steps of 1 match
# the resolution, 2 pi / log(number of lags).
SCALES = np.arange(0.0, 160.0)


def descriptor(energies: np.ndarray, frame_rate: float) -> np.ndarray:
    """The scale magnitudes of each group of bands, float (groups * len(SCALES),).

    `energies` are raw mel energies (frames, bands) at `frame_rate` frames per second. The
    autocorrelation of a track shorter than MAX_LAG_SECONDS is 0 at lags beyond its end.
    """
    n_lags = round(MAX_LAG_SECONDS * frame_rate)
    correlation = autocorrelation(onset_strength(energies), n_lags)
    # The peak at lag 0 is one frame wide at any tempo and has no information about the rhythm.
    correlation[0] = correlation[1]
    return np.abs(scale_transform(correlation, SCALES)).T.ravel()


def onset_strength(energies: np.ndarray) -> np.ndarray:
    """The rise of the compressed energies from frame to frame, (frames - 1, groups).

    There are N_GROUPS groups, or as many as bands if these are fewer.
    """
    compressed = compress(energies.astype(np.float64), COMPRESSION)
    n_groups = min(N_GROUPS, energies.shape[1])
    groups = [group.mean(axis=1) for group in np.array_split(compressed, n_groups, axis=1)]
    return np.maximum(np.diff(np.stack(groups, axis=1), axis=0), 0)


def autocorrelation(series: np.ndarray, n_lags: int) -> np.ndarray:
    """The autocorrelation of each column, (n_lags + 1, columns), normalised to 1 at lag 0.

    The mean of the column is subtracted first. A constant column gives zeros.
    """
    centred = series - series.mean(axis=0)
    # Padding by the largest lag avoids a circular correlation.
    size = len(series) + n_lags + 1
    power = np.abs(np.fft.rfft(centred, size, axis=0)) ** 2
    correlation = np.fft.irfft(power, size, axis=0)[: n_lags + 1]
    variance = correlation[:1]
    # The variance of a constant column is not exactly 0 because of rounding errors.
    varies = variance > 1e-12 * len(series)
    return np.divide(correlation, variance, out=np.zeros_like(correlation), where=varies)


def scale_transform(values: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """The scale transform D(c) of each column, complex (scales, columns).

    D(c) = 1 / sqrt(2 pi) times the integral of f(t) t^(-1/2 - jc) over t > 0. f is values[k]
    from k to k + 1 and 0 after the last value; for this function the result is exact (W. Williams
    and E. Zalubas, Mechanical Systems and Signal Processing, 2000; Holzapfel & Stylianou 2011).
    |D| is the same for f(t) and for sqrt(a) f(a t).
    """
    steps = values - np.concatenate([values[1:], np.zeros_like(values[:1])])
    return _kernel(len(values), tuple(scales)) @ steps


@cache
def _kernel(n: int, scales: tuple[float, ...]) -> np.ndarray:
    exponents = 0.5 - 1j * np.array(scales)[:, np.newaxis]
    return np.exp(exponents * np.log(np.arange(1, n + 1))) / (exponents * np.sqrt(2 * np.pi))


def classifier() -> Pipeline:
    """A support vector machine, as in the article, on standardised magnitudes."""
    return make_pipeline(StandardScaler(), SVC(C=10))


def modulation_scale_spectrum(
    train_descriptors: np.ndarray, train_labels: np.ndarray, test_descriptors: np.ndarray
) -> np.ndarray:
    """The class of each test track; descriptors are (tracks, values), see `descriptor`."""
    if len(np.unique(train_labels)) == 1:
        return np.full(len(test_descriptors), train_labels[0])
    fitted = classifier().fit(train_descriptors, train_labels)
    return np.asarray(fitted.predict(test_descriptors))
