"""Trained models as ONNX files.

A file is written from metadata, weights and a scaler, and only these are read from it. The graph
that runs is always built here; the graph in a file is ignored.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from workflow_scripts.atomic_files import atomic
from workflow_scripts.dataset.normalisation import Scaler
from workflow_scripts.models import limits
from workflow_scripts.models.metadata import Metadata, NotOurModelError
from workflow_scripts.models.onnx_graph import (
    CHANNEL_AXIS,
    INPUT,
    OUTPUT,
    nodes_of,
    values,
    weight_shapes,
)
from workflow_scripts.models.stretch import Message, Stretch
from workflow_scripts.networks.architecture import Network, Weights

# Old enough for all runtimes of recent years.
OPSET, IR_VERSION = 17, 8
EXPLANATION = """\
Class probabilities of segments of music. The input is raw mel energies, (segments, frames, bands),
computed with the settings in front_end in the metadata. Compression and normalisation are part of
the graph. The class of a track is predicted by a majority vote of its segments, see vote in the
metadata. The metadata are JSON.
"""
# Types of the arrays in a file, by ONNX's number.
DTYPES: dict[int, np.dtype] = {
    TensorProto.FLOAT: np.dtype("<f4"),
    TensorProto.INT64: np.dtype("<i8"),
}


@dataclass(frozen=True)
class TrainedNetwork:
    """A trained network: its metadata, its weights (`Network.weight_shapes`) and its scaler."""

    metadata: Metadata
    weights: Weights
    scaler: Scaler

    @property
    def network(self) -> Network:
        """The architecture."""
        return self.metadata.network_for(self.metadata.front_end.n_bands)

    def onnx_bytes(self) -> bytes:
        """The content of the ONNX file; the same model gives the same bytes.

        Input "mel": float32 (segments, frames, bands), raw mel energies, any number of segments.
        Output "probabilities": float32 (segments, classes).
        """
        network = self.network
        graph = helper.make_graph(
            nodes_of(network, self.metadata.front_end.compression),
            self.metadata.variant,
            [values(INPUT, network.frames, network.bands)],
            [values(OUTPUT, network.n_classes)],
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
        scalars = {"mean": self.scaler.mean, "std": self.scaler.std}
        if self.metadata.front_end.compression is not None:
            scalars |= {"compression": self.metadata.front_end.compression, "one": 1}
        arrays = {name: np.array(value, np.float32) for name, value in scalars.items()}
        arrays[CHANNEL_AXIS] = np.array([1], np.int64)
        for name, shape in weight_shapes(self.network).items():
            arrays[name] = np.ascontiguousarray(self.weights[name].reshape(shape), np.float32)
        return arrays


def write(path: Path, data: bytes) -> None:
    """Check the content of an ONNX file with ONNX's checker and write it to `path`."""
    onnx.checker.check_model(onnx.load_from_string(data), full_check=True)
    with atomic(path) as partial:
        partial.write_bytes(data)


@dataclass(frozen=True)
class Outline:
    """What a file says about its model: the checked metadata, and where its arrays are."""

    metadata: Metadata
    arrays: dict[str, Stretch]

    @property
    def network(self) -> Network:
        """The architecture."""
        return self.metadata.network_for(self.metadata.front_end.n_bands)


def outline(content: Stretch) -> Outline:
    """The outline of a file written by `TrainedNetwork.onnx_bytes`; the arrays are not read.

    Raises NotOurModelError if it exceeds a limit, is damaged or another kind of file.
    """
    if content.size > limits.LARGEST_MODEL:
        raise NotOurModelError(f"is too large for a model: over {limits.LARGEST_MODEL >> 20} MiB")
    try:
        model = Message.of(content).parts
        metadata = _metadata(model[onnx.ModelProto.METADATA_PROPS_FIELD_NUMBER])
        (graph,) = model[onnx.ModelProto.GRAPH_FIELD_NUMBER]
        initializers = Message.of(graph).parts[onnx.GraphProto.INITIALIZER_FIELD_NUMBER]
        return Outline(metadata, _arrays(initializers, metadata))
    # A damaged file can raise any exception.
    except (NotOurModelError, OSError):
        raise
    except Exception:
        raise NotOurModelError("is damaged, or not a model of this workflow") from None


