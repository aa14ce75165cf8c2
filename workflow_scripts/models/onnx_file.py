"""Trained models as ONNX files. Only this module imports onnx.

A file is written from a network's description, weights and scaler, and these alone are read from
it. The graph that runs is always built here: a graph that somebody else has put into a file is
ignored. The formulas are those of `dataset.normalisation` and of the engines; the operators are
those of ONNX's opset 17 (https://onnx.ai/onnx/operators/).
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from workflow_scripts.atomic_files import atomic
from workflow_scripts.audio.parameters import FRONT_END, N_BANDS
from workflow_scripts.dataset.normalisation import COMPRESSION, Scaler
from workflow_scripts.models.metadata import Metadata
from workflow_scripts.networks.architecture import Network, Weights

INPUT = "mel"
OUTPUT = "probabilities"
# Old enough for every runtime of the last years.
OPSET, IR_VERSION = 17, 8
EXPLANATION = """\
Class probabilities of segments of music. The input is raw mel energies, (segments, frames, bands),
as the metadata's front_end computes them; compression and normalisation are part of the graph. A
track's class is the one that most of its segments vote for. The metadata are JSON texts.
"""
# The axis of the one channel of a convolution's input.
CHANNEL_AXIS = "channel_axis"
ITEM_SIZE: dict[int, int] = {TensorProto.FLOAT: 4, TensorProto.INT64: 8}
# Limits of what is read, at least those of config.schema.yaml. That many activations take half a
# gigabyte for one segment; no such network could be trained.
MOST_CLASSES, MOST_FRAMES, MOST_TRUNKS, MOST_FILTERS = 10_000, 100_000, 16, 4096
MOST_ACTIVATIONS = 1 << 27
LONGEST_NAME = 255


class NotOurModelError(Exception):
    """A file that is not a model of this workflow; the text says why, without the file's name."""


@dataclass(frozen=True)
class TrainedNetwork:
    """A trained network: its metadata, its weights (`Network.weight_shapes`) and its scaler."""

    metadata: Metadata
    weights: Weights
    scaler: Scaler

    @property
    def network(self) -> Network:
        """The architecture."""
        return self.metadata.network_for(N_BANDS)

    def onnx_bytes(self) -> bytes:
        """The ONNX file; the same model gives the same bytes.

        Input "mel", float32 (segments, frames, bands), raw mel energies, any number of segments;
        output "probabilities", float32 (segments, classes).
        """
        network = self.network
        graph = helper.make_graph(
            _nodes(network),
            self.metadata.variant,
            [_values(INPUT, network.frames, network.bands)],
            [_values(OUTPUT, network.n_classes)],
            [numpy_helper.from_array(array, name) for name, array in self._arrays().items()],
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="musically-motivated-cnns",
            doc_string=EXPLANATION,
        )
        helper.set_model_props(model, self.metadata.texts())
        return bytes(model.SerializeToString(deterministic=True))

    def _arrays(self) -> dict[str, np.ndarray]:
        scalars = {
            "compression": COMPRESSION,
            "one": 1,
            "mean": self.scaler.mean,
            "std": self.scaler.std,
        }
        arrays = {name: np.array(value, np.float32) for name, value in scalars.items()}
        arrays[CHANNEL_AXIS] = np.array([1], np.int64)
        for name, shape in _weight_shapes(self.network).items():
            arrays[name] = np.ascontiguousarray(self.weights[name].reshape(shape), np.float32)
        return arrays


def write(path: Path, data: bytes) -> None:
    """Check the bytes of a model by ONNX's own checker and write them."""
    onnx.checker.check_model(onnx.load_from_string(data), full_check=True)
    with atomic(path) as partial:
        partial.write_bytes(data)


