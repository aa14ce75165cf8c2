"""The windows of Essentia's Windowing in NumPy: silence is judged without Essentia.

https://essentia.upf.edu/reference/streaming_Windowing.html names them; the numbers are from its
source, windowing.cpp.
"""

import numpy as np

# a0 - a1 cos(x) + a2 cos(2 x) - a3 cos(3 x), with x from 0 to 2 pi.
COSINES = {
    "hamming": (0.53836, 0.46164),
    "hann": (0.5, 0.5),
    "blackmanharris62": (0.44959, 0.49364, 0.05677),
    "blackmanharris70": (0.42323, 0.49755, 0.07922),
    # Harris (1978) has 0.09392 and 0.00183.
    "blackmanharris74": (0.40217, 0.49703, 0.09892, 0.00188),
    "blackmanharris92": (0.35875, 0.48829, 0.14128, 0.01168),
}


def window(name: str, size: int) -> np.ndarray:
    """The window of `size` samples, float64, scaled to the sum 2."""
    if name in COSINES:
        angles = 2 * np.pi * np.arange(size) / (size - 1)
        terms = [
            (-1) ** order * coefficient * np.cos(order * angles)
            for order, coefficient in enumerate(COSINES[name])
        ]
        values = np.sum(terms, axis=0)
    else:
        from_centre = np.abs(np.arange(size) - (size - 1) / 2)
        values = {"square": np.ones(size), "triangular": size / 2 - from_centre}[name]
    return np.asarray(2 * values / values.sum())
