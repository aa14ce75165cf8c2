"""Networks as torch.nn layers in their usual order, to measure our engines against."""

from collections.abc import Callable, Sequence

import torch
from torch import nn

from workflow_scripts.networks import layers
from workflow_scripts.networks.architecture import Network
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

Step = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def model(network: Network, dropout: float) -> nn.Module:
    """The network; inputs are (segments, 1, bands, frames)."""
    trunks = [_sequence(trunk.layers, dropout) for trunk in network.trunks.values()]
    if network.flattens_trunks:
        trunks = [nn.Sequential(trunk, nn.Flatten()) for trunk in trunks]
    return nn.Sequential(
        _Beside(trunks),
        _sequence(network.back_end, dropout),
        *(nn.Flatten(), nn.Dropout(dropout), nn.Linear(network.n_outputs, network.n_classes)),
    )


def step_of(network: Network, device: str, dropout: float, rate: float) -> Step:
    """A training step of eager layers with optim.SGD; returns the loss."""
    plain = model(network, dropout).to(device)
    optimizer = torch.optim.SGD(plain.parameters(), lr=rate)
    loss_of = nn.CrossEntropyLoss()

    def step(inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(plain(inputs[:, None]), labels)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def _sequence(placed: Sequence[Placed], dropout: float) -> nn.Sequential:
    return nn.Sequential(*(module for layer in placed for module in _modules(layer, dropout)))


def _modules(placed: Placed, dropout: float) -> list[nn.Module]:
    channels = placed.input[0]
    match placed.layer:
        case Convolution(filter=shape, n_filters=n_filters):
            below, above, before, after = placed.layer.pads
            pad = [nn.ZeroPad2d((before, after, below, above))] if any(placed.layer.pads) else []
            return [*pad, nn.Conv2d(channels, n_filters, shape), nn.ReLU()]
        case Pool(shape=shape, kind=kind):
            return [nn.MaxPool2d(shape) if kind == layers.MAX else nn.AvgPool2d(shape)]
        case BatchNormalisation():
            flat = placed.input[1:] == (1, 1)
            return [nn.Flatten(), nn.BatchNorm1d(channels)] if flat else [nn.BatchNorm2d(channels)]
        case Dropout(rate=rate):
            return [nn.Dropout(rate)]
        case GlobalPool(kinds=kinds):
            height = placed.input[1]
            pools = {layers.MAX: nn.AdaptiveMaxPool2d, layers.MEAN: nn.AdaptiveAvgPool2d}
            return [_Beside([pools[kind]((height, 1)) for kind in kinds])]
        case Dense(units=units):
            size = placed.input[0] * placed.input[1] * placed.input[2]
            return [nn.Flatten(), nn.Dropout(dropout), nn.Linear(size, units), nn.ReLU()]
        case Block():
            return [_Around(_sequence(placed.layer.layers, dropout), placed.layer.kind)]


class _Beside(nn.Module):
    """Modules on the same input, whose outputs are joined along the channels."""

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(modules)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return torch.cat([part(values) for part in self.parts], dim=1)


class _Around(nn.Module):
    """A block: its input is added to its output, or put before it."""

    def __init__(self, inner: nn.Module, kind: str) -> None:
        super().__init__()
        self.inner, self.kind = inner, kind

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        output = self.inner(values)
        return values + output if self.kind == layers.ADD else torch.cat([values, output], dim=1)
