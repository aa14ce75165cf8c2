"""Check the description of a network in a model file, before it is built."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from workflow_scripts.models import limits
from workflow_scripts.networks import layers

# As in config.schema.yaml.
VARIANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]{0,99}")
TRUNK = re.compile(r"(?!(hidden|output|back_end)$)[A-Za-z][A-Za-z0-9_]{0,99}")
KEYS = {"input_frames", "trunks", "hidden", "init", "back_end"}
SHORT_TRUNK = {"filter", "pool", "n_filters"}
# Blocks in blocks.
DEEPEST = 8


def check(network: Mapping[str, Any]) -> None:
    """Raise ValueError, KeyError or TypeError unless `network` has the form of the configuration.

    Types come first: a shape of thousands of numbers would take minutes to multiply.
    """
    # Nothing else, since it would be kept for each of hundreds of models.
    _require(network.keys() <= KEYS)
    init = network.get("init", {})
    _require(init.keys() <= network["trunks"].keys())
    _require(all(VARIANT.fullmatch(donor) for donor in init.values()))
    _require(_is_size(network["input_frames"]))
    _require(_is_size(network["hidden"], least=0))
    _require(0 < len(network["trunks"]) <= limits.MOST_TRUNKS)
    left = limits.MOST_LAYERS
    for name, trunk in network["trunks"].items():
        _require(TRUNK.fullmatch(name) is not None)
        if trunk.keys() == {"layers"}:
            left = _check_layers(trunk["layers"], left, DEEPEST)
        else:
            _require(trunk.keys() == SHORT_TRUNK)
            _require(_is_shape(trunk["filter"]) and _is_shape(trunk["pool"]))
            _require(_is_size(trunk["n_filters"]))
    if "back_end" in network:
        _require(not network["hidden"])
        _check_layers(network["back_end"], left, DEEPEST, least=0)


def _check_layers(listed: Any, left: int, depth: int, least: int = 1) -> int:
    """Check a list of layers of which at most `left` may be; return how many are left."""
    _require(isinstance(listed, list) and least <= len(listed) <= left and depth > 0)
    left -= len(listed)
    for layer in listed:
        _require(isinstance(layer, dict) and 0 < len(layer) <= 3)
        for key, value in layer.items():
            if key in (layers.ADD, layers.CONCATENATE):
                left = _check_layers(value, left, depth - 1)
            else:
                _require(VALUES[key](value))
    return left


def _is_size(number: Any, least: int = 1) -> bool:
    """Whether `number` is an integer that NumPy can multiply by others."""
    return type(number) is int and least <= number < 1 << 31


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, list | tuple) and len(shape) == 2 and all(map(_is_size, shape))


def _is_layer_shape(shape: Any) -> bool:
    """As `_is_shape`; a field may also be all."""
    known = isinstance(shape, list | tuple) and len(shape) == 2
    return known and all(field == layers.ALL or _is_size(field) for field in shape)


def _is_rate(number: Any) -> bool:
    return type(number) in (int, float) and math.isfinite(number) and 0 <= number < 1


def _are_kinds(kinds: Any) -> bool:
    known = isinstance(kinds, list | tuple) and 1 <= len(kinds) <= 2
    return known and set(kinds) <= {layers.MAX, layers.MEAN} and len(set(kinds)) == len(kinds)


# What each key of a layer may have.
VALUES: dict[str, Callable[[Any], bool]] = {
    "convolution": _is_layer_shape,
    "n_filters": _is_size,
    "padding": lambda padding: padding in (layers.VALID, layers.SAME, layers.TIME),
    "pool": _is_layer_shape,
    "mean_pool": _is_layer_shape,
    "batch_normalisation": lambda value: value is True,
    "dropout": _is_rate,
    "global_pool": _are_kinds,
    "dense": _is_size,
}


def _require(condition: bool) -> None:
    if not condition:
        raise ValueError
