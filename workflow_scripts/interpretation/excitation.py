"""What excites a filter: the segments in which its output is highest."""

import numpy as np


def most_exciting(output: np.ndarray, n: int = 3) -> list[np.ndarray]:
    """The positions of the `n` segments in which each filter's highest output is highest.

    `output` is (segments, filters, height, width) after the ReLU. The most exciting comes first;
    of equals the first in order. Segments in which a filter gives nothing do not count.
    """
    peaks = output.max(axis=(2, 3)).T
    orders = np.argsort(-peaks, axis=1, kind="stable")[:, :n]
    return [order[peak[order] > 0] for order, peak in zip(orders, peaks, strict=True)]
