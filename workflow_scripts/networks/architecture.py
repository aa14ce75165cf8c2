"""Network architectures as data: shapes, parameter counts, initial weights (paper, section III).

A network has one or more trunks on the same input, each a list of layers that starts with a
convolution; a back end, a list of layers on the joined outputs of the trunks; and a softmax output
layer. The paper's networks have one convolution and one max-pool in a trunk, and at most one dense
layer in the back end.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from workflow_scripts.networks import layers
from workflow_scripts.networks.layers import Convolution, Dense, Placed, Shape, Size

Weights = dict[str, np.ndarray]
# The first dense layer of the back end, and the output layer.
HIDDEN, OUTPUT = "hidden", "output"
BACK_END = "back_end"
# The engines do not store the gradient of this array, millions of values in a black-box: its two
# factors update the weights in one matrix product.
FACTORED = f"{HIDDEN}.weight"


@dataclass(frozen=True)
class Trunk:
    """A branch of a network: layers, of which the first is a convolution on the spectrogram."""

    layers: tuple[Placed, ...]

    @property
    def first(self) -> Convolution:
        """The convolution on the spectrogram."""
        layer = self.layers[0].layer
        assert isinstance(layer, Convolution)
        return layer

    @property
    def filter(self) -> Shape:
        """The shape (m, n) of the filters on the spectrogram."""
        return self.first.filter

    @property
    def n_filters(self) -> int:
        """The number of filters on the spectrogram."""
        return self.first.n_filters

    @property
    def pool(self) -> Shape:
        """The shape of the max-pool right after the first convolution; (1, 1) without one."""
        _, pool = next(layers.with_pools(self.layers))
        return pool.shape if pool else (1, 1)

    @property
    def convolved(self) -> Shape:
        """Height (bands) and width (frames) after the first convolution."""
        return self.layers[0].output[1:]

    @property
    def pooled(self) -> Shape:
        """Height and width after `pool`, which drops an incomplete border."""
        (height, width), (m, n) = self.convolved, self.pool
        return height // m, width // n

    @property
    def rest(self) -> tuple[Placed, ...]:
        """The layers after the first convolution and its max-pool."""
        _, pool = next(layers.with_pools(self.layers))
        return self.layers[2 if pool else 1 :]

    @property
    def output(self) -> Size:
        """Channels, height and width after all layers."""
        return self.layers[-1].output


@dataclass(frozen=True)
class Network:
    """A network with inputs of shape (bands, frames) and `n_classes` outputs."""

    trunks: Mapping[str, Trunk]
    back_end: tuple[Placed, ...]
    bands: int
    frames: int
    n_classes: int

    @classmethod
    def from_config(cls, variant: Mapping[str, Any], bands: int, n_classes: int) -> "Network":
        """The network of a variant, an entry under `variants` in config.yaml.

        A trunk is a list of `layers`, or has a filter, a pool and a number of filters; the back end
        is a list `back_end`, or one dense layer of `hidden` units, if any.

        Raises ValueError if layers do not fit together.
        """
        frames = variant["input_frames"]
        trunks = {
            name: _trunk(name, description, (1, bands, frames))
            for name, description in variant["trunks"].items()
        }
        back_end = _back_end(variant, _joined([trunk.output for trunk in trunks.values()]), trunks)
        return cls(trunks, back_end, bands, frames, n_classes)

    @cached_property
    def joined(self) -> Size:
        """The size of the trunks' outputs together, the input of the back end.

        Outputs of the same height and width are joined along the channels, others are flattened.
        """
        return _joined([trunk.output for trunk in self.trunks.values()])

    @property
    def flattens_trunks(self) -> bool:
        """Whether the trunks' outputs differ in height or width and are flattened, see `joined`."""
        return len({trunk.output[1:] for trunk in self.trunks.values()}) > 1

    @property
    def hidden(self) -> int:
        """The units of the dense layer HIDDEN; 0 if there is none."""
        units = (
            p.layer.units for p in self.back_end if p.name == HIDDEN and isinstance(p.layer, Dense)
        )
        return next(units, 0)

    @property
    def n_outputs(self) -> int:
        """The inputs of the output layer."""
        return prod(self.back_end[-1].output if self.back_end else self.joined)

    def all_layers(self) -> Iterator[Placed]:
        """All layers but the output layer: trunk by trunk, then the back end."""
        for trunk in self.trunks.values():
            yield from layers.flattened(trunk.layers)
        yield from layers.flattened(self.back_end)

    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each array that gradient descent changes, by name, see `layers.parameters`.

        Without a convolution in the back end, the inputs of its first dense layer are ordered by
        trunk, filter, height and width.
        """
        shapes: dict[str, tuple[int, ...]] = {}
        for placed in self.all_layers():
            shapes |= layers.parameters(placed)
        shapes[f"{OUTPUT}.weight"] = (self.n_classes, self.n_outputs)
        shapes[f"{OUTPUT}.bias"] = (self.n_classes,)
        return shapes

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """`parameter_shapes`, and the shapes of the running statistics of batch normalisation."""
        shapes = self.parameter_shapes()
        for placed in self.all_layers():
            shapes |= layers.statistics(placed)
        return shapes

    def trunk_shapes(self, name: str) -> dict[str, tuple[int, ...]]:
        """The part of `weight_shapes` of one trunk."""
        shapes: dict[str, tuple[int, ...]] = {}
        for placed in layers.flattened(self.trunks[name].layers):
            shapes |= layers.parameters(placed) | layers.statistics(placed)
        return shapes

    def n_parameters(self) -> int:
        """The number of parameters, including biases (Table I, "# param.").

        As in the literature, running statistics do not count.
        """
        return sum(prod(shape) for shape in self.parameter_shapes().values())

    def n_activations(self) -> int:
        """The number of values that the convolutions output for one segment."""
        return sum(prod(p.output) for p in self.all_layers() if isinstance(p.layer, Convolution))

    def normalises_batches(self) -> bool:
        """Whether there is a batch normalisation, which needs batches of several segments."""
        return any(isinstance(p.layer, layers.BatchNormalisation) for p in self.all_layers())

    def initial_weights(self, rng: np.random.Generator) -> Weights:
        """Glorot-uniform weights, zero biases, float32.

        U(-a, a) with a = sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010, eq. 16). For a
        convolution on c channels, fan_in = c m n and fan_out = filters m n, as in Lasagne. Batch
        normalisation starts as the identity.
        """
        weights = {}
        for name, shape in self.weight_shapes().items():
            if name.endswith((".scale", ".variance")):
                weights[name] = np.ones(shape, np.float32)
            elif name.endswith((".bias", ".offset", ".mean")):
                weights[name] = np.zeros(shape, np.float32)
            else:
                fan_in, fan_out = _fans(shape)
                limit = np.sqrt(6 / (fan_in + fan_out))
                weights[name] = rng.uniform(-limit, limit, shape).astype(np.float32)
        return weights


def _trunk(name: str, description: Mapping[str, Any], size: Size) -> Trunk:
    if "layers" in description:
        if "convolution" not in description["layers"][0]:
            raise ValueError(f"layer 1 of trunk {name} must be a convolution")
        if "dense" in layers.kinds(description["layers"]):
            raise ValueError(f"trunk {name} has a dense layer, which belongs in {BACK_END}")
        listed, where = description["layers"], f"layer {{}} of trunk {name}"
    else:
        convolution = {"convolution": description["filter"], "n_filters": description["n_filters"]}
        listed, where = [convolution, {"pool": description["pool"]}], f"trunk {name}"
    first, *others = layers.place(listed, size, name, where)
    return Trunk((replace(first, name=name), *others))


def _joined(outputs: Sequence[Size]) -> Size:
    sizes = {output[1:] for output in outputs}
    if len(sizes) > 1:
        return sum(map(prod, outputs)), 1, 1
    return sum(channels for channels, _, _ in outputs), *sizes.pop()


def _back_end(
    variant: Mapping[str, Any], size: Size, trunks: Mapping[str, Trunk]
) -> tuple[Placed, ...]:
    listed = variant.get(BACK_END)
    if listed is None:
        listed = [{"dense": variant["hidden"]}] if variant["hidden"] else []
    kinds = list(layers.kinds(listed))
    spatial = [number for number, kind in enumerate(kinds) if kind in layers.SPATIAL]
    outputs = {name: trunk.output[1:] for name, trunk in trunks.items()}
    if spatial and len(set(outputs.values())) > 1:
        shown = ", ".join(f"{name} {output}" for name, output in outputs.items())
        raise ValueError(
            f"the outputs of the trunks cannot be joined for {BACK_END} ({kinds[spatial[0]]}): "
            f"their heights and widths differ ({shown})"
        )
    if spatial and "dense" in kinds[: spatial[-1]]:
        raise ValueError(f"{BACK_END} has a {kinds[spatial[-1]]} after a dense layer")
    placed = layers.place(listed, size, BACK_END, f"layer {{}} of {BACK_END}")
    first = next((p for p in placed if isinstance(p.layer, Dense)), None)
    return tuple(replace(p, name=HIDDEN) if p is first else p for p in placed)


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """fan_in and fan_out of the weights of a convolution or a dense layer."""
    if len(shape) == 2:
        return shape[1], shape[0]
    channels, field = prod(shape[1:-2]), prod(shape[-2:])
    return channels * field, shape[0] * field


def donated(weights: Weights, donors: Mapping[str, Weights]) -> Weights:
    """`weights` with the arrays of each trunk in `donors` replaced by copies of the donor's.

    `donors` maps trunks to the weights of trained models. Raises ValueError if a donor has no such
    trunk or its shape differs.
    """
    result = dict(weights)
    for trunk, donor in donors.items():
        for name in [name for name in weights if name.split(".")[0] == trunk]:
            if name not in donor or donor[name].shape != weights[name].shape:
                raise ValueError(f"the donor of trunk {trunk} has no {name} of the same shape")
            result[name] = donor[name].copy()
    return result
