"""The networks as data: shapes, parameter counts, initial weights (paper, section III).

Every network of the paper is one or more trunks on the same input, each a convolution and a
max-pool; then, in some, a hidden dense layer; then the softmax. Dropout stands before every
dense layer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Weights = dict[str, np.ndarray]
Shape = tuple[int, int]


@dataclass(frozen=True)
class Trunk:
    """Convolution ("valid") with `n_filters` filters (m, n), max-pool, ReLU."""

    filter: Shape
    pool: Shape
    n_filters: int

    def convolved(self, bands: int, frames: int) -> Shape:
        """Height and width after the convolution."""
        return bands - self.filter[0] + 1, frames - self.filter[1] + 1

    def pooled(self, bands: int, frames: int) -> Shape:
        """Height and width after the pool, which drops an incomplete border."""
        height, width = self.convolved(bands, frames)
        return height // self.pool[0], width // self.pool[1]


@dataclass(frozen=True)
class Network:
    """One network for inputs of (bands, frames), with `n_classes` outputs.

    `hidden` is the number of units of the hidden dense layer, 0 for none.
    """

    trunks: Mapping[str, Trunk]
    bands: int
    frames: int
    hidden: int
    n_classes: int

    @classmethod
    def from_config(cls, variant: Mapping[str, Any], bands: int, n_classes: int) -> "Network":
        """The network that a variant of config.yaml describes.

        Raises ValueError, naming the trunk, where a filter or a pool does not fit its input.
        """
        frames = variant["input_frames"]
        trunks = {
            name: Trunk(tuple(trunk["filter"]), tuple(trunk["pool"]), trunk["n_filters"])
            for name, trunk in variant["trunks"].items()
        }
        for name, trunk in trunks.items():
            if trunk.filter[0] > bands or trunk.filter[1] > frames:
                raise ValueError(
                    f"the filter {trunk.filter} of trunk {name} is larger than the input "
                    f"({bands}, {frames})"
                )
            if 0 in trunk.pooled(bands, frames):
                raise ValueError(
                    f"the pool {trunk.pool} of trunk {name} leaves nothing of the "
                    f"{trunk.convolved(bands, frames)} that the convolution gives"
                )
        return cls(trunks, bands, frames, variant["hidden"], n_classes)

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each array by name, in the paper's orientation: filters are (filters, m, n).

        Dense layers are (units, inputs); the inputs run over trunks, filters, height, width.
        """
        shapes: dict[str, tuple[int, ...]] = {}
        inputs = 0
        for name, trunk in self.trunks.items():
            shapes[f"{name}.weight"] = (trunk.n_filters, *trunk.filter)
            shapes[f"{name}.bias"] = (trunk.n_filters,)
            inputs += trunk.n_filters * int(np.prod(trunk.pooled(self.bands, self.frames)))
        if self.hidden:
            shapes["hidden.weight"] = (self.hidden, inputs)
            shapes["hidden.bias"] = (self.hidden,)
            inputs = self.hidden
        shapes["output.weight"] = (self.n_classes, inputs)
        shapes["output.bias"] = (self.n_classes,)
        return shapes

    def n_parameters(self) -> int:
        """Trained numbers, biases included (Table I, "# param.")."""
        return sum(int(np.prod(shape)) for shape in self.weight_shapes().values())

    def n_activations(self) -> int:
        """Values that the convolutions give for one segment."""
        maps = (
            t.n_filters * np.prod(t.convolved(self.bands, self.frames))
            for t in self.trunks.values()
        )
        return int(sum(maps))

    def initial_weights(self, rng: np.random.Generator) -> Weights:
        """Glorot-uniform weights, zero biases, float32.

        Glorot & Bengio (2010), eq. 16: U(-a, a), a = sqrt(6 / (fan_in + fan_out)); for a
        convolution from one channel fan_in is m n and fan_out filters x m n, as in Lasagne.
        """
        weights = {}
        for name, shape in self.weight_shapes().items():
            if name.endswith(".bias"):
                weights[name] = np.zeros(shape, np.float32)
                continue
            field = int(np.prod(shape[1:])) if len(shape) == 3 else 1
            fan_out, fan_in = (shape[0] * field, field) if len(shape) == 3 else shape
            limit = np.sqrt(6 / (fan_in + fan_out))
            weights[name] = rng.uniform(-limit, limit, shape).astype(np.float32)
        return weights


def donated(weights: Weights, donors: Mapping[str, Weights]) -> Weights:
    """`weights` with the convolution of each trunk in `donors` copied from that trained model.

    Raises ValueError where a donor has no such trunk or one of another shape.
    """
    started = dict(weights)
    for trunk, donor in donors.items():
        for name in (f"{trunk}.weight", f"{trunk}.bias"):
            if name not in donor or donor[name].shape != weights[name].shape:
                raise ValueError(f"the donor of trunk {trunk} has no {name} of the same shape")
            started[name] = donor[name].copy()
    return started
