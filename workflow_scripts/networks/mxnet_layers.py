"""The layers of the MXNet engine. The module requires only the networks as data, not MXNet.

Four optimisations make them several times faster on a CPU than standard layers, with the same
values:

- The axis of a pool is the last axis in memory.
- A long pool is split into several short ones.
- The ReLU, which commutes with the maximum, follows the pool, where there are fewer values.
- Convolutions with wide filters are products of spectra (`fourier`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from workflow_scripts.networks import layers
from workflow_scripts.networks.architecture import HIDDEN, OUTPUT, Trunk
from workflow_scripts.networks.fourier import Partition
from workflow_scripts.networks.layers import (
    BatchNormalisation,
    Block,
    Convolution,
    Dense,
    Dropout,
    GlobalPool,
    Placed,
    Pool,
    Shape,
    Size,
)
from workflow_scripts.networks.mxnet_fourier import WideConvolution

# The gradient of a longer pool is disproportionately slow (benchmarks/pools.py).
LONGEST_POOL = 20


class Forward:
    """One pass through the layers.

    `hidden_inputs` has the inputs of the hidden layer, if any, `statistics` the mean and the
    variance of the batch at each batch normalisation.
    """

    def __init__(
        self,
        operators: Any,
        arrays: Mapping[str, Any],
        dropout: float,
        partitions: Mapping[str, Partition],
        zeros: Any,
        training: bool,
    ) -> None:
        self._operators, self._arrays, self._partitions = operators, arrays, partitions
        self._dropout, self._zeros, self._training = dropout, zeros, training
        self.hidden_inputs: list[Any] = []
        self.statistics: list[Any] = []

    def trunk(self, trunk: Trunk, inputs: Any) -> Any:
        """(segments, bands, frames) -> (segments, channels, height, width)."""
        swapped = is_swapped(trunk)
        if swapped:
            inputs = self._operators.transpose(inputs, axes=(0, 2, 1))
        values = self.layers(trunk.layers, self._operators.expand_dims(inputs, axis=1), swapped)
        return self._operators.transpose(values, axes=(0, 1, 3, 2)) if swapped else values

    def layers(self, placed: Sequence[Placed], values: Any, swapped: bool = False) -> Any:
        """The output of layers; with `swapped`, frequency is the last axis."""
        for layer, pool in layers.with_pools(placed):
            values = self._layer(layer, pool, values, swapped)
        return values

    def output(self, values: Any, n_classes: int) -> Any:
        """The scores of the classes."""
        values = self._operators.Dropout(self._operators.flatten(values), p=self._dropout)
        return self._operators.FullyConnected(values, *self._own(OUTPUT), num_hidden=n_classes)

    def _layer(self, placed: Placed, pool: Pool | None, values: Any, swapped: bool) -> Any:
        operators, layer = self._operators, placed.layer
        match layer:
            case Convolution():
                values = self._convolution(placed, layer, values, swapped)
                if pool:
                    values = self._pool(values, pool, swapped)
                return operators.relu(values)
            case Pool():
                return self._pool(values, layer, swapped)
            case BatchNormalisation():
                return self._normalised(placed, values, swapped)
            case Dropout(rate=rate):
                return operators.Dropout(values, p=rate)
            case GlobalPool(kinds=kinds):
                return self._over_time(values, kinds, axis=2 if swapped else 3)
            case Dense(units=units):
                return self._dense(placed.name, units, values)
            case Block():
                return self._block(layer, values, swapped)

    def _convolution(self, placed: Placed, layer: Convolution, values: Any, swapped: bool) -> Any:
        if partition := self._partitions.get(placed.name):
            wide = WideConvolution(self._operators, placed, partition, self._arrays)
            return wide(values, swapped)
        below, above, before, after = layer.pads
        kernel, pads = layer.filter, ((below, above), (before, after))
        if swapped:
            kernel, pads = kernel[::-1], pads[::-1]
        if any(first != last for first, last in pads):
            width = (0, 0, 0, 0, *pads[0], *pads[1])
            values = self._operators.pad(values, mode="constant", pad_width=width)
            pads = ((0, 0), (0, 0))
        return self._operators.Convolution(
            values,
            *self._own(placed.name),
            kernel=kernel,
            pad=(pads[0][0], pads[1][0]),
            num_filter=layer.n_filters,
        )

    def _pool(self, values: Any, pool: Pool, swapped: bool) -> Any:
        shape = pool.shape[::-1] if swapped else pool.shape
        return in_stages(self._operators, values, shape, pool.kind)

    def _normalised(self, placed: Placed, values: Any, swapped: bool) -> Any:
        operators, name = self._operators, placed.name
        scale, offset = (self._arrays[f"{name}.{kind}"] for kind in ("scale", "offset"))
        if not self._training:
            running = (self._arrays[f"{name}.{kind}"] for kind in ("mean", "variance"))
            return operators.BatchNorm(
                values,
                *(scale, offset, *running),
                fix_gamma=False,
                use_global_stats=True,
                eps=layers.EPSILON,
            )
        # MXNet's BatchNorm adds up the values of a channel one by one in float32: for 100 000
        # values, the result is off by 1 %.
        channels, height, width = placed.input
        size = (channels, width, height) if swapped else (channels, height, width)
        images = operators.reshape(values, shape=(-1, *size))
        mean = self._mean(images, size)
        centred = self._scaled(images, operators.ones_like(scale), -mean, channels)
        variance = self._mean(operators.square(centred), size)
        self.statistics += [mean, variance]
        factor = scale * operators.rsqrt(variance + layers.EPSILON)
        normalised = self._scaled(centred, factor, offset, channels)
        return operators.reshape_like(normalised, values)

    def _mean(self, images: Any, size: Size) -> Any:
        """The mean of each channel, (channels,), summed over one axis after the other."""
        operators, (channels, height, width) = self._operators, size
        sums = images
        for length in (width, height):
            rows = operators.reshape(sums, shape=(-1, length))
            ones = operators.ones(shape=(1, length))
            sums = operators.FullyConnected(rows, ones, no_bias=True, num_hidden=1)
        of_images = operators.reshape(sums, shape=(-1, channels))
        return operators.mean(of_images, axis=0) * (1 / (height * width))

    def _scaled(self, images: Any, factor: Any, offset: Any, channels: int) -> Any:
        """A factor and an offset for each channel: much faster as a convolution."""
        kernel = self._operators.reshape(factor, shape=(-1, 1, 1, 1))
        return self._operators.Convolution(
            *(images, kernel, offset), kernel=(1, 1), num_filter=channels, num_group=channels
        )

    def _over_time(self, values: Any, kinds: Sequence[str], axis: int) -> Any:
        over = {layers.MAX: self._operators.max, layers.MEAN: self._operators.mean}
        pooled = [over[kind](values, axis=axis, keepdims=True) for kind in kinds]
        return self._operators.concat(*pooled, dim=1) if len(pooled) > 1 else pooled[0]

    def _dense(self, name: str, units: int, values: Any) -> Any:
        operators = self._operators
        values = operators.Dropout(operators.flatten(values), p=self._dropout)
        if name != HIDDEN:
            return operators.relu(
                operators.FullyConnected(values, *self._own(name), num_hidden=units)
            )
        self.hidden_inputs.append(values)
        weight, bias = self._own(name)
        # Without a gradient for its weights, FullyConnected computes none for its bias.
        values = operators.FullyConnected(values, weight, no_bias=True, num_hidden=units)
        return operators.relu(operators.broadcast_add(values, bias.expand_dims(0)) + self._zeros)

    def _block(self, block: Block, values: Any, swapped: bool) -> Any:
        if layers.has_dense(block):
            values = self._operators.flatten(values)
        inner = self.layers(block.layers, values, swapped)
        if block.kind == layers.ADD:
            return values + inner
        return self._operators.concat(values, inner, dim=1)

    def _own(self, name: str) -> tuple[Any, Any]:
        return self._arrays[f"{name}.weight"], self._arrays[f"{name}.bias"]


def in_stages(operators: Any, values: Any, pool: Shape, kind: str) -> Any:
    """A pool of (segments, channels, height, width), by `stages`."""
    pool_type = {layers.MAX: "max", layers.MEAN: "avg"}[kind]
    for stage in stages(pool):
        values = operators.Pooling(values, kernel=stage, stride=stage, pool_type=pool_type)
    return values


def stages(pool: Shape) -> list[Shape]:
    """Smaller pools that, applied in turn, equal `pool`; only pools (1, n) are split."""
    if pool[0] != 1 or pool[1] <= LONGEST_POOL:
        return [pool]
    first = max(d for d in range(1, LONGEST_POOL + 1) if pool[1] % d == 0)
    if first == 1:
        return [pool]
    return [(1, first), *stages((1, pool[1] // first))]


def is_swapped(trunk: Trunk) -> bool:
    """Whether frequency is the last axis of a trunk in the graph: all its pools are along it."""
    pools = [p.layer.shape for p in layers.flattened(trunk.layers) if isinstance(p.layer, Pool)]
    return all(n == 1 for _, n in pools) and any(m > 1 for m, _ in pools)
