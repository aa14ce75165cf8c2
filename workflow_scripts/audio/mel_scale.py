"""HTK's mel scale, on which the mel bands of the front end are equally spaced. Only NumPy."""

from functools import cache

import numpy as np

from workflow_scripts.audio.parameters import FrontEnd

CORNER_HZ = 700


def mel(hertz: np.ndarray | float) -> np.ndarray:
    """HTK's 1127 log(1 + f / 700) without the factor, which cancels in ratios of mels."""
    return np.log1p(np.asarray(hertz) / CORNER_HZ)


def hertz(mels: np.ndarray) -> np.ndarray:
    """Frequencies in Hz, the inverse of `mel`."""
    return CORNER_HZ * np.expm1(mels)


def points(front_end: FrontEnd) -> np.ndarray:
    """The ends and centres of the bands in units of `mel`, shape (n_bands + 2,).

    Band b is from point b to point b + 2, with its centre at point b + 1.
    """
    low, high = float(mel(front_end.min_frequency)), float(mel(front_end.max_frequency))
    spacing = (high - low) / (front_end.n_bands + 1)
    return low + np.arange(front_end.n_bands + 2) * spacing


def centres(front_end: FrontEnd) -> np.ndarray:
    """The centres of the bands in Hz, shape (n_bands,)."""
    return hertz(points(front_end)[1:-1])


@cache
def triangles(front_end: FrontEnd) -> np.ndarray:
    """The weights of the bands in float64, shape (n_bands, n_bins), before they get the sum 1.

    Each is a triangle on the mel scale with the height 1. A row of zeros is a band between two
    bins. https://essentia.upf.edu/reference/streaming_TriangularBands.html
    """
    edges = points(front_end)[:, np.newaxis]
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    bins = mel(np.arange(front_end.n_bins) * front_end.sample_rate / front_end.frame_size)
    weights = np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre))
    weights = np.maximum(weights, 0)
    # All callers share the cached array.
    weights.setflags(write=False)
    return weights
