"""Trained models as ONNX files. Only this module imports onnx.

A file is written from metadata, weights and a scaler, and only these are read from it. The graph
that runs is always built here; the graph in a file is ignored. The formulas are those of
`dataset.normalisation` and of the engines; the operators are those of ONNX opset 17
(https://onnx.ai/onnx/operators/).
"""

import math
from collections import defaultdict
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
# Old enough for all runtimes of recent years.
OPSET, IR_VERSION = 17, 8
EXPLANATION = """\
Class probabilities of segments of music. The input is raw mel energies, (segments, frames, bands),
computed with the settings in front_end in the metadata. Compression and normalisation are part of
the graph. The class of a track is predicted by a majority vote of its segments. The metadata are
JSON.
"""
# The name of the array with the position of the channel axis.
CHANNEL_AXIS = "channel_axis"
ITEM_SIZE: dict[int, int] = {TensorProto.FLOAT: 4, TensorProto.INT64: 8}
# Limits of what is read, at least those of config.schema.yaml. MOST_ACTIVATIONS take half a
# gigabyte for one segment: no such network can be trained.
MOST_CLASSES, MOST_FRAMES, MOST_TRUNKS, MOST_FILTERS = 1000, 100_000, 16, 4096
MOST_ACTIVATIONS = 1 << 27
LONGEST_NAME = 255
# Fields of one message: a file of the largest network has fewer than 200.
MOST_FIELDS = 1000
# Protobuf's types of fields that ONNX files have here.
VARINT, LENGTH_DELIMITED = 0, 2


class NotOurModelError(Exception):
    """A file is not a model of this workflow. The text says why, without the file name."""


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
        """The content of the ONNX file; the same model gives the same bytes.

        Input "mel": float32 (segments, frames, bands), raw mel energies, any number of segments.
        Output "probabilities": float32 (segments, classes).
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
    """Check the content of an ONNX file with ONNX's checker and write it to `path`."""
    onnx.checker.check_model(onnx.load_from_string(data), full_check=True)
    with atomic(path) as partial:
        partial.write_bytes(data)


def read(data: bytes) -> TrainedNetwork:
    """The model in `data`, the content of a file written by `TrainedNetwork.onnx_bytes`.

    Raises NotOurModelError if `data` is damaged or another kind of file.
    """
    try:
        parts = _messages(memoryview(data))
        metadata = _metadata(parts[onnx.ModelProto.METADATA_PROPS_FIELD_NUMBER])
        network = metadata.network_for(N_BANDS)
        _check_sizes(network)
        (graph,) = parts[onnx.ModelProto.GRAPH_FIELD_NUMBER]
        initializers = _messages(graph)[onnx.GraphProto.INITIALIZER_FIELD_NUMBER]
        arrays = _read_arrays(initializers, network)
    except NotOurModelError:
        raise
    # A damaged file can make the library raise any exception.
    except Exception:
        raise NotOurModelError("is damaged, or not a model of this workflow") from None
    if not all(np.isfinite(array).all() for array in arrays.values()) or not arrays["std"] > 0:
        raise NotOurModelError("has weights or a scaler with invalid values: it is damaged")
    if float(arrays["compression"]) != COMPRESSION or float(arrays["one"]) != 1:
        raise NotOurModelError("uses a compression that this version does not compute")
    shapes = network.weight_shapes()
    weights = {name: arrays[name].reshape(shape) for name, shape in shapes.items()}
    return TrainedNetwork(metadata, weights, Scaler(float(arrays["mean"]), float(arrays["std"])))


def _messages(message: memoryview) -> dict[int, list[memoryview]]:
    """The messages, texts and bytes in a protobuf message, by field number.

    The onnx library would read the whole file, and a small file can describe millions of nodes.
    Encoding: https://protobuf.dev/programming-guides/encoding/.
    """
    found: dict[int, list[memoryview]] = defaultdict(list)
    place = 0
    for _ in range(MOST_FIELDS):
        if place == len(message):
            return found
        key, place = _varint(message, place)
        if key & 7 == VARINT:
            _, place = _varint(message, place)
            continue
        _require(key & 7 == LENGTH_DELIMITED)
        length, place = _varint(message, place)
        _require(length <= len(message) - place)
        found[key >> 3].append(message[place : place + length])
        place += length
    raise ValueError("too many fields")


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """The number at `place`, in groups of seven bits, and the place after it."""
    value = 0
    for shift in range(0, 70, 7):
        value |= (message[place] & 0x7F) << shift
        place += 1
        if message[place - 1] < 0x80:
            return value, place
    raise ValueError("a number of more than 64 bits")


def _metadata(entries: list[memoryview]) -> Metadata:
    """The checked metadata. Raises NotOurModelError or any other exception if they are invalid."""
    _require(len(entries) <= Metadata.n_texts())
    texts = [onnx.StringStringEntryProto.FromString(bytes(entry)) for entry in entries]
    metadata = Metadata.of({text.key: text.value for text in texts})
    if metadata.front_end != FRONT_END:
        raise NotOurModelError("uses a mel-spectrogram that this version does not compute")
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


def _read_arrays(initializers: list[memoryview], network: Network) -> dict[str, np.ndarray]:
    """The arrays by name. Raises unless they are exactly those of a file of `network`."""
    expected: dict[str, tuple[int, tuple[int, ...]]] = {
        name: (TensorProto.FLOAT, shape) for name, shape in _weight_shapes(network).items()
    }
    expected |= dict.fromkeys(("compression", "one", "mean", "std"), (TensorProto.FLOAT, ()))
    expected[CHANNEL_AXIS] = (TensorProto.INT64, (1,))
    _require(len(initializers) == len(expected))
    arrays = {}
    for initializer in initializers:
        _messages(initializer)
        array = TensorProto.FromString(bytes(initializer))
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
    """Shape of each array in a file: filters are (filters, 1, m, n), others as in weights.npz."""
    return {
        name: (shape[0], 1, *shape[1:]) if len(shape) == 3 else shape
        for name, shape in network.weight_shapes().items()
    }


def _nodes(network: Network) -> list[onnx.NodeProto]:
    """The operators in order. Inputs that are weights have their names in `_weight_shapes`."""
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


def _values(name: str, *shape: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["segments", *shape])
