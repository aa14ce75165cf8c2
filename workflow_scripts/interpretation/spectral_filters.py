"""Filters over frequency: the mel bands at which they are active."""

import numpy as np

from workflow_scripts.networks.architecture import Trunk


def offsets(output: np.ndarray, trunk: Trunk) -> np.ndarray:
    """The lowest mel band that each filter covers where it is most active.

    `output` is that of the trunk's first layer, (segments, filters, height, width). A filter is
    most active at the height with the largest mean; if the pool spans several bands, its lowest
    band is taken. Returns float (filters,); NaN for a filter whose outputs are all 0.
    """
    activity = output.mean(axis=(0, 3), dtype=np.float64)
    # Padding below the lowest band is no band.
    lowest = np.maximum(activity.argmax(axis=1) * trunk.pool[0] - trunk.first.pads[0], 0)
    return np.where(activity.max(axis=1) > 0, lowest, np.nan)
