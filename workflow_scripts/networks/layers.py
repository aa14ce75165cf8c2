"""Layers of networks as data: what a configuration lists, and the shapes that come out.

A ReLU follows each convolution and each dense layer. Dropout precedes each dense layer.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

Shape = tuple[int, int]
# Channels, height (mel bands) and width (frames); a dense layer has its units as channels.
Size = tuple[int, int, int]

ALL = "all"
VALID, SAME, TIME = "valid", "same", "time"
MAX, MEAN = "max", "mean"
ADD, CONCATENATE = "add", "concatenate"
# Of batch normalisation: added to the variance, and the share of the running statistics that a
# step keeps.
EPSILON, MOMENTUM = 1e-3, 0.9
# The key of a layer's description that says which layer it is.
KINDS = (
    "convolution",
    "pool",
    "mean_pool",
    "batch_normalisation",
    "dropout",
    "global_pool",
    "dense",
    ADD,
    CONCATENATE,
)
# Layers that need a height and a width.
SPATIAL = ("convolution", "pool", "mean_pool", "global_pool")
# The only further keys that a layer has.
OPTIONS = {"convolution": {"n_filters", "padding"}}


@dataclass(frozen=True)
class Convolution:
    """`n_filters` filters (m, n) over all channels, with stride 1, and a ReLU.

    `padding` with zeros: VALID none; SAME as much as keeps height and width; TIME, the width.
    """

    filter: Shape
    n_filters: int
    padding: str = VALID

    @property
    def pads(self) -> tuple[int, int, int, int]:
        """Zeros below and above in frequency, before and after in time.

        Of an odd number of zeros, the larger half comes last, as in TensorFlow.
        """
        m, n = (size - 1 for size in self.filter)
        m = m if self.padding == SAME else 0
        n = n if self.padding in (SAME, TIME) else 0
        return m // 2, m - m // 2, n // 2, n - n // 2


@dataclass(frozen=True)
class Pool:
    """The maximum or the mean (`kind`) of each field (m, n); an incomplete border is dropped."""

    shape: Shape
    kind: str = MAX


@dataclass(frozen=True)
class BatchNormalisation:
    """Zero mean and unit variance of each channel over a batch, then a scale and an offset.

    Ioffe & Szegedy 2015. Predictions use running statistics: in each step of a training, they are
    MOMENTUM times the old plus 1 - MOMENTUM times those of the batch (variance with ddof 0).
    """


@dataclass(frozen=True)
class Dropout:
    """Sets values to zero with probability `rate` in training, and scales the others."""

    rate: float


@dataclass(frozen=True)
class GlobalPool:
    """The maximum or the mean over time of each channel and band; one set of channels per kind."""

    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Dense:
    """A dense layer of `units` and a ReLU. Its inputs are ordered by channel, height and width."""

    units: int


@dataclass(frozen=True)
class Block:
    """Layers around which their input is passed, and then added or put before their output."""

    kind: str
    layers: "tuple[Placed, ...]"


Layer = Convolution | Pool | BatchNormalisation | Dropout | GlobalPool | Dense | Block


@dataclass(frozen=True)
class Placed:
    """A layer in its place: the name of its arrays, and the sizes of its input and output."""

    name: str
    layer: Layer
    input: Size
    output: Size


def parameters(placed: Placed) -> dict[str, tuple[int, ...]]:
    """The shapes of the arrays that gradient descent changes, by name.

    Filters are (filters, m, n) on the spectrogram, as in the paper, and (filters, channels, m, n)
    after it; dense layers are (units, inputs).
    """
    name, channels = placed.name, placed.input[0]
    match placed.layer:
        case Convolution(filter=shape, n_filters=n_filters):
            on_input = "." not in name
            weight = (n_filters, *shape) if on_input else (n_filters, channels, *shape)
            return {f"{name}.weight": weight, f"{name}.bias": (n_filters,)}
        case Dense(units=units):
            return {f"{name}.weight": (units, prod(placed.input)), f"{name}.bias": (units,)}
        case BatchNormalisation():
            return {f"{name}.scale": (channels,), f"{name}.offset": (channels,)}
        case _:
            return {}


def statistics(placed: Placed) -> dict[str, tuple[int, ...]]:
    """The shapes of the running statistics, by name."""
    if not isinstance(placed.layer, BatchNormalisation):
        return {}
    shape = (placed.input[0],)
    return {f"{placed.name}.mean": shape, f"{placed.name}.variance": shape}


def multiplications(placed: Placed) -> int:
    """The multiplications of a convolution or a dense layer for one segment; 0 for others."""
    match placed.layer:
        case Convolution(filter=(m, n)):
            return prod(placed.output) * placed.input[0] * m * n
        case Dense(units=units):
            return prod(placed.input) * units
        case _:
            return 0


def flattened(layers: Sequence[Placed]) -> Iterator[Placed]:
    """All layers in order; those of a block take its place."""
    for placed in layers:
        if isinstance(placed.layer, Block):
            yield from flattened(placed.layer.layers)
        else:
            yield placed


def with_pools(layers: Sequence[Placed]) -> Iterator[tuple[Placed, Pool | None]]:
    """Each layer; a convolution together with the max-pool that follows it directly.

    The ReLU commutes with the maximum, and there are fewer values after the pool.
    """
    position = 0
    while position < len(layers):
        placed, pool = layers[position], None
        position += 1
        if isinstance(placed.layer, Convolution) and position < len(layers):
            following = layers[position].layer
            if isinstance(following, Pool) and following.kind == MAX:
                pool = following
                position += 1
        yield placed, pool


def kinds(descriptions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The kind of each layer in a list of the configuration; those of a block follow it."""
    for description in descriptions:
        for kind in KINDS:
            if kind in description:
                yield kind
                if kind in (ADD, CONCATENATE):
                    yield from kinds(description[kind])


