"""The graph of a network as ONNX nodes.

The formulas are those of `dataset.normalisation` and of the engines; the operators are those of
ONNX opset 17 (https://onnx.ai/onnx/operators/).
"""

from typing import Any

import onnx
from onnx import TensorProto, helper

from workflow_scripts.networks.architecture import Network

INPUT = "mel"
OUTPUT = "probabilities"
# The name of the array with the position of the channel axis.
CHANNEL_AXIS = "channel_axis"


def weight_shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """Shape of each array in a file: filters are (filters, 1, m, n), others as in weights.npz."""
    return {
        name: (shape[0], 1, *shape[1:]) if len(shape) == 3 else shape
        for name, shape in network.weight_shapes().items()
    }


def nodes_of(network: Network) -> list[onnx.NodeProto]:
    """The operators in order. Inputs that are weights have their names in `weight_shapes`."""
    nodes = [
        _node("Mul", (INPUT, "compression"), "scaled"),
        _node("Add", ("scaled", "one"), "shifted"),
        _node("Log", ("shifted",), "compressed"),
        _node("Sub", ("compressed", "mean"), "centred"),
        _node("Div", ("centred", "std"), "normalised"),
        # Frequency by time, as in the paper.
        _node("Transpose", ("normalised",), "spectrogram", perm=(0, 2, 1)),
        _node("Unsqueeze", ("spectrogram", CHANNEL_AXIS), "image"),
    ]
    for name, trunk in network.trunks.items():
        convolution = ("image", f"{name}.weight", f"{name}.bias")
        nodes += [
            _node("Conv", convolution, f"{name}.map", kernel_shape=trunk.filter),
            _node(
                "MaxPool",
                (f"{name}.map",),
                f"{name}.maxima",
                kernel_shape=trunk.pool,
                strides=trunk.pool,
            ),
            # ReLU commutes with the maximum, and there are fewer values after the pool.
            _node("Relu", (f"{name}.maxima",), f"{name}.activations"),
            _node("Flatten", (f"{name}.activations",), f"{name}.features", axis=1),
        ]
    features = tuple(f"{name}.features" for name in network.trunks)
    nodes.append(_node("Concat", features, "features", axis=1))
    if network.hidden:
        nodes += [_dense("features", "hidden"), _node("Relu", ("hidden",), "hidden.activations")]
    return [
        *nodes,
        _dense("hidden.activations" if network.hidden else "features", "output"),
        _node("Softmax", ("output",), OUTPUT, axis=1),
    ]


def _node(operator: str, inputs: tuple[str, ...], output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(operator, inputs, [output], **attributes)


def _dense(inputs: str, name: str) -> onnx.NodeProto:
    return _node("Gemm", (inputs, f"{name}.weight", f"{name}.bias"), name, transB=1)


def values(name: str, *shape: int) -> onnx.ValueInfoProto:
    """An input or output of this shape for each segment."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["segments", *shape])
