"""The forward pass of a trained network in NumPy, with access to every layer.

Engines return only probabilities; the analysis of filters needs the layers before. The first layer
of a trunk is here its convolution on the spectrogram with the max-pool and the ReLU after it.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import prod

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from workflow_scripts.dataset.segments import Segments
from workflow_scripts.networks import layers
from workflow_scripts.networks.architecture import OUTPUT, Network, Trunk, Weights
from workflow_scripts.networks.layers import (
    BatchNormalisation,
    Block,
    Convolution,
    Dense,
    GlobalPool,
    Placed,
    Pool,
    Shape,
)

# Largest size in bytes of the windows of one block of segments. They fit in a processor's cache: in
# its memory, convolutions take up to two and a half times as long.
BLOCK_BYTES = 4_000_000


def convolved(
    images: np.ndarray, convolution: Convolution, weight: np.ndarray, bias: np.ndarray
) -> np.ndarray:
    """The output of a convolution, bias included, before a pool and the ReLU.

    `images` are (segments, channels, height, width), `weight` is (filters, channels, m, n). Returns
    float (segments, filters, height, width).
    """
    below, above, before, after = convolution.pads
    padded = np.pad(images, ((0, 0), (0, 0), (below, above), (before, after)))
    # NumPy's type stubs allow only one axis.
    windows = sliding_window_view(padded, weight.shape[2:], axis=(2, 3))  # type: ignore[call-overload]
    step = _block_size(windows[:1].size)
    maps = [
        np.tensordot(windows[first : first + step], weight, axes=((1, 4, 5), (1, 2, 3)))
        for first in range(0, len(windows), step)
    ]
    return (np.concatenate(maps) + bias).transpose(0, 3, 1, 2)


def convolved_input(segments: np.ndarray, weights: Weights, name: str, trunk: Trunk) -> np.ndarray:
    """The output of the first convolution of the trunk `name`, see `convolved`.

    `segments` are (segments, bands, frames).
    """
    weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    return convolved(segments[:, np.newaxis], trunk.first, weight[:, np.newaxis], bias)


def pooled(maps: np.ndarray, pool: Shape) -> np.ndarray:
    """The maximum over each field of the pool, then the ReLU; an incomplete border is dropped.

    `maps` are (..., height, width).
    """
    return np.maximum(_fields(maps, pool).max(axis=(-3, -1)), 0)


def first_outputs(
    network: Network, weights: Weights, segments: np.ndarray | Segments
) -> dict[str, np.ndarray]:
    """The output of the first layer of each trunk, (segments, filters, height, width)."""
    parts: dict[str, list[np.ndarray]] = {trunk: [] for trunk in network.trunks}
    for block in blocks(network, len(segments)):
        values = segments[block]
        for name, trunk in network.trunks.items():
            maps = convolved_input(values, weights, name, trunk)
            parts[name].append(pooled(maps, trunk.pool))
    return {name: np.concatenate(outputs) for name, outputs in parts.items()}


def blocks(network: Network, n_segments: int) -> Iterator[slice]:
    """Slices of segments whose windows take at most BLOCK_BYTES, but at least one segment each."""
    sizes = [prod(trunk.convolved) * prod(trunk.filter) for trunk in network.trunks.values()]
    step = _block_size(max(sizes))
    for start in range(0, n_segments, step):
        yield slice(start, min(start + step, n_segments))


def scores(network: Network, weights: Weights, first: Mapping[str, np.ndarray]) -> np.ndarray:
    """The scores of the classes before the softmax, (segments, classes).

    `first` are outputs of the first layers, see `first_outputs`.
    """
    ends = {name: trunk_end(trunk, weights, first[name]) for name, trunk in network.trunks.items()}
    return scores_of_ends(network, weights, ends)


def trunk_end(trunk: Trunk, weights: Weights, first: np.ndarray) -> np.ndarray:
    """The output of a trunk, from that of its first layer."""
    return _through(trunk.rest, weights, first)


def scores_of_ends(
    network: Network, weights: Weights, ends: Mapping[str, np.ndarray]
) -> np.ndarray:
    """As `scores`, from the outputs of the trunks."""
    values = [*ends.values()]
    if network.flattens_trunks:
        values = [output.reshape(len(output), -1) for output in values]
    joined = _through(network.back_end, weights, np.concatenate(values, axis=1))
    return _dense(joined, weights, OUTPUT)


def log_softmax(values: np.ndarray) -> np.ndarray:
    """The logarithm of the softmax of scores (segments, classes)."""
    shifted = values - values.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def _through(placed: Sequence[Placed], weights: Weights, values: np.ndarray) -> np.ndarray:
    """The output of layers in prediction, where dropout does nothing."""
    for layer in placed:
        values = _output(layer, weights, values)
    return values


def _output(placed: Placed, weights: Weights, values: np.ndarray) -> np.ndarray:
    name = placed.name
    match placed.layer:
        case Convolution():
            weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
            return np.maximum(convolved(values, placed.layer, weight, bias), 0)
        case Pool(shape=shape, kind=kind):
            fields = _fields(values, shape)
            over = (-3, -1)
            return fields.max(axis=over) if kind == layers.MAX else fields.mean(axis=over)
        case BatchNormalisation():
            kinds = ("scale", "offset", "mean", "variance")
            arrays = (weights[f"{name}.{kind}"] for kind in kinds)
            return _normalised(values, *arrays)
        case GlobalPool(kinds=kinds):
            pools = [
                values.max(axis=3, keepdims=True)
                if kind == layers.MAX
                else values.mean(axis=3, keepdims=True)
                for kind in kinds
            ]
            return np.concatenate(pools, axis=1)
        case Dense():
            return np.maximum(_dense(values, weights, name), 0)
        case Block(kind=kind, layers=inner):
            if layers.has_dense(placed.layer):
                values = values.reshape(len(values), -1)
            output = _through(inner, weights, values)
            if kind == layers.ADD:
                return values + output
            return np.concatenate([values, output], axis=1)
        case _:
            return values


def _normalised(
    values: np.ndarray,
    scale: np.ndarray,
    offset: np.ndarray,
    mean: np.ndarray,
    variance: np.ndarray,
) -> np.ndarray:
    shape = (1, -1) + (1,) * (values.ndim - 2)
    factor = scale / np.sqrt(variance + layers.EPSILON)
    return (values - mean.reshape(shape)) * factor.reshape(shape) + offset.reshape(shape)


def _dense(values: np.ndarray, weights: Weights, name: str) -> np.ndarray:
    flat = values.reshape(len(values), -1)
    product: np.ndarray = flat @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
    return product


def _fields(maps: np.ndarray, pool: Shape) -> np.ndarray:
    """The fields of a pool, (..., rows, m, columns, n)."""
    *_, height, width = maps.shape
    rows, columns = height // pool[0], width // pool[1]
    complete = maps[..., : rows * pool[0], : columns * pool[1]]
    return complete.reshape(*maps.shape[:-2], rows, pool[0], columns, pool[1])


def _block_size(n_values: int) -> int:
    """How many segments with so many float32 values take at most BLOCK_BYTES; at least one."""
    return max(BLOCK_BYTES // (4 * n_values), 1)