def has_dense(block: Block) -> bool:
    """Whether a dense layer is in the block, so that its input has no height and width."""
    return any(isinstance(placed.layer, Dense) for placed in flattened(block.layers))


def place(
    descriptions: Sequence[Mapping[str, Any]], size: Size, name: str, where: str
) -> tuple[Placed, ...]:
    """The layers that `descriptions`, a list of the configuration, put on an input of `size`.

    Layer number k is called `name`.k. `where` says in messages where a layer is; in it, {} is k.

    Raises ValueError if a layer does not fit.
    """
    layers: list[Placed] = []
    for number, description in enumerate(descriptions, 1):
        here, own = where.format(number), f"{name}.{number}"
        layer = _layer(description, size, own, here)
        output = _output(layer, size, here)
        layers.append(Placed(own, layer, size, output))
        size = output
    return tuple(layers)


def _layer(description: Mapping[str, Any], size: Size, name: str, here: str) -> Layer:
    kind = _kind(description, here)
    value = description[kind]
    match kind:
        case "convolution":
            if "n_filters" not in description:
                raise ValueError(f"{here} lacks n_filters, its number of filters")
            padding = description.get("padding", VALID)
            return Convolution(_whole(value, size), description["n_filters"], padding)
        case "pool":
            return Pool(_whole(value, size))
        case "mean_pool":
            return Pool(_whole(value, size), MEAN)
        case "batch_normalisation":
            return BatchNormalisation()
        case "dropout":
            return Dropout(value)
        case "global_pool":
            return GlobalPool(tuple(value))
        case "dense":
            return Dense(value)
        case _:
            inner = place(value, _block_input(value, size), name, f"layer {{}} of {kind} in {here}")
            return Block(kind, inner)


def _kind(description: Mapping[str, Any], here: str) -> str:
    found = [key for key in description if key in KINDS]
    if len(found) != 1:
        shown = " and ".join(found) if found else "none"
        raise ValueError(f"{here} must have exactly one of {', '.join(KINDS)}; it has {shown}")
    (kind,) = found
    if other := description.keys() - {kind} - OPTIONS.get(kind, set()):
        raise ValueError(f"{here} has {sorted(other)[0]}, which {kind} does not take")
    return kind


def _whole(shape: Sequence[int | str], size: Size) -> Shape:
    """A shape in which ALL is as high or wide as the layer's input."""
    m, n = (own if field == ALL else field for own, field in zip(size[1:], shape, strict=True))
    return int(m), int(n)


def _output(layer: Layer, size: Size, here: str) -> Size:
    channels, height, width = size
    match layer:
        case Convolution(filter=(m, n), n_filters=n_filters):
            below, above, before, after = layer.pads
            output = height + below + above - m + 1, width + before + after - n + 1
            if min(output) < 1:
                raise ValueError(
                    f"the filter {layer.filter} of {here} is larger than its input "
                    f"{(height, width)}"
                )
            return n_filters, *output
        case Pool(shape=(m, n)):
            if m > height or n > width:
                raise ValueError(
                    f"the pool {layer.shape} of {here} is larger than its input {(height, width)}"
                )
            return channels, height // m, width // n
        case GlobalPool(kinds=kinds):
            return channels * len(kinds), height, 1
        case Dense(units=units):
            return units, 1, 1
        case Block():
            return _output_of_block(layer, here)
        case _:
            return size


def _block_input(descriptions: Sequence[Mapping[str, Any]], size: Size) -> Size:
    """The size of a block's input, which is flattened if a dense layer is in the block."""
    return (prod(size), 1, 1) if "dense" in kinds(descriptions) else size


def _output_of_block(block: Block, here: str) -> Size:
    size, output = block.layers[0].input, block.layers[-1].output
    if block.kind == ADD and output != size:
        raise ValueError(
            f"{here} adds {_shown(size)} to {_shown(output)}; its layers must keep the size"
        )
    if output[1:] != size[1:]:
        raise ValueError(
            f"{here} cannot put {_shown(size)} before {_shown(output)}; its layers must keep the "
            "height and the width"
        )
    return output if block.kind == ADD else (size[0] + output[0], *size[1:])


def _shown(size: Size) -> str:
    channels, height, width = size
    return f"{channels} channels of {(height, width)}"
