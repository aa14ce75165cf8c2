"""The mel-spectrogram in float64 NumPy, written from Essentia's documentation.

FrameCutter: frame i is centred on sample i * hop, with zeros around the signal; the last frame is
the first one centred on the end or behind it, if it contains any sample. Windowing: scaled to the
sum 2. MelBands: triangles between points that are equally spaced on the HTK mel scale; linear on
that scale ("warping"), divided by their sum ("unit_sum"), applied to the power spectrum.

All functions take the paper's settings by default, and those of `FrontEnd` by name.
"""

import numpy as np

RATE, SIZE, HOP, BANDS = 44100, 2048, 1024, 40
# Coefficients of cos(k x), k = 0, 1, ...; x is pi in the middle of the frame.
TERMS = {
    "hamming": [0.53836, -0.46164],
    "hann": [0.5, -0.5],
    "blackmanharris62": [0.44959, -0.49364, 0.05677],
    "blackmanharris70": [0.42323, -0.49755, 0.07922],
    "blackmanharris74": [0.40217, -0.49703, 0.09892, -0.00188],
    "blackmanharris92": [0.35875, -0.48829, 0.14128, -0.01168],
}


def mel(hertz):
    return 1127.01048 * np.log(1 + hertz / 700)


def window(window="blackmanharris62", frame_size=SIZE, **_):
    angle = 2 * np.pi * np.arange(frame_size) / (frame_size - 1)
    if window == "square":
        values = np.ones(frame_size)
    elif window == "triangular":
        rising = np.arange(frame_size // 2) + 0.5
        values = np.concatenate([rising, rising[::-1]])
    else:
        values = sum(a * np.cos(k * angle) for k, a in enumerate(TERMS[window]))
    return 2 * values / values.sum()


def filters(
    sample_rate=RATE,
    frame_size=SIZE,
    n_bands=BANDS,
    min_frequency=0,
    max_frequency=None,
    **_,
):
    highest = sample_rate / 2 if max_frequency is None else max_frequency
    points = np.linspace(mel(min_frequency), mel(highest), n_bands + 2)
    bins = mel(np.arange(frame_size // 2 + 1) * sample_rate / frame_size)
    low, centre, high = points[:-2, None], points[1:-1, None], points[2:, None]
    triangles = np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre))
    triangles = np.maximum(triangles, 0)
    return triangles / triangles.sum(axis=1, keepdims=True)


def mel_bands(signal, **settings):
    """Mel energies, shape (frames, bands), of a signal at the sampling rate of the settings."""
    size, hop = settings.get("frame_size", SIZE), settings.get("hop_size", HOP)
    centres = np.arange(0, len(signal) + hop, hop)
    centres = centres[centres - size / 2 < len(signal)]
    padded = np.concatenate([np.zeros(size // 2), signal, np.zeros(2 * size)])
    frames = np.stack([padded[centre : centre + size] for centre in centres])
    power = np.abs(np.fft.rfft(frames * window(**settings), axis=1)) ** 2
    return power @ filters(**settings).T
