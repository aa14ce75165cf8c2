"""The forward pass of a trained network in NumPy, with access to every layer.

Engines return only probabilities; the analysis of filters needs the layers before.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from workflow_scripts.dataset.segments import Segments
from workflow_scripts.networks.architecture import Network, Shape, Weights

# Largest size in bytes of the windows of one block of segments.
BLOCK_BYTES = 64_000_000


def convolved(segments: np.ndarray, weights: Weights, trunk: str) -> np.ndarray:
    """The output of a trunk's convolution, bias included, before the pool and the ReLU.

    `segments` are (segments, bands, frames). Returns float (segments, filters, bands - m + 1,
    frames - n + 1).
    """
    weight, bias = weights[f"{trunk}.weight"], weights[f"{trunk}.bias"]
    # NumPy's type stubs allow only one axis.
    windows = sliding_window_view(segments, weight.shape[1:], axis=(1, 2))  # type: ignore[call-overload]
    maps = np.tensordot(windows, weight, axes=((3, 4), (1, 2))) + bias
    return maps.transpose(0, 3, 1, 2)


def pooled(maps: np.ndarray, pool: Shape) -> np.ndarray:
    """The maximum over each field of the pool, then the ReLU; an incomplete border is dropped.

    `maps` are (..., height, width).
    """
    *_, height, width = maps.shape
    rows, columns = height // pool[0], width // pool[1]
    complete = maps[..., : rows * pool[0], : columns * pool[1]]
    fields = complete.reshape(*maps.shape[:-2], rows, pool[0], columns, pool[1])
    return np.maximum(fields.max(axis=(-3, -1)), 0)


def trunk_outputs(
    network: Network, weights: Weights, segments: np.ndarray | Segments
) -> dict[str, np.ndarray]:
    """The output of each trunk, (segments, filters, height, width): inputs of the dense layers."""
    parts: dict[str, list[np.ndarray]] = {trunk: [] for trunk in network.trunks}
    for block in blocks(network, len(segments)):
        for name, trunk in network.trunks.items():
            parts[name].append(pooled(convolved(segments[block], weights, name), trunk.pool))
    return {name: np.concatenate(outputs) for name, outputs in parts.items()}


def blocks(network: Network, n_segments: int) -> Iterator[slice]:
    """Slices of segments whose windows take at most BLOCK_BYTES, but at least one segment each."""
    sizes = [
        4 * np.prod(trunk.convolved(network.bands, network.frames)) * np.prod(trunk.filter)
        for trunk in network.trunks.values()
    ]
    step = max(int(BLOCK_BYTES // max(sizes)), 1)
    for start in range(0, n_segments, step):
        yield slice(start, min(start + step, n_segments))


def dense_inputs(outputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """The outputs of all trunks as inputs of the first dense layer, (segments, inputs)."""
    return np.concatenate([output.reshape(len(output), -1) for output in outputs.values()], axis=1)


def log_probabilities(network: Network, weights: Weights, first: np.ndarray) -> np.ndarray:
    """The log-probability of each class, (segments, classes).

    `first` (segments, units) is the output of the first dense layer, before any ReLU:
    `dense_inputs` times its weights, plus its bias.
    """
    logits = first
    if network.hidden:
        logits = np.maximum(first, 0) @ weights["output.weight"].T + weights["output.bias"]
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def first_layer(network: Network) -> str:
    """The name of the first dense layer."""
    return "hidden" if network.hidden else "output"
