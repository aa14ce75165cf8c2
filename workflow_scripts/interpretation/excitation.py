"""The segments that excite a filter most."""

import numpy as np


def most_exciting(output: np.ndarray, n: int = 3) -> list[np.ndarray]:
    """The positions of at most `n` segments with the highest peak of each filter, highest first.

    `output` is (segments, filters, height, width) after the ReLU. The order of equal peaks is that
    of the segments. Segments in which all outputs of the filter are 0 are ignored.
    """
    peaks = output.max(axis=(2, 3)).T
    orders = np.argsort(-peaks, axis=1, kind="stable")[:, :n]
    return [order[peak[order] > 0] for order, peak in zip(orders, peaks, strict=True)]
