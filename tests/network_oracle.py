"""Networks in float64 NumPy, in the order of their layers: outputs, loss, gradients.

Each layer returns its output and its derivative by the chain rule, written independently of the
engines: convolution, ReLU, pools, batch normalisation, dense layers, blocks, softmax, mean
cross-entropy. Dropout is off.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

EPSILON = 1e-3


def forward(network, weights, inputs):
    """Class probabilities (segments, classes) and the derivative; running statistics."""
    return _forward(network, weights, inputs, training=False)


def loss_and_gradients(network, weights, inputs, labels, class_weights=None):
    """Mean (weighted) categorical cross-entropy and its gradient for each array of weights.

    Batch normalisation uses the statistics of the batch.
    """
    probabilities, backward = _forward(network, weights, inputs, training=True)
    rows = np.arange(len(labels))
    of_segment = np.ones(len(labels)) if class_weights is None else class_weights[labels]
    loss = -(of_segment * np.log(probabilities[rows, labels])).mean()
    upstream = probabilities.copy()
    upstream[rows, labels] -= 1
    upstream *= of_segment[:, None] / len(labels)
    gradients = {}
    backward(upstream, gradients)
    return loss, gradients


def batch_statistics(network, weights, inputs):
    """Mean and variance (ddof 0) of the batch at each batch normalisation, by name of the layer."""
    statistics = {}
    _forward(network, weights, inputs, training=True, statistics=statistics)
    return statistics


def _forward(network, weights, inputs, training, statistics=None):
    weights = {name: array.astype(np.float64) for name, array in weights.items()}
    context = weights, training, {} if statistics is None else statistics
    image = inputs.astype(np.float64)[:, None]
    ends = [_sequence(trunk.layers, image, context) for trunk in network.trunks.values()]
    outputs = [output for output, _ in ends]
    flat = len({output.shape[2:] for output in outputs}) > 1
    shaped = [output.reshape(len(output), -1) if flat else output for output in outputs]
    joined = np.concatenate(shaped, axis=1)
    values, back_end = _sequence(network.back_end, joined, context)
    scores, output_layer = _linear("output", values, context)
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))

    def backward(upstream, gradients):
        upstream = back_end(output_layer(upstream, gradients), gradients)
        edges = np.cumsum([part.shape[1] for part in shaped])[:-1]
        for part, (output, trunk) in zip(np.split(upstream, edges, axis=1), ends, strict=True):
            trunk(part.reshape(output.shape), gradients)

    return exponentials / exponentials.sum(axis=1, keepdims=True), backward


def _sequence(placed, values, context):
    steps = []
    for layer in placed:
        values, step = _layer(layer, values, context)
        steps.append(step)

    def backward(upstream, gradients):
        for step in reversed(steps):
            upstream = step(upstream, gradients)
        return upstream

    return values, backward


def _layer(placed, values, context):
    layer = placed.layer
    match type(layer).__name__:
        case "Convolution":
            return _chain(
                values,
                lambda v: _convolution(placed.name, layer, v, context),
                _relu,
            )
        case "Pool":
            return _pool(values, layer.shape, layer.kind)
        case "GlobalPool":
            width = values.shape[3]
            parts = [_pool(values, (1, width), kind) for kind in layer.kinds]

            def over_kinds(upstream, gradients):
                pieces = np.split(upstream, len(parts), axis=1)
                return sum(
                    step(piece, gradients) for piece, (_, step) in zip(pieces, parts, strict=True)
                )

            return np.concatenate([output for output, _ in parts], axis=1), over_kinds
        case "BatchNormalisation":
            return _normalisation(placed.name, values, context)
        case "Dense":
            return _chain(values, lambda v: _linear(placed.name, v, context), _relu)
        case "Dropout":
            return values, lambda upstream, gradients: upstream
        case "Block":
            return _block(layer, values, context)
    raise AssertionError(layer)


def _chain(values, *functions):
    steps = []
    for function in functions:
        values, step = function(values)
        steps.append(step)

    def backward(upstream, gradients):
        for step in reversed(steps):
            upstream = step(upstream, gradients)
        return upstream

    return values, backward


def _relu(values):
    return np.maximum(values, 0), lambda upstream, gradients: upstream * (values > 0)


def _convolution(name, layer, values, context):
    weights, _, _ = context
    (m, n), filters = layer.filter, weights[f"{name}.weight"]
    kernels = filters[:, None] if filters.ndim == 3 else filters
    # The padding of TensorFlow: the larger half comes last.
    high = (m - 1) if layer.padding == "same" else 0
    wide = (n - 1) if layer.padding in ("same", "time") else 0
    sides = ((0, 0), (0, 0), (high // 2, high - high // 2), (wide // 2, wide - wide // 2))
    padded = np.pad(values, sides)
    windows = sliding_window_view(padded, (m, n), axis=(2, 3))
    maps = np.einsum("bchwmn,fcmn->bfhw", windows, kernels, optimize=True)
    maps += weights[f"{name}.bias"][None, :, None, None]

    def backward(upstream, gradients):
        gradient = np.einsum("bfhw,bchwmn->fcmn", upstream, windows, optimize=True)
        gradients[f"{name}.weight"] = gradient.reshape(filters.shape)
        gradients[f"{name}.bias"] = upstream.sum(axis=(0, 2, 3))
        own = np.zeros_like(padded)
        height, width = upstream.shape[2:]
        for i in range(m):
            for j in range(n):
                part = np.einsum("bfhw,fc->bchw", upstream, kernels[:, :, i, j], optimize=True)
                own[:, :, i : i + height, j : j + width] += part
        top, left = sides[2][0], sides[3][0]
        return own[:, :, top : top + values.shape[2], left : left + values.shape[3]]

    return maps, backward


def _pool(values, shape, kind):
    (p, q), (b, f, h, w) = shape, values.shape
    rows, columns = h // p, w // q
    fields = values[:, :, : rows * p, : columns * q].reshape(b, f, rows, p, columns, q)
    fields = fields.transpose(0, 1, 2, 4, 3, 5).reshape(b, f, rows, columns, p * q)

    def backward(upstream, gradients):
        if kind == "max":
            routed = np.zeros(fields.shape)
            first = fields.argmax(axis=-1)[..., None]
            np.put_along_axis(routed, first, upstream[..., None], axis=-1)
        else:
            routed = np.repeat(upstream[..., None], p * q, axis=-1) / (p * q)
        routed = routed.reshape(b, f, rows, columns, p, q).transpose(0, 1, 2, 4, 3, 5)
        own = np.zeros(values.shape)
        own[:, :, : rows * p, : columns * q] = routed.reshape(b, f, rows * p, columns * q)
        return own

    return (fields.max(axis=-1) if kind == "max" else fields.mean(axis=-1)), backward


def _normalisation(name, values, context):
    weights, training, statistics = context
    axes = tuple(axis for axis in range(values.ndim) if axis != 1)

    def wide(array):
        return array.reshape(1, -1, *[1] * (values.ndim - 2))

    mean, variance = weights[f"{name}.mean"], weights[f"{name}.variance"]
    if training:
        mean, variance = values.mean(axis=axes), values.var(axis=axes)
        statistics[name] = mean, variance
    deviation = np.sqrt(variance + EPSILON)
    scaled = (values - wide(mean)) / wide(deviation)
    scale = weights[f"{name}.scale"]

    def backward(upstream, gradients):
        gradients[f"{name}.scale"] = (upstream * scaled).sum(axis=axes)
        gradients[f"{name}.offset"] = upstream.sum(axis=axes)
        own = upstream * wide(scale)
        if training:
            across = (own * scaled).mean(axis=axes)
            own = own - wide(own.mean(axis=axes)) - scaled * wide(across)
        return own / wide(deviation)

    return scaled * wide(scale) + wide(weights[f"{name}.offset"]), backward


def _linear(name, values, context):
    weights, _, _ = context
    flat = values.reshape(len(values), -1)
    matrix = weights[f"{name}.weight"]

    def backward(upstream, gradients):
        gradients[f"{name}.weight"] = upstream.T @ flat
        gradients[f"{name}.bias"] = upstream.sum(axis=0)
        return (upstream @ matrix).reshape(values.shape)

    return flat @ matrix.T + weights[f"{name}.bias"], backward


def _block(block, values, context):
    own = values
    if any(type(placed.layer).__name__ == "Dense" for placed in block.layers):
        own = values.reshape(len(values), -1)
    inner, steps = _sequence(block.layers, own, context)
    output = own + inner if block.kind == "add" else np.concatenate([own, inner], axis=1)

    def backward(upstream, gradients):
        around, through = upstream, upstream
        if block.kind == "concatenate":
            around, through = np.split(upstream, [own.shape[1]], axis=1)
        return (around + steps(through, gradients)).reshape(values.shape)

    return output, backward
