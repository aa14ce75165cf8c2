"""Energies of any front end as those of the paper's would be, for the search for replicas.

The numbers of `fingerprints`, `similarity` and `sound_search` were found with the paper's front
end: with its bands below 3.5 kHz, 43 times per second.
"""

from dataclasses import replace

import numpy as np

from workflow_scripts.audio import mel_scale
from workflow_scripts.audio.parameters import PAPERS, FrontEnd
from workflow_scripts.dataset.fingerprints import LOW_BANDS


def comparable(energies: np.ndarray, front_end: FrontEnd) -> np.ndarray:
    """Raw mel energies (frames, bands) as LOW_BANDS bands at the paper's frame rate, float32.

    Those of the paper's front end are returned as they are, with all bands. The bands are at the
    places of the paper's lowest; in a front end that lacks some of these frequencies, they are
    spread evenly over the others.
    """
    if replace(front_end, compression=PAPERS.compression) == PAPERS:
        return energies
    in_bands = energies @ _bands(front_end).T.astype(np.float32)
    return _frames(in_bands, front_end.frame_rate / PAPERS.frame_rate)


def _bands(front_end: FrontEnd) -> np.ndarray:
    """The weight of each band of the front end in each of LOW_BANDS, rows sum to 1."""
    points = mel_scale.points(front_end)
    low, high, own = points[0], points[-1], points[1] - points[0]
    top = mel_scale.points(PAPERS)[LOW_BANDS + 1]
    wanted = np.linspace(low, min(high, top) if low < top else high, LOW_BANDS + 2)
    # As wide as the wider of both: bands are averaged, or interpolated.
    width = max(wanted[1] - wanted[0], own)
    distance = np.abs(wanted[1:-1, np.newaxis] - points[1:-1]) / width
    weights = np.maximum(1 - distance, 0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _frames(energies: np.ndarray, ratio: float) -> np.ndarray:
    """The means of energies (frames, bands) over `ratio` frames each, float32."""
    if not len(energies):
        return energies
    sums = np.concatenate([np.zeros((1, energies.shape[1])), np.cumsum(energies, 0, np.float64)])
    centres = np.arange(int((len(energies) - 1) / ratio) + 1) * ratio + 0.5
    ends = np.clip([centres - ratio / 2, centres + ratio / 2], 0, len(energies))
    places = np.arange(len(sums))
    first, last = (np.stack([np.interp(e, places, s) for s in sums.T], axis=1) for e in ends)
    return np.asarray((last - first) / (ends[1] - ends[0])[:, np.newaxis], np.float32)
