"""The mel-spectrogram in float64 NumPy, written from Essentia's documentation.

Windowing: a three-term Blackman-Harris window of 62 dB, scaled to the sum 2. MelBands: triangles
between 42 points that are equally spaced on the HTK mel scale from 0 to 22050 Hz; linear on that
scale ("warping"), divided by their sum ("unit_sum"), applied to the power spectrum.
"""

import numpy as np

RATE, SIZE, HOP, BANDS = 44100, 2048, 1024, 40


def mel(hertz):
    return 1127.01048 * np.log(1 + hertz / 700)


def window():
    angle = 2 * np.pi * np.arange(SIZE) / (SIZE - 1)
    values = 0.44959 - 0.49364 * np.cos(angle) + 0.05677 * np.cos(2 * angle)
    return 2 * values / values.sum()


def filters():
    points = np.linspace(mel(0.0), mel(RATE / 2), BANDS + 2)
    bins = mel(np.arange(SIZE // 2 + 1) * RATE / SIZE)
    low, centre, high = points[:-2, None], points[1:-1, None], points[2:, None]
    triangles = np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre))
    triangles = np.maximum(triangles, 0)
    return triangles / triangles.sum(axis=1, keepdims=True)


def mel_bands(signal):
    """Mel energies, shape (frames, 40); frame 0 is centred on the first sample."""
    n_frames = int(np.ceil(len(signal) / HOP + 1)) if len(signal) % HOP else len(signal) // HOP + 1
    padded = np.concatenate([np.zeros(SIZE // 2), signal, np.zeros(2 * SIZE)])
    frames = np.stack([padded[i * HOP : i * HOP + SIZE] for i in range(n_frames)])
    power = np.abs(np.fft.rfft(frames * window(), axis=1)) ** 2
    return power @ filters().T
