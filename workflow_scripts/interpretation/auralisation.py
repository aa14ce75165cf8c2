"""The parts of a segment that a filter responds to.

After K. Choi et al. 2015 ([1] of the paper): the maxima that the pool keeps are projected back to
the input by a transposed convolution. The result shows which energy the filter passes.
"""

import numpy as np

from workflow_scripts.interpretation.activations import convolved_input
from workflow_scripts.networks.architecture import Trunk, Weights
from workflow_scripts.networks.layers import Shape


def passed(
    segment: np.ndarray, weights: Weights, name: str, trunk: Trunk, filter_: int
) -> np.ndarray:
    """A gain from 0 to 1 for each band and frame of a segment (bands, frames).

    The filter matches at the maximum of each field of the pool, if it is positive. Its positive
    weights, multiplied by the maximum, are placed there; the largest value counts where several
    overlap. The gains are scaled to a maximum of 1; all are 0 if the filter matches nowhere.
    """
    maps = _responses(segment, weights, name, trunk, filter_)
    shape = np.maximum(weights[f"{name}.weight"][filter_], 0)
    below, above, before, after = trunk.first.pads
    padded = np.zeros((segment.shape[0] + below + above, segment.shape[1] + before + after))
    for row, column in _maxima(maps, trunk.pool):
        m, n = shape.shape
        place = padded[row : row + m, column : column + n]
        np.maximum(place, maps[row, column] * shape, out=place)
    gain = padded[below : below + segment.shape[0], before : before + segment.shape[1]]
    largest = gain.max()
    return gain / largest if largest > 0 else gain


def place(
    segment: np.ndarray, weights: Weights, name: str, trunk: Trunk, filter_: int
) -> tuple[int, int]:
    """The lowest band and the first frame that a filter covers where its response is largest.

    With padding they may be negative. As in `passed`, a border that the pool drops does not count.
    """
    maps = _responses(segment, weights, name, trunk, filter_)
    pool = trunk.pool
    height, width = (size // field * field for size, field in zip(maps.shape, pool, strict=True))
    row, column = np.unravel_index(maps[:height, :width].argmax(), (height, width))
    below, _, before, _ = trunk.first.pads
    return int(row) - below, int(column) - before


def _responses(
    segment: np.ndarray, weights: Weights, name: str, trunk: Trunk, filter_: int
) -> np.ndarray:
    """The output of a filter's convolution, (height, width)."""
    own = {
        f"{name}.{kind}": weights[f"{name}.{kind}"][filter_ : filter_ + 1]
        for kind in ("weight", "bias")
    }
    maps: np.ndarray = convolved_input(segment[np.newaxis], own, name, trunk)[0, 0]
    return maps


def _maxima(maps: np.ndarray, pool: Shape) -> list[tuple[int, int]]:
    """Rows and columns of the positive maxima of the fields of the pool in maps (height, width)."""
    places = []
    for top in range(0, maps.shape[0] - pool[0] + 1, pool[0]):
        for left in range(0, maps.shape[1] - pool[1] + 1, pool[1]):
            field = maps[top : top + pool[0], left : left + pool[1]]
            row, column = np.unravel_index(field.argmax(), field.shape)
            if field[row, column] > 0:
                places.append((top + int(row), left + int(column)))
    return places
