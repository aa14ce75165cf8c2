"""Filters over frequency: where along the mel bands they are active."""

import numpy as np

from workflow_scripts.networks.architecture import Trunk


def offsets(output: np.ndarray, trunk: Trunk) -> np.ndarray:
    """The mel band at which each filter's lowest weight lies where the filter is active most.

    `output`, (segments, filters, height, width), is what the trunk gives; active most is the height
    of the largest mean. Of a pool that spans several bands it is the lowest that counts. Returns
    float (filters,), NaN where a filter gives nothing at any.
    """
    activity = output.mean(axis=(0, 3), dtype=np.float64)
    lowest = activity.argmax(axis=1) * trunk.pool[0]
    return np.where(activity.max(axis=1) > 0, lowest, np.nan)
