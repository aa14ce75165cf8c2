"""The effect of each filter: how predictions change without it."""

from collections.abc import Mapping

import numpy as np

from workflow_scripts.interpretation.activations import dense_inputs, first_layer, log_probabilities
from workflow_scripts.networks.architecture import Network, Weights


def losses(
    network: Network, weights: Weights, outputs: Mapping[str, np.ndarray], labels: np.ndarray
) -> dict[str, np.ndarray]:
    """The loss of log-probability of the label when a filter's outputs are set to zero.

    `outputs` come from `activations.trunk_outputs`; `labels` are classes, int (segments,). Returns
    for each trunk the mean losses in nats over the segments of each class, (filters, classes); NaN
    for a class without segments. The other layers do not change.
    """
    layer = first_layer(network)
    matrix = weights[f"{layer}.weight"].T
    first = dense_inputs(outputs) @ matrix + weights[f"{layer}.bias"]
    of_label = np.arange(len(labels)), labels
    before = log_probabilities(network, weights, first)[of_label]
    mean_losses: dict[str, np.ndarray] = {}
    start = 0
    for name, output in outputs.items():
        means = []
        for number in range(output.shape[1]):
            own = output[:, number].reshape(len(output), -1)
            end = start + own.shape[1]
            # The first layer is linear in a filter's output, so no new convolution is needed.
            without = first - own @ matrix[start:end]
            after = log_probabilities(network, weights, without)[of_label]
            means.append(class_means(before - after, labels, network.n_classes))
            start = end
        mean_losses[name] = np.stack(means)
    return mean_losses


def class_means(values: np.ndarray, labels: np.ndarray, n_classes: int) -> np.ndarray:
    """The mean of the values (segments,) of each class, (classes,); NaN for a class without any."""
    counts = np.bincount(labels, minlength=n_classes)
    sums = np.bincount(labels, values, n_classes)
    return np.divide(sums, counts, out=np.full(n_classes, np.nan), where=counts > 0)
