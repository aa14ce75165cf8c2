"""Where in a segment a filter finds what it looks for.

After K. Choi et al. 2015 ([1] of the paper): what survives the pool goes back through the layers to
the input (transposed convolution), and says which of its energy the filter has passed.
"""

import numpy as np

from workflow_scripts.interpretation.activations import convolved
from workflow_scripts.networks.architecture import Shape, Weights


def passed(
    segment: np.ndarray, weights: Weights, trunk: str, pool: Shape, filter_: int
) -> np.ndarray:
    """A gain from 0 to 1 for each band and frame of a segment (bands, frames).

    In each field of the pool one value counts, the maximum, if it is positive: there the filter has
    matched. The positive weights, what it wants to be loud, are laid down at that place, as strong
    as the match; where several overlap, the strongest counts. The largest gain is 1; all are 0
    where the filter has matched nothing.
    """
    chosen = {
        name: weights[f"{trunk}.{name}"][filter_ : filter_ + 1] for name in ("weight", "bias")
    }
    one = {f"{trunk}.{name}": values for name, values in chosen.items()}
    maps = convolved(segment[np.newaxis], one, trunk)[0, 0]
    shape = np.maximum(chosen["weight"][0], 0)
    gain = np.zeros(segment.shape)
    for row, column in _maxima(maps, pool):
        m, n = shape.shape
        place = gain[row : row + m, column : column + n]
        np.maximum(place, maps[row, column] * shape, out=place)
    largest = gain.max()
    return gain / largest if largest > 0 else gain


def _maxima(maps: np.ndarray, pool: Shape) -> list[tuple[int, int]]:
    """Where the positive maxima of the pool's fields lie in maps (height, width)."""
    places = []
    for top in range(0, maps.shape[0] - pool[0] + 1, pool[0]):
        for left in range(0, maps.shape[1] - pool[1] + 1, pool[1]):
            field = maps[top : top + pool[0], left : left + pool[1]]
            row, column = np.unravel_index(field.argmax(), field.shape)
            if field[row, column] > 0:
                places.append((top + int(row), left + int(column)))
    return places
