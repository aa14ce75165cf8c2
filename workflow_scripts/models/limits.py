"""The limits of model files: what is larger is refused before it costs time or memory.

Each limit is several times what the paper's networks need. A network of the configuration is
checked before it is trained (`workflow.configuration_checks`), the number of its classes when the
tracks are listed (`limited_classes`), a file when it is read.
"""

from bisect import bisect
from collections.abc import Mapping
from functools import partial
from typing import Any

from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.dataset.class_names import MOST_CLASSES
from workflow_scripts.networks import layers
from workflow_scripts.networks.architecture import Network

# Bytes. The paper's twelve networks, each of ten folds, take 0.3 GB; ten folds of twelve networks
# of the largest kind 1.2 GB. At 4 GiB, zip files need other records.
LARGEST_PACKAGE = (1 << 32) - 1
LARGEST_MODEL = 1 << 28
LARGEST_MANIFEST = 1 << 20
# All metadata of one model. The class names take most of it (`class_names.LONGEST_NAMES`).
LARGEST_METADATA = 1 << 18
# Twelve networks of ten folds are 120 models.
MOST_MODELS = 512
# Entries of the metadata; this version writes 17.
MOST_TEXTS = 32
# Fields of one message of an ONNX file. A file with MOST_LAYERS layers has fewer than 400.
MOST_FIELDS = 1000
# Bytes of the name of an array: that of a trunk and ".weight".
LONGEST_ARRAY_NAME = 120
# As in config.schema.yaml.
MOST_FRAMES, MOST_FILTERS, MOST_HIDDEN = 100_000, 4096, 100_000
MOST_TRUNKS, MOST_LAYERS = 16, 64
# Twenty times those of the paper's largest network. As float32 they take less than LARGEST_MODEL.
MOST_PARAMETERS = 66_000_000
# Of all models together, which each process of the labeller holds: 1.6 GB. Ten folds of twelve
# networks like the paper's largest have 393 million.
MOST_PARAMETERS_TOGETHER = 400_000_000
# Values that a layer has for one segment; the paper's networks have at most 68 000. They take a
# quarter of a gigabyte.
MOST_VALUES = 1 << 26
# Probabilities per second of audio, which are kept for the whole track: of one network, and of all
# variants together. With the paper's front end, a network of single frames can have 300 classes.
MOST_PROBABILITIES, MOST_PROBABILITIES_TOGETHER = 12_920, 43_070
# Operations per second of audio (`operations`), of all models together: 120 models of the paper's
# slowest network need a quarter, ten of musicnn more than half. One core of a current server
# computes them in a fifth of a second.
MOST_OPERATIONS = 8_620_000_000
# Operations that cost as much as storing and pooling one value.
OPERATIONS_PER_VALUE = 16


class TooLargeError(Exception):
    """A network exceeds a limit. The text says which, `remedy` what to do about it."""

    def __init__(self, text: str, remedy: str) -> None:
        super().__init__(text)
        self.remedy = remedy


def check(network: Network, frame_rate: float) -> None:
    """Raise TooLargeError unless `network` is within the limits for so many frames per second."""
    _at_most(len(network.trunks), MOST_TRUNKS, "trunks")
    _at_most(network.frames, MOST_FRAMES, "input frames")
    placed = list(network.all_layers())
    _at_most(len(placed), MOST_LAYERS, "layers")
    for part in placed:
        if isinstance(part.layer, layers.Convolution):
            _at_most(part.layer.n_filters, MOST_FILTERS, f"filters in {part.name}")
        elif isinstance(part.layer, layers.Dense):
            _at_most(part.layer.units, MOST_HIDDEN, f"units in {part.name}")
    _at_most(network.n_classes, MOST_CLASSES, "classes")
    _at_most(network.n_parameters(), MOST_PARAMETERS, "parameters")
    _at_most(network.n_activations(), MOST_VALUES, "outputs of its convolutions")
    longer = "choose longer input_frames"
    most = MOST_PROBABILITIES
    _at_most(probabilities(network, frame_rate), most, "probabilities per second of audio", longer)
    check_operations(operations(network, frame_rate))


def limited_classes(
    variants: Mapping[str, Mapping[str, Any]], front_end: FrontEnd
) -> dict[str, tuple[int, str]]:
    """The most classes of each variant that cannot have MOST_CLASSES, and what raises the number.

    `variants` are as in config.yaml. More classes could be trained, but neither exported nor used.
    """
    limited = {}
    for name, variant in variants.items():
        if reason := _excess(variant, front_end, MOST_CLASSES):
            # The first number that is refused; smaller networks are within the limits.
            is_refused = partial(_is_refused, variant, front_end)
            refused = bisect(range(MOST_CLASSES), False, key=is_refused)
            limited[name] = (refused - 1, reason.remedy)
    return limited


def _is_refused(variant: Mapping[str, Any], front_end: FrontEnd, n_classes: int) -> bool:
    return _excess(variant, front_end, n_classes) is not None


def _excess(
    variant: Mapping[str, Any], front_end: FrontEnd, n_classes: int
) -> TooLargeError | None:
    """Why a variant cannot have so many classes; None if it can."""
    try:
        network = Network.from_config(variant, front_end.n_bands, n_classes)
        check(network, front_end.frame_rate)
    except TooLargeError as reason:
        return reason
    return None


def check_operations(per_second: float) -> None:
    """Raise TooLargeError if models need more than MOST_OPERATIONS `operations` together."""
    _at_most(per_second, MOST_OPERATIONS, "operations per second of audio")


def check_parameters(n_parameters: int) -> None:
    """Raise TooLargeError if models have more than MOST_PARAMETERS_TOGETHER together."""
    _at_most(n_parameters, MOST_PARAMETERS_TOGETHER, "parameters")


def check_probabilities(per_second: float) -> None:
    """Raise TooLargeError if variants have more than MOST_PROBABILITIES_TOGETHER together."""
    _at_most(per_second, MOST_PROBABILITIES_TOGETHER, "probabilities per second of audio")


def probabilities(network: Network, frame_rate: float) -> float:
    """The number of probabilities per second of audio."""
    return network.n_classes * frame_rate / network.frames


def operations(network: Network, frame_rate: float) -> float:
    """Multiplications per second of audio, and OPERATIONS_PER_VALUE for each value of a layer."""
    n_operations = OPERATIONS_PER_VALUE * network.n_activations()
    n_operations += sum(
        layers.multiplications(placed)
        for placed in network.all_layers()
        if isinstance(placed.layer, layers.Convolution)
    )
    # Each parameter of a dense layer takes part in one multiplication per segment.
    return (n_operations + network.n_parameters()) * frame_rate / network.frames


def _at_most(number: float, most: int, what: str, remedy: str = "make it smaller") -> None:
    if number > most:
        text = f"it has {number:,.0f} {what}, at most {most:,} are supported"
        raise TooLargeError(text, remedy)
