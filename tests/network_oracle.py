"""The networks of the paper in float64 NumPy, in the paper's order of layers.

Convolution, ReLU, max-pool, dense layers, softmax, mean cross-entropy, and their gradients by the
chain rule, written independently of the engines. Dropout is off.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def forward(network, weights, inputs):
    """Class probabilities (segments, classes) and the intermediate values for the gradients."""
    weights = {name: array.astype(np.float64) for name, array in weights.items()}
    inputs = inputs.astype(np.float64)
    cache, flat = {"inputs": inputs, "weights": weights}, []
    for name, trunk in network.trunks.items():
        windows = sliding_window_view(inputs, trunk.filter, axis=(1, 2))
        convolved = np.einsum("bhwmn,fmn->bfhw", windows, weights[f"{name}.weight"], optimize=True)
        convolved += weights[f"{name}.bias"][None, :, None, None]
        active = np.maximum(convolved, 0)
        (p, q), (b, f, h, w) = trunk.pool, active.shape
        blocks = active[:, :, : h // p * p, : w // q * q].reshape(b, f, h // p, p, w // q, q)
        blocks = blocks.transpose(0, 1, 2, 4, 3, 5).reshape(b, f, h // p, w // q, p * q)
        cache[name] = (windows, convolved, blocks)
        flat.append(blocks.max(axis=-1).reshape(b, -1))
    values = np.concatenate(flat, axis=1)
    cache["flat"] = values
    if network.hidden:
        cache["before"] = values @ weights["hidden.weight"].T + weights["hidden.bias"]
        values = np.maximum(cache["before"], 0)
    cache["last"] = values
    scores = values @ weights["output.weight"].T + weights["output.bias"]
    scores -= scores.max(axis=1, keepdims=True)
    exponentials = np.exp(scores)
    return exponentials / exponentials.sum(axis=1, keepdims=True), cache


def loss_and_gradients(network, weights, inputs, labels, class_weights=None):
    """Mean (weighted) categorical cross-entropy and its gradient for each array of weights."""
    probabilities, cache = forward(network, weights, inputs)
    weights, rows = cache["weights"], np.arange(len(labels))
    of_segment = np.ones(len(labels)) if class_weights is None else class_weights[labels]
    loss = -(of_segment * np.log(probabilities[rows, labels])).mean()
    gradients = {}
    upstream = probabilities.copy()
    upstream[rows, labels] -= 1
    upstream *= of_segment[:, None] / len(labels)
    gradients["output.weight"] = upstream.T @ cache["last"]
    gradients["output.bias"] = upstream.sum(axis=0)
    upstream = upstream @ weights["output.weight"]
    if network.hidden:
        upstream = upstream * (cache["before"] > 0)
        gradients["hidden.weight"] = upstream.T @ cache["flat"]
        gradients["hidden.bias"] = upstream.sum(axis=0)
        upstream = upstream @ weights["hidden.weight"]
    first = 0
    for name, trunk in network.trunks.items():
        windows, convolved, blocks = cache[name]
        b, f, i, j, area = blocks.shape
        p, q = trunk.pool
        own = upstream[:, first : first + f * i * j].reshape(b, f, i, j)
        first += f * i * j
        routed = np.zeros((b, f, i, j, area))
        np.put_along_axis(routed, blocks.argmax(axis=-1)[..., None], own[..., None], axis=-1)
        routed = routed.reshape(b, f, i, j, p, q).transpose(0, 1, 2, 4, 3, 5)
        at_convolution = np.zeros_like(convolved)
        at_convolution[:, :, : i * p, : j * q] = routed.reshape(b, f, i * p, j * q)
        at_convolution *= convolved > 0
        gradients[f"{name}.weight"] = np.einsum(
            "bfhw,bhwmn->fmn", at_convolution, windows, optimize=True
        )
        gradients[f"{name}.bias"] = at_convolution.sum(axis=(0, 2, 3))
    return loss, gradients