def read(data: bytes) -> TrainedNetwork:
    """The model in `data`, the content of a file written by `TrainedNetwork.onnx_bytes`.

    Raises NotOurModelError if `data` is damaged or another kind of file.
    """
    found = outline(Stretch.of(data))
    arrays = {
        # No copy of the data.
        name: np.frombuffer(data, dtype, math.prod(shape), found.arrays[name].start).reshape(shape)
        for name, (dtype, shape) in _expected(found.metadata).items()
    }
    if not all(np.isfinite(array).all() for array in arrays.values()) or not arrays["std"] > 0:
        raise NotOurModelError("has weights or a scaler with invalid values: it is damaged")
    compression = found.metadata.front_end.compression
    if compression is not None and not (
        arrays["compression"] == np.float32(compression) and arrays["one"] == 1
    ):
        raise NotOurModelError("has another compression than its metadata: it is damaged")
    shapes = found.network.weight_shapes()
    weights = {name: arrays[name].reshape(shape) for name, shape in shapes.items()}
    scaler = Scaler(float(arrays["mean"]), float(arrays["std"]))
    return TrainedNetwork(found.metadata, weights, scaler)


def _metadata(entries: list[Stretch]) -> Metadata:
    """The checked metadata. Raises NotOurModelError or any other exception if they are invalid."""
    _require(len(entries) <= limits.MOST_TEXTS)
    if sum(entry.size for entry in entries) > limits.LARGEST_METADATA:
        raise NotOurModelError(f"has metadata of over {limits.LARGEST_METADATA >> 10} KiB")
    texts = [onnx.StringStringEntryProto.FromString(entry.read()) for entry in entries]
    by_name = {text.key: text.value for text in texts}
    _require(len(by_name) == len(entries))
    return Metadata.of(by_name)


def _arrays(initializers: list[Stretch], metadata: Metadata) -> dict[str, Stretch]:
    """The data of each array. Raises unless they are exactly those of a file with `metadata`."""
    expected = _expected(metadata)
    _require(len(initializers) == len(expected))
    arrays = {}
    for initializer in initializers:
        tensor = Message.of(initializer)
        (name_field,) = tensor.parts[onnx.TensorProto.NAME_FIELD_NUMBER]
        _require(name_field.size <= limits.LONGEST_ARRAY_NAME)
        name = name_field.read().decode()
        dtype, shape = expected.pop(name)
        (kind,) = tensor.numbers[onnx.TensorProto.DATA_TYPE_FIELD_NUMBER]
        (data,) = tensor.parts[onnx.TensorProto.RAW_DATA_FIELD_NUMBER]
        _require(DTYPES[kind] == dtype)
        _require(tuple(tensor.numbers[onnx.TensorProto.DIMS_FIELD_NUMBER]) == shape)
        _require(data.size == dtype.itemsize * math.prod(shape))
        arrays[name] = data
    return arrays


def _expected(metadata: Metadata) -> dict[str, tuple[np.dtype, tuple[int, ...]]]:
    """The type and shape of each array in a file with `metadata`."""
    network = metadata.network_for(metadata.front_end.n_bands)
    scalars = ["mean", "std"]
    if metadata.front_end.compression is not None:
        scalars += ["compression", "one"]
    floats: dict[str, tuple[int, ...]] = dict.fromkeys(scalars, ())
    arrays = {
        name: (DTYPES[TensorProto.FLOAT], shape)
        for name, shape in (floats | weight_shapes(network)).items()
    }
    return arrays | {CHANNEL_AXIS: (DTYPES[TensorProto.INT64], (1,))}


def _require(condition: bool) -> None:
    if not condition:
        raise ValueError
