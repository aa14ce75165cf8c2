"""Network architectures as data: shapes, parameter counts, initial weights (paper, section III).

A network has one or more trunks on the same input, each a convolution and a max-pool, an optional
hidden dense layer, and a softmax output layer. Dropout precedes every dense layer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Weights = dict[str, np.ndarray]
Shape = tuple[int, int]


@dataclass(frozen=True)
class Trunk:
    """A "valid" convolution with `n_filters` filters (m, n), a max-pool and a ReLU."""

    filter: Shape
    pool: Shape
    n_filters: int

    def convolved(self, bands: int, frames: int) -> Shape:
        """Height (bands) and width (frames) after the convolution."""
        return bands - self.filter[0] + 1, frames - self.filter[1] + 1

    def pooled(self, bands: int, frames: int) -> Shape:
        """Height and width after the max-pool, which drops an incomplete border."""
        height, width = self.convolved(bands, frames)
        return height // self.pool[0], width // self.pool[1]


@dataclass(frozen=True)
class Network:
    """A network with inputs of shape (bands, frames) and `n_classes` outputs.

    `hidden` is the number of units of the hidden dense layer, 0 for none.
    """

    trunks: Mapping[str, Trunk]
    bands: int
    frames: int
    hidden: int
    n_classes: int

    @classmethod
    def from_config(cls, variant: Mapping[str, Any], bands: int, n_classes: int) -> "Network":
        """The network of a variant, an entry under `variants` in config.yaml.

        Raises ValueError if the filter or the pool of a trunk is larger than its input.
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
                    f"the pool {trunk.pool} of trunk {name} is larger than the output of the "
                    f"convolution {trunk.convolved(bands, frames)}"
                )
        return cls(trunks, bands, frames, variant["hidden"], n_classes)

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each array by name. Filters are (filters, m, n), as in the paper.

        Dense layers are (units, inputs). The inputs after the trunks are ordered by trunk, filter,
        height and width.
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
        """The number of parameters, including biases (Table I, "# param.")."""
        return sum(int(np.prod(shape)) for shape in self.weight_shapes().values())

    def n_activations(self) -> int:
        """The number of values that the convolutions output for one segment."""
        sizes = (
            t.n_filters * np.prod(t.convolved(self.bands, self.frames))
            for t in self.trunks.values()
        )
        return int(sum(sizes))

    def initial_weights(self, rng: np.random.Generator) -> Weights:
        """Glorot-uniform weights, zero biases, float32.

        U(-a, a) with a = sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010, eq. 16). For a
        convolution with one input channel, fan_in = m n and fan_out = filters m n, as in Lasagne.
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
    """`weights` with the convolution of each trunk in `donors` replaced by a copy of the donor's.

    `donors` maps trunks to the weights of trained models. Raises ValueError if a donor has no such
    trunk or its shape differs.
    """
    result = dict(weights)
    for trunk, donor in donors.items():
        for name in (f"{trunk}.weight", f"{trunk}.bias"):
            if name not in donor or donor[name].shape != weights[name].shape:
                raise ValueError(f"the donor of trunk {trunk} has no {name} of the same shape")
            result[name] = donor[name].copy()
    return result
