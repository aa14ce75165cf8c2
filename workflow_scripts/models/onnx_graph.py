"""The graph of a network as ONNX nodes.

The formulas are those of `dataset.normalisation` and of the engines; the operators are those of
ONNX opset 17 (https://onnx.ai/onnx/operators/).
"""

from collections.abc import Sequence
from typing import Any

import onnx
from onnx import TensorProto, helper

from workflow_scripts.networks import layers
from workflow_scripts.networks.architecture import OUTPUT as OUTPUT_LAYER
from workflow_scripts.networks.architecture import Network
from workflow_scripts.networks.layers import (
    BatchNormalisation,
    Block,
    Convolution,
    Dense,
    GlobalPool,
    Placed,
    Pool,
)

INPUT = "mel"
OUTPUT = "probabilities"
# The name of the array with the position of the channel axis.
CHANNEL_AXIS = "channel_axis"
# With a smaller compression C, energies below 1e-3 have a C x that is so small that 1 + C x would
# lose digits in float32. The paper's, 10 000, does not need the time that float64 takes.
LEAST_IN_FLOAT32 = 1000


def weight_shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """Shape of each array in a file: filters have channels, the others are as in weights.npz."""
    return {
        name: (shape[0], 1, *shape[1:]) if len(shape) == 3 else shape
        for name, shape in network.weight_shapes().items()
    }


def nodes_of(network: Network, compression: float | None) -> list[onnx.NodeProto]:
    """The operators in order. Inputs that are weights have their names in `weight_shapes`.

    `compression` is that of the front end.
    """
    nodes = _Nodes()
    nodes.add("Sub", (nodes.compressed(compression), "mean"), "centred")
    nodes.add("Div", ("centred", "std"), "normalised")
    # Frequency by time, as in the paper.
    nodes.add("Transpose", ("normalised",), "spectrogram", perm=(0, 2, 1))
    nodes.add("Unsqueeze", ("spectrogram", CHANNEL_AXIS), "image")
    trunks = [nodes.layers(trunk.layers, "image") for trunk in network.trunks.values()]
    joined = trunks[0]
    if len(trunks) > 1:
        if network.flattens_trunks:
            trunks = [nodes.flat(output) for output in trunks]
        joined = nodes.add("Concat", tuple(trunks), "features", axis=1)
    scores = nodes.dense(nodes.layers(network.back_end, joined), OUTPUT_LAYER)
    nodes.add("Softmax", (scores,), OUTPUT, axis=1)
    return nodes.nodes


class _Nodes:
    """Operators in order; each method adds some and returns the name of their output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []

    def add(self, operator: str, inputs: tuple[str, ...], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def compressed(self, compression: float | None) -> str:
        """The input after compression; the input itself if there is none."""
        if compression is None:
            return INPUT
        scaled, one = self.add("Mul", (INPUT, "compression"), "scaled"), "one"
        if compression >= LEAST_IN_FLOAT32:
            return self.add("Log", (self.add("Add", (scaled, one), "shifted"),), "compressed")
        scaled, one = (
            self.add("Cast", (name,), f"{name}.double", to=TensorProto.DOUBLE)
            for name in (scaled, one)
        )
        logarithm = self.add("Log", (self.add("Add", (scaled, one), "shifted"),), "logarithm")
        return self.add("Cast", (logarithm,), "compressed", to=TensorProto.FLOAT)

    def layers(self, placed: Sequence[Placed], values: str) -> str:
        for layer, pool in layers.with_pools(placed):
            values = self._layer(layer, pool, values)
        return values

    def dense(self, values: str, name: str) -> str:
        inputs = (self.flat(values), f"{name}.weight", f"{name}.bias")
        return self.add("Gemm", inputs, f"{name}.sums", transB=1)

    def flat(self, values: str) -> str:
        return self.add("Flatten", (values,), f"{values}.flat", axis=1)

    def _layer(self, placed: Placed, pool: Pool | None, values: str) -> str:
        name = placed.name
        match placed.layer:
            case Convolution():
                values = self._convolution(name, placed.layer, values)
                if pool:
                    # ReLU commutes with the maximum, and there are fewer values after the pool.
                    values = self._pool(f"{name}.maxima", pool, values)
                return self.add("Relu", (values,), f"{name}.activations")
            case Pool():
                return self._pool(f"{name}.pooled", placed.layer, values)
            case BatchNormalisation():
                kinds = ("scale", "offset", "mean", "variance")
                arrays = tuple(f"{name}.{kind}" for kind in kinds)
                output = f"{name}.normalised"
                return self.add(
                    "BatchNormalization", (values, *arrays), output, epsilon=layers.EPSILON
                )
            case GlobalPool(kinds=kinds):
                return self._over_time(name, kinds, values)
            case Dense():
                return self.add("Relu", (self.dense(values, name),), f"{name}.activations")
            case Block():
                return self._block(name, placed.layer, values)
            case _:
                return values

    def _convolution(self, name: str, layer: Convolution, values: str) -> str:
        below, above, before, after = layer.pads
        inputs = (values, f"{name}.weight", f"{name}.bias")
        pads = (below, before, above, after)
        return self.add("Conv", inputs, f"{name}.map", kernel_shape=layer.filter, pads=pads)

    def _pool(self, output: str, pool: Pool, values: str) -> str:
        operator = {layers.MAX: "MaxPool", layers.MEAN: "AveragePool"}[pool.kind]
        shape = pool.shape
        return self.add(operator, (values,), output, kernel_shape=shape, strides=shape)

    def _over_time(self, name: str, kinds: Sequence[str], values: str) -> str:
        operators = {layers.MAX: "ReduceMax", layers.MEAN: "ReduceMean"}
        pooled = tuple(
            self.add(operators[kind], (values,), f"{name}.{kind}", axes=[3], keepdims=1)
            for kind in kinds
        )
        return self.add("Concat", pooled, f"{name}.pooled", axis=1)

    def _block(self, name: str, block: Block, values: str) -> str:
        if layers.has_dense(block):
            values = self.flat(values)
        inner = self.layers(block.layers, values)
        if block.kind == layers.ADD:
            return self.add("Add", (values, inner), f"{name}.sum")
        return self.add("Concat", (values, inner), f"{name}.joined", axis=1)


def values(name: str, *shape: int) -> onnx.ValueInfoProto:
    """An input or output of this shape for each segment."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["segments", *shape])