def read(data: bytes) -> TrainedNetwork:
    """The metadata and arrays of a file that `TrainedNetwork.onnx_bytes` has written.

    Raises NotOurModelError if it is damaged or anything else.
    """
    try:
        model = onnx.load_from_string(data)
        metadata = _metadata(model)
        network = metadata.network_for(N_BANDS)
        _check_sizes(network)
        arrays = _read_arrays(model.graph.initializer, network)
    except NotOurModelError:
        raise
    # Whatever a damaged file makes the library do.
    except Exception:
        raise NotOurModelError("is damaged, or not a model of this workflow") from None
    if not all(np.isfinite(array).all() for array in arrays.values()) or not arrays["std"] > 0:
        raise NotOurModelError("has weights that are not finite numbers: it is damaged")
    if float(arrays["compression"]) != COMPRESSION or float(arrays["one"]) != 1:
        raise NotOurModelError("is for another compression than this version computes")
    shapes = network.weight_shapes()
    weights = {name: arrays[name].reshape(shape) for name, shape in shapes.items()}
    return TrainedNetwork(metadata, weights, Scaler(float(arrays["mean"]), float(arrays["std"])))


def _metadata(model: onnx.ModelProto) -> Metadata:
    """The metadata, checked. Raises NotOurModelError or any other exception."""
    entries = model.metadata_props
    _require(len(entries) == Metadata.n_texts())
    metadata = Metadata.of({entry.key: entry.value for entry in entries})
    if metadata.front_end != FRONT_END:
        raise NotOurModelError("is for another mel-spectrogram than this version computes")
    classes = metadata.classes
    names = (*classes, metadata.dataset, metadata.variant, metadata.architecture)
    _require(all(isinstance(name, str) and len(name) <= LONGEST_NAME for name in names))
    _require(1 < len(set(classes)) == len(classes) <= MOST_CLASSES)
    _require(type(metadata.fold) is int and isinstance(metadata.accuracy, int | float))
    return metadata


def _check_sizes(network: Network) -> None:
    _require(type(network.frames) is int and 0 < network.frames <= MOST_FRAMES)
    _require(0 < len(network.trunks) <= MOST_TRUNKS)
    for trunk in network.trunks.values():
        sizes = (*trunk.filter, *trunk.pool, trunk.n_filters)
        _require(all(type(size) is int and size > 0 for size in sizes))
        _require(trunk.n_filters <= MOST_FILTERS)
    _require(network.n_activations() <= MOST_ACTIVATIONS)
    _require(type(network.hidden) is int and network.hidden >= 0)


def _read_arrays(initializers: Any, network: Network) -> dict[str, np.ndarray]:
    """The arrays of a file by name; exactly those that a file of this network has."""
    expected: dict[str, tuple[int, tuple[int, ...]]] = {
        name: (TensorProto.FLOAT, shape) for name, shape in _weight_shapes(network).items()
    }
    expected |= dict.fromkeys(("compression", "one", "mean", "std"), (TensorProto.FLOAT, ()))
    expected[CHANNEL_AXIS] = (TensorProto.INT64, (1,))
    _require(len(initializers) == len(expected))
    arrays = {}
    for array in initializers:
        kind, shape = expected.pop(array.name)
        _require(array.data_type == kind and array.data_location == TensorProto.DEFAULT)
        _require(len(array.dims) == len(shape) and tuple(array.dims) == shape)
        _require(len(array.raw_data) == ITEM_SIZE[kind] * math.prod(shape))
        arrays[array.name] = numpy_helper.to_array(array)
    return arrays


def _require(condition: bool) -> None:
    if not condition:
        raise ValueError


def _weight_shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """Shape of each array in a file: filters are (filters, 1, m, n), the rest as in the .npz."""
    return {
        name: (shape[0], 1, *shape[1:]) if len(shape) == 3 else shape
        for name, shape in network.weight_shapes().items()
    }


def _nodes(network: Network) -> list[onnx.NodeProto]:
    """The operators in order; the arrays go by their names in `_weight_shapes`."""
    nodes = [
        _node("Mul", (INPUT, "compression"), "scaled"),
        _node("Add", ("scaled", "one"), "shifted"),
        _node("Log", ("shifted",), "compressed"),
        _node("Sub", ("compressed", "mean"), "centred"),
        _node("Div", ("centred", "std"), "normalised"),
        # As in the paper: frequency by time.
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


def _values(name: str, *shape: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["segments", *shape])
