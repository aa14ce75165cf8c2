"""Looks into an ONNX file before a runtime may: it must be one that this workflow writes.

A field that is not named here is refused, and with it all that could make a model more than data:
other operators, other shapes, loops, functions, arrays in other files. The numbers are those of
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

import math
from collections.abc import Mapping
from typing import Any

from workflow_scripts.audio.parameters import FRONT_END, N_BANDS
from workflow_scripts.models.layers import (
    CHANNEL_AXIS,
    INPUT,
    OUTPUT,
    SCALARS,
    Layer,
    layers,
    weight_shapes,
)
from workflow_scripts.models.metadata import About
from workflow_scripts.models.protobuf import fields
from workflow_scripts.networks.architecture import Network

MODEL = {1: "version", 2: "producer", 6: "text", 7: "graph", 8: "operators", 14: "metadata"}
OPERATORS = {1: "domain", 2: "version"}
METADATA = {1: "key", 2: "value"}
GRAPH = {1: "node", 2: "name", 5: "array", 11: "input", 12: "output"}
NODE = {1: "input", 2: "output", 4: "operator", 5: "attribute"}
ATTRIBUTE = {1: "name", 3: "integer", 8: "integers", 20: "type"}
ARRAY = {1: "dimension", 2: "type", 8: "name", 9: "bytes"}
VALUE = {1: "name", 2: "type"}
TYPE = {1: "tensor"}
TENSOR = {1: "element", 2: "shape"}
SHAPE = {1: "dimension"}
DIMENSION = {1: "size", 2: "name"}

VERSION, OPSET = 8, 17
FLOAT, INT64 = 1, 7
INTEGER, INTEGERS = 2, 7
ITEM_SIZE = {FLOAT: 4, INT64: 8}
# At least what config.schema.yaml allows; of activations as many as take half a gigabyte for a
# segment, which no network has that could be trained.
MOST_CLASSES, MOST_FRAMES, MOST_TRUNKS, MOST_FILTERS = 10_000, 100_000, 16, 4096
MOST_ACTIVATIONS = 1 << 27
LONGEST_NAME = 255
# Of a message: one of our models has some hundreds in all.
MOST_FIELDS = 100_000

Message = Mapping[str, list[Any]]


class NotOurModelError(Exception):
    """A file that is no model of this workflow; its text says why, without the file's name."""


def inspect(data: bytes) -> About:
    """What the file tells of its model.

    Graph, shapes, network, class names and front end have been checked; the weights' values, and
    what it tells of its training, have not. Raises NotOurModelError.
    """
    try:
        return _inspect(memoryview(data))
    # Of whatever kind it is, what a damaged file holds where something else was expected.
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError):
        raise NotOurModelError("is damaged, or no model that this workflow has written") from None


def _inspect(data: memoryview) -> About:
    model = _message(data, MODEL)
    operators = _message(_only(model["operators"]), OPERATORS)
    _require(_only(model["version"]) == VERSION and _only(operators["version"]) == OPSET)
    _require(not any(map(bytes, operators["domain"])))
    entries = [_message(entry, METADATA) for entry in model["metadata"]]
    about = About.of({_text(_only(e["key"])): _text(_only(e["value"])) for e in entries})
    if about.front_end != FRONT_END:
        raise NotOurModelError("is for another mel-spectrogram than this version of it computes")
    _check_names(about)
    network = about.architecture_of(N_BANDS)
    _check_sizes(network)
    graph = _message(_only(model["graph"]), GRAPH)
    _require([_layer(node) for node in graph["node"]] == layers(network))
    _require(_signature(_only(graph["input"])) == (INPUT, (network.frames, network.bands)))
    _require(_signature(_only(graph["output"])) == (OUTPUT, (network.n_classes,)))
    arrays = [_array(array) for array in graph["array"]]
    expected = {name: (FLOAT, shape) for name, shape in weight_shapes(network).items()}
    expected |= dict.fromkeys(SCALARS, (FLOAT, ())) | {CHANNEL_AXIS: (INT64, (1,))}
    _require(len(arrays) == len(expected) and dict(arrays) == expected)
    return about


def _check_names(about: About) -> None:
    names = (*about.classes, about.dataset, about.variant, about.architecture)
    _require(all(isinstance(name, str) and len(name) <= LONGEST_NAME for name in names))
    _require(1 < len(set(about.classes)) == len(about.classes) <= MOST_CLASSES)
    _require(isinstance(about.fold, int) and isinstance(about.accuracy, int | float))


def _check_sizes(network: Network) -> None:
    _require(type(network.frames) is int and 0 < network.frames <= MOST_FRAMES)
    _require(0 < len(network.trunks) <= MOST_TRUNKS)
    for trunk in network.trunks.values():
        sizes = (*trunk.filter, *trunk.pool, trunk.n_filters)
        _require(all(type(size) is int and size > 0 for size in sizes))
        _require(trunk.n_filters <= MOST_FILTERS)
    _require(network.n_activations() <= MOST_ACTIVATIONS)
    _require(type(network.hidden) is int and network.hidden >= 0)


def _layer(node: memoryview) -> Layer:
    parts = _message(node, NODE)
    attributes = {}
    for attribute in parts["attribute"]:
        told = _message(attribute, ATTRIBUTE)
        kind = _only(told["type"])
        _require(kind in (INTEGER, INTEGERS))
        value = _only(told["integer"]) if kind == INTEGER else tuple(told["integers"])
        attributes[_text(_only(told["name"]))] = value
    return Layer(
        _text(_only(parts["operator"])),
        tuple(map(_text, parts["input"])),
        _text(_only(parts["output"])),
        attributes,
    )


def _signature(value: memoryview) -> tuple[str, tuple[int, ...]]:
    """Name and shape of an input or output of any number of segments."""
    parts = _message(value, VALUE)
    tensor = _message(_only(_message(_only(parts["type"]), TYPE)["tensor"]), TENSOR)
    shape = _message(_only(tensor["shape"]), SHAPE)
    segments, *rest = (_message(dimension, DIMENSION) for dimension in shape["dimension"])
    _require(_only(tensor["element"]) == FLOAT and not segments["size"])
    return _text(_only(parts["name"])), tuple(_only(dimension["size"]) for dimension in rest)


def _array(array: memoryview) -> tuple[str, tuple[int, tuple[int, ...]]]:
    """Name, type and shape of an array, all of whose bytes are there."""
    parts = _message(array, ARRAY)
    kind, shape = _only(parts["type"]), tuple(parts["dimension"])
    _require(len(_only(parts["bytes"])) == ITEM_SIZE[kind] * math.prod(shape))
    return _text(_only(parts["name"])), (kind, shape)


def _message(data: memoryview, names: Mapping[int, str]) -> Message:
    """The values of each named field. Raises KeyError for another."""
    values: dict[str, list[Any]] = {name: [] for name in names.values()}
    for count, (number, value) in enumerate(fields(data)):
        _require(count < MOST_FIELDS)
        values[names[number]].append(value)
    return values


def _only(values: list[Any]) -> Any:
    """The one value. Raises ValueError where there are none or more."""
    (value,) = values
    return value


def _text(value: memoryview) -> str:
    return bytes(value).decode()


def _require(condition: bool) -> None:
    if not condition:
        raise ValueError
