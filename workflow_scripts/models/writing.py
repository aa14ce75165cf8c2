"""Trained models as ONNX files; only this module imports onnx."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from workflow_scripts.atomic_files import atomic
from workflow_scripts.dataset.normalisation import COMPRESSION, Scaler
from workflow_scripts.models.layers import CHANNEL_AXIS, INPUT, OUTPUT, layers, weight_shapes
from workflow_scripts.models.metadata import About
from workflow_scripts.networks.architecture import Network, Weights

# Old enough for every runtime of the last years.
OPSET, IR_VERSION = 17, 8
EXPLANATION = """\
Class probabilities of segments of music. The input is raw mel energies, (segments, frames, bands),
as the metadata's front_end computes them; compression and normalisation are part of the graph. A
track's class is that of most of its segments. The metadata are JSON texts.
"""


def onnx_model(network: Network, weights: Weights, scaler: Scaler, about: About) -> onnx.ModelProto:
    """The trained network, checked by ONNX's own checker.

    Input "mel", float32 (segments, frames, bands), raw mel energies, any number of segments;
    output "probabilities", float32 (segments, classes).
    """
    scalars = {
        "compression": COMPRESSION,
        "one": 1,
        "mean": scaler.mean,
        "std": scaler.std,
    }
    arrays = {name: np.array(value, np.float32) for name, value in scalars.items()}
    arrays[CHANNEL_AXIS] = np.array([1], np.int64)
    for name, shape in weight_shapes(network).items():
        arrays[name] = np.ascontiguousarray(weights[name].reshape(shape), np.float32)
    graph = helper.make_graph(
        [
            helper.make_node(layer.operator, layer.inputs, [layer.output], **layer.attributes)
            for layer in layers(network)
        ],
        about.variant,
        [_values(INPUT, network.frames, network.bands)],
        [_values(OUTPUT, network.n_classes)],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="musically-motivated-cnns",
        doc_string=EXPLANATION,
    )
    helper.set_model_props(model, about.texts())
    onnx.checker.check_model(model, full_check=True)
    return model


def write(path: Path, model: onnx.ModelProto) -> None:
    """Write the file; the same model gives the same bytes."""
    with atomic(path) as partial:
        partial.write_bytes(model.SerializeToString(deterministic=True))


def _values(name: str, *shape: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["segments", *shape])
