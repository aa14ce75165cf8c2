"""The layers of the PyTorch engine. The module requires only PyTorch and the networks as data."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch.nn import functional

from workflow_scripts.networks import fourier, layers
from workflow_scripts.networks.architecture import HIDDEN, OUTPUT, Network
from workflow_scripts.networks.layers import (
    BatchNormalisation,
    Block,
    Convolution,
    Dense,
    Dropout,
    GlobalPool,
    Placed,
    Pool,
)
from workflow_scripts.networks.torch_fourier import WideConvolution

# Values of the windows of one segment; the paper's longest filters have half as many.
LARGEST_WINDOWS = 1 << 20
# Drops values with a probability; `many` as in `dropout`.
Drop = Callable[[torch.Tensor, float, bool], torch.Tensor]


class Forward:
    """From segments (segments, bands, frames) to the scores of the classes.

    `weights` are read, and the running statistics among them updated in training. After a call,
    `hidden` has the inputs of the layer HIDDEN and its outputs before the ReLU. `drop` is called
    for each dropout in the order of the layers. With `mapped`, `torch.vmap` can map a call: layers
    are then computed as on a GPU, also on a CPU.
    """

    def __init__(
        self,
        network: Network,
        weights: Mapping[str, torch.Tensor],
        dropout: float,
        drop: Drop | None = None,
        mapped: bool = False,
    ) -> None:
        self._network, self._weights, self._dropout = network, weights, dropout
        self._drop = drop or drop_values
        self.hidden: tuple[torch.Tensor, torch.Tensor] | None = None
        # cuDNN has algorithms of its own for wide filters.
        self._on_cpu = weights[f"{OUTPUT}.bias"].device.type == "cpu" and not mapped
        partitions = fourier.partitions(network) if self._on_cpu else {}
        self._wide = {name: WideConvolution(own) for name, own in partitions.items()}

    def __call__(self, inputs: torch.Tensor, training: bool) -> torch.Tensor:
        """The scores, (segments, classes)."""
        image = inputs[:, None]
        trunks = [
            self._layers(trunk.layers, image, training) for trunk in self._network.trunks.values()
        ]
        values = trunks[0]
        if len(trunks) > 1:
            if self._network.flattens_trunks:
                trunks = [values.flatten(1) for values in trunks]
            values = torch.cat(trunks, dim=1)
        values = self._layers(self._network.back_end, values, training)
        return self._dense(OUTPUT, values, training)

    def _layers(
        self, placed: Sequence[Placed], values: torch.Tensor, training: bool
    ) -> torch.Tensor:
        for layer, pool in layers.with_pools(placed):
            values = self._layer(layer, pool, values, training)
        return values

    def _layer(
        self, placed: Placed, pool: Pool | None, values: torch.Tensor, training: bool
    ) -> torch.Tensor:
        match placed.layer:
            case Convolution():
                bias = self._weights[f"{placed.name}.bias"]
                if pool is None:
                    return functional.relu(
                        self._convolution(placed.name, placed.layer, values, bias)
                    )
                maxima = functional.max_pool2d(
                    self._convolution(placed.name, placed.layer, values), pool.shape
                )
                # The bias commutes with the maximum too.
                return functional.relu(maxima + bias[:, None, None])
            case Pool(shape=shape, kind=kind):
                if kind == layers.MAX:
                    return functional.max_pool2d(values, shape)
                return functional.avg_pool2d(values, shape)
            case BatchNormalisation():
                return self._normalised(placed.name, values, training)
            case Dropout(rate=rate):
                return self._drop(values, rate, False) if training and rate else values
            case GlobalPool(kinds=kinds):
                pooled = [
                    values.amax(3, True) if kind == layers.MAX else values.mean(3, True)
                    for kind in kinds
                ]
                return torch.cat(pooled, dim=1)
            case Dense():
                return functional.relu(self._dense(placed.name, values, training))
            case Block():
                return self._block(placed.layer, values, training)

    def _convolution(
        self,
        name: str,
        layer: Convolution,
        values: torch.Tensor,
        bias: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The convolution, shape (segments, filters, height, width)."""
        weight = self._weights[f"{name}.weight"]
        below, above, before, after = layer.pads
        if any(layer.pads):
            values = functional.pad(values, (before, after, below, above))
        on_spectrogram = weight.dim() == 3
        if not on_spectrogram:
            return functional.conv2d(values, weight, bias)
        if name in self._wide:
            outputs = self._wide[name](values[:, 0], weight)
            return outputs if bias is None else outputs + bias[:, None, None]
        height, width = layer.filter
        n_windows = (values.shape[2] - height + 1) * (values.shape[3] - width + 1)
        if 1 not in layer.filter or n_windows * height * width > LARGEST_WINDOWS:
            pooled = bias is None
            values = _channels_last(values) if pooled and self._on_cpu else values
            return functional.conv2d(values, weight[:, None], bias)
        # For a filter along one axis, a matrix product with the few windows is faster than conv2d
        # on one input channel. Its last axis in memory is the filters.
        windows = values[:, 0].unfold(1, height, 1).unfold(2, width, 1)
        # As rows of one matrix, also under torch.vmap.
        rows = windows.reshape(-1, height * width) @ weight.flatten(1).T
        products = rows.view(*windows.shape[:3], -1)
        return (products if bias is None else products + bias).permute(0, 3, 1, 2)

    def _normalised(self, name: str, values: torch.Tensor, training: bool) -> torch.Tensor:
        scale, offset, mean, variance = (
            self._weights[f"{name}.{kind}"] for kind in ("scale", "offset", "mean", "variance")
        )
        if not training:
            return functional.batch_norm(values, mean, variance, scale, offset, eps=layers.EPSILON)
        # With a momentum of 1, the statistics are those of the batch.
        of_batch = torch.zeros_like(mean), torch.ones_like(variance)
        output = functional.batch_norm(
            values, *of_batch, scale, offset, training=True, momentum=1, eps=layers.EPSILON
        )
        n_values = values.numel() // values.shape[1]
        with torch.no_grad():
            # PyTorch's variance has ddof 1.
            of_values = of_batch[0], of_batch[1] * ((n_values - 1) / n_values)
            for running, value in zip((mean, variance), of_values, strict=True):
                # Not lerp_, which torch.vmap computes member by member.
                running.add_(value - running, alpha=1 - layers.MOMENTUM)
        return output

    def _dense(self, name: str, values: torch.Tensor, training: bool) -> torch.Tensor:
        values = values.flatten(1)
        if training and self._dropout:
            values = self._drop(values, self._dropout, name == HIDDEN)
        outputs = functional.linear(
            values, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        )
        if name == HIDDEN:
            self.hidden = values, outputs
        return outputs

    def _block(self, block: Block, values: torch.Tensor, training: bool) -> torch.Tensor:
        if layers.has_dense(block):
            values = values.flatten(1)
        inner = self._layers(block.layers, values, training)
        return values + inner if block.kind == layers.ADD else torch.cat([values, inner], dim=1)


def _channels_last(images: torch.Tensor) -> torch.Tensor:
    """Images of one channel, with strides that make PyTorch compute with channels last.

    Its pools are several times faster then on a CPU. With one channel, the order in memory is the
    same.
    """
    (segments, _, height, width), size = images.shape, images[0].numel()
    return images.contiguous().as_strided((segments, 1, height, width), (size, 1, width, 1))


def drop_values(values: torch.Tensor, rate: float, many: bool) -> torch.Tensor:
    """Dropout in training; `many` is faster for many values on a CPU, and draws other masks."""
    if many and not values.is_cuda:
        return values * mask_of_many(values, rate)
    return functional.dropout(values, rate)


def mask_of_many(
    like: torch.Tensor, rate: float, generator: torch.Generator | None = None
) -> torch.Tensor:
    """What dropout multiplies values by; three times as fast as PyTorch's on a CPU."""
    kept = torch.empty_like(like).uniform_(generator=generator) >= rate
    return kept * (1 / (1 - rate))
