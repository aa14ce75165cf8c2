"""What each filter is worth: the prediction without it."""

from collections.abc import Mapping

import numpy as np

from workflow_scripts.interpretation.activations import dense_inputs, first_layer, log_probabilities
from workflow_scripts.networks.architecture import Network, Weights


def losses(
    network: Network, weights: Weights, outputs: Mapping[str, np.ndarray], labels: np.ndarray
) -> dict[str, np.ndarray]:
    """What the log-probability of the true class loses when a filter's outputs are set to zero.

    `outputs` are what `activations.trunk_outputs` gives, `labels` the segments' classes, int
    (segments,). Returns for each trunk (filters, classes): means in nats over the segments of each
    class, NaN for a class without any. The other layers stay as they were trained.
    """
    layer = first_layer(network)
    matrix = weights[f"{layer}.weight"].T
    first = dense_inputs(outputs) @ matrix + weights[f"{layer}.bias"]
    true = np.arange(len(labels)), labels
    before = log_probabilities(network, weights, first)[true]
    lost: dict[str, np.ndarray] = {}
    start = 0
    for name, output in outputs.items():
        means = []
        for number in range(output.shape[1]):
            own = output[:, number].reshape(len(output), -1)
            end = start + own.shape[1]
            # The first layer is linear in what a filter gives: no new forward pass is needed.
            without = first - own @ matrix[start:end]
            after = log_probabilities(network, weights, without)[true]
            means.append(class_means(before - after, labels, network.n_classes))
            start = end
        lost[name] = np.stack(means)
    return lost


def class_means(values: np.ndarray, labels: np.ndarray, n_classes: int) -> np.ndarray:
    """Mean of the values of each class, (classes,); NaN for a class without any."""
    counts = np.bincount(labels, minlength=n_classes)
    sums = np.bincount(labels, values, n_classes)
    return np.divide(sums, counts, out=np.full(n_classes, np.nan), where=counts > 0)
