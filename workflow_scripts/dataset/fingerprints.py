"""Fingerprints of tracks: codes that copies of a recording share, in any format and at any level.

As in Haitsma & Kalker (ISMIR 2002), each bit of a code is the sign of a difference of energies in
frequency and time. Only the bands below 3.5 kHz count, which any copy keeps.
"""

import numpy as np
from scipy.ndimage import convolve1d, uniform_filter1d

LOW_BANDS = 20
# Frames. Bits compare energies smoothed over 0.3 s, 0.37 s apart.
SMOOTHING, STEP = 13, 16
# Distance in bands of the energies that are compared.
BANDS_APART = 2
N_BITS = LOW_BANDS - BANDS_APART
# Energies below this part of the mean are noise: of the part that is compared, for codes of 3 s
# around, as the codes of an excerpt must not depend on the rest of the track, nor much on a fade.
FLOOR = 0.01
AROUND = 128
# A bit says something if its difference is larger than this (in log energy); a frame if at least
# half of its bits do. Steady sounds have no such frame.
FIRM = 0.02
ENTRY = np.dtype([("code", "<u8"), ("track", "<u4"), ("time", "<i4")])


def fingerprint(energies: np.ndarray, track: int) -> np.ndarray:
    """The codes of a track, each at the place where it is clearest, ENTRY (codes,).

    An excerpt of music that repeats itself lacks the first place of many codes, but has the
    clearest place of some.

    `energies` are raw mel energies (frames, bands). The time is in half frames: codes between
    frames make up for copies that are shifted by half a frame. The lowest 18 of 54 bits refine the
    code: codes are equal if the bits above are, see `without_context`.
    """
    low = relative(energies)
    n_codes = 2 * (len(low) - 3 * STEP) - 1
    if n_codes < 1:
        return np.empty(0, ENTRY)
    differences = _differences(np.log(_between(_smoothed(low) + _noise(low))))
    bits = (differences > 0) @ (1 << np.arange(N_BITS, dtype=np.uint64))
    firm = (np.abs(differences) > FIRM).mean(axis=1) >= 0.5
    clearness = np.abs(differences).mean(axis=1)
    places = [slice(k * 2 * STEP, k * 2 * STEP + n_codes) for k in range(3)]
    first, second, context = (bits[place] for place in places)
    codes = (((second << N_BITS) | first) << N_BITS) | context
    times = np.flatnonzero(firm[places[0]] & firm[places[1]])
    clearness = clearness[places[0]] + clearness[places[1]]
    times = times[np.argsort(-clearness[times], kind="stable")]
    _, unique = np.unique(without_context(codes[times]), return_index=True)
    entries = np.empty(len(unique), ENTRY)
    entries["code"], entries["track"], entries["time"] = codes[times][unique], track, times[unique]
    return entries


def relative(energies: np.ndarray) -> np.ndarray:
    """The energies of the low bands, relative to their mean, float32 (frames, low bands)."""
    low = energies[:, :LOW_BANDS]
    level = low.mean(dtype=np.float64) if low.any() else 1.0
    return (low / level).astype(np.float32)


def without_context(codes: np.ndarray) -> np.ndarray:
    """The bits of codes by which they are equal."""
    return codes >> N_BITS


def buckets(codes: np.ndarray, n_buckets: int) -> np.ndarray:
    """The bucket of each code, int (codes,): equal codes have the same bucket."""
    # Multiplication spreads them evenly, whatever the codes.
    mixed = (without_context(codes) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)
    return (mixed % n_buckets).astype(np.intp)


def _smoothed(energies: np.ndarray) -> np.ndarray:
    window = np.hanning(SMOOTHING + 2)[1:-1]
    return convolve1d(energies, window / window.sum(), axis=0, mode="nearest")


def _noise(low: np.ndarray) -> np.ndarray:
    """The energy below which a frame says nothing, (frames, 1); `low` are relative energies."""
    around = uniform_filter1d(low.mean(axis=1, keepdims=True), AROUND, axis=0)
    return FLOOR * (around + FLOOR)


def _between(frames: np.ndarray) -> np.ndarray:
    """The frames, with the mean of each two successive ones between them."""
    filled = np.empty((2 * len(frames) - 1, frames.shape[1]), frames.dtype)
    filled[::2] = frames
    filled[1::2] = (frames[1:] + frames[:-1]) / 2
    return filled


def _differences(levels: np.ndarray) -> np.ndarray:
    across = levels[:, :-BANDS_APART] - levels[:, BANDS_APART:]
    return across[2 * STEP :] - across[: -2 * STEP]
