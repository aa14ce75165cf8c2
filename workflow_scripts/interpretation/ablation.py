"""The effect of each filter of the first layers: how predictions change without it."""

from collections.abc import Iterator, Mapping

import numpy as np

from workflow_scripts.interpretation.activations import (
    log_softmax,
    scores,
    scores_of_ends,
    trunk_end,
)
from workflow_scripts.networks import layers
from workflow_scripts.networks.architecture import HIDDEN, OUTPUT, Network, Weights

# Multiplications for one network: a minute of a CPU core.
MOST_MULTIPLICATIONS = 10**12


def losses(
    network: Network, weights: Weights, outputs: Mapping[str, np.ndarray], labels: np.ndarray
) -> dict[str, np.ndarray]:
    """The loss of log-probability of the label when a filter's outputs are set to zero.

    `outputs` come from `activations.first_outputs`; `labels` are classes, int (segments,). Returns
    for each trunk the mean losses in nats over the segments of each class, (filters, classes); NaN
    for a class without segments. The other layers do not change.
    """
    of_label = np.arange(len(labels)), labels
    before = log_softmax(scores(network, weights, outputs))[of_label]
    without = _without_each_shallow if is_shallow(network) else _without_each
    mean_losses: dict[str, list[np.ndarray]] = {name: [] for name in outputs}
    for name, changed in without(network, weights, outputs):
        after = log_softmax(changed)[of_label]
        mean_losses[name].append(class_means(before - after, labels, network.n_classes))
    return {name: np.stack(means) for name, means in mean_losses.items()}


def most_segments(network: Network, most: int) -> int:
    """How many segments to use: `most`, or as many as MOST_MULTIPLICATIONS allow."""
    if is_shallow(network):
        return most
    back_end = sum(map(layers.multiplications, layers.flattened(network.back_end)))
    cost = sum(
        trunk.n_filters
        * (back_end + sum(map(layers.multiplications, layers.flattened(trunk.rest))))
        for trunk in network.trunks.values()
    )
    return min(most, max(MOST_MULTIPLICATIONS // max(cost, 1), network.n_classes))


def is_shallow(network: Network) -> bool:
    """Whether the first layers lead straight to the hidden or the output layer, as in the paper."""
    rest = [p for trunk in network.trunks.values() for p in trunk.rest]
    return not rest and [p.name for p in network.back_end] in ([], [HIDDEN])


def class_means(values: np.ndarray, labels: np.ndarray, n_classes: int) -> np.ndarray:
    """The mean of the values (segments,) of each class, (classes,); NaN for a class without any."""
    counts = np.bincount(labels, minlength=n_classes)
    sums = np.bincount(labels, values, n_classes)
    return np.divide(sums, counts, out=np.full(n_classes, np.nan), where=counts > 0)


def _without_each(
    network: Network, weights: Weights, outputs: Mapping[str, np.ndarray]
) -> Iterator[tuple[str, np.ndarray]]:
    """For each filter: its trunk, and the scores (segments, classes) without it."""
    ends = {
        name: trunk_end(trunk, weights, outputs[name]) for name, trunk in network.trunks.items()
    }
    for name, trunk in network.trunks.items():
        for number in range(trunk.n_filters):
            changed = outputs[name].copy()
            changed[:, number] = 0
            own = {name: trunk_end(trunk, weights, changed)}
            yield name, scores_of_ends(network, weights, ends | own)


def _without_each_shallow(
    network: Network, weights: Weights, outputs: Mapping[str, np.ndarray]
) -> Iterator[tuple[str, np.ndarray]]:
    """As `_without_each`, much faster: the next layer is linear in a filter's outputs."""
    layer = HIDDEN if network.hidden else OUTPUT
    matrix = weights[f"{layer}.weight"].T
    flat = np.concatenate([output.reshape(len(output), -1) for output in outputs.values()], axis=1)
    first = flat @ matrix + weights[f"{layer}.bias"]
    start = 0
    for name, output in outputs.items():
        for number in range(output.shape[1]):
            # A copy: NumPy multiplies a view with gaps without BLAS, ten times as slowly.
            own = np.ascontiguousarray(output[:, number].reshape(len(output), -1))
            end = start + own.shape[1]
            values = first - own @ matrix[start:end]
            start = end
            if network.hidden:
                matrix_out, bias = weights[f"{OUTPUT}.weight"], weights[f"{OUTPUT}.bias"]
                values = np.maximum(values, 0) @ matrix_out.T + bias
            yield name, values
