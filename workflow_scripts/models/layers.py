"""A network as ONNX operators, from raw mel energies to class probabilities.

Whoever writes a file makes its nodes of these; whoever reads one accepts no others. The formulas
are those of `dataset.normalisation` and of the engines; the operators those of ONNX's opset 17,
https://onnx.ai/onnx/operators/.
"""

from dataclasses import dataclass, field
from typing import Any

from workflow_scripts.networks.architecture import Network

INPUT = "mel"
OUTPUT = "probabilities"
# One number each: log(1 + compression x), then (x - mean) / std.
SCALARS = ("compression", "one", "mean", "std")
# Where the one channel of a convolution's input goes.
CHANNEL_AXIS = "channel_axis"


@dataclass(frozen=True)
class Layer:
    """One operator: the names of its inputs and of its output; attributes, int or tuple of int."""

    operator: str
    inputs: tuple[str, ...]
    output: str
    attributes: dict[str, Any] = field(default_factory=dict)


def layers(network: Network) -> list[Layer]:
    """The operators in order. Weights go by their names in `Network.weight_shapes`.

    Takes INPUT, raw mel energies (segments, frames, bands); gives OUTPUT, (segments, classes).
    """
    chain = [
        Layer("Mul", (INPUT, "compression"), "scaled"),
        Layer("Add", ("scaled", "one"), "shifted"),
        Layer("Log", ("shifted",), "compressed"),
        Layer("Sub", ("compressed", "mean"), "centred"),
        Layer("Div", ("centred", "std"), "normalised"),
        # As the paper has it: frequency by time.
        Layer("Transpose", ("normalised",), "spectrogram", {"perm": (0, 2, 1)}),
        Layer("Unsqueeze", ("spectrogram", CHANNEL_AXIS), "image"),
    ]
    for name, trunk in network.trunks.items():
        weights = (f"{name}.weight", f"{name}.bias")
        chain += [
            Layer("Conv", ("image", *weights), f"{name}.map", {"kernel_shape": trunk.filter}),
            Layer(
                "MaxPool",
                (f"{name}.map",),
                f"{name}.maxima",
                {"kernel_shape": trunk.pool, "strides": trunk.pool},
            ),
            # It commutes with the maximum, and there are fewer values after the pool.
            Layer("Relu", (f"{name}.maxima",), f"{name}.activations"),
            Layer("Flatten", (f"{name}.activations",), f"{name}.features", {"axis": 1}),
        ]
    features = tuple(f"{name}.features" for name in network.trunks)
    chain.append(Layer("Concat", features, "features", {"axis": 1}))
    if network.hidden:
        chain += [_dense("features", "hidden"), Layer("Relu", ("hidden",), "hidden.activations")]
    chain += [
        _dense("hidden.activations" if network.hidden else "features", "output"),
        Layer("Softmax", ("output",), OUTPUT, {"axis": 1}),
    ]
    return chain


def weight_shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """Shape of each array in a file: filters are (filters, 1, m, n), the rest as in the .npz."""
    return {
        name: (shape[0], 1, *shape[1:]) if len(shape) == 3 else shape
        for name, shape in network.weight_shapes().items()
    }


def _dense(inputs: str, name: str) -> Layer:
    return Layer("Gemm", (inputs, f"{name}.weight", f"{name}.bias"), name, {"transB": 1})
