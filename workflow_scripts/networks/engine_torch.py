"""The PyTorch engine: the same networks and steps, for GPUs newer than MXNet, and as an oracle.

On a GPU the segments lie on the device, one step is captured as a CUDA graph, and an epoch is its
replays: which segments a step takes, the loss and the learning rate are read and written on the
device, so that the host waits once an epoch. It needs NumPy and PyTorch 2.11 or newer alone.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from workflow_scripts.errors import UserError
from workflow_scripts.networks.architecture import Network, Trunk, Weights

PREDICTION_BATCH = 20
# Steps before the capture, in which PyTorch sets up its libraries and its memory.
WARM_UP = 3


class TorchEngine:
    """See `Engine`."""

    NAME = "torch"
    VERSION: str = torch.__version__

    def __init__(self, network: Network, weights: Weights, dropout: float, gpu: bool) -> None:
        # One thread a training: a second one hardly helps, a second training does.
        torch.set_num_threads(1)
        if gpu:
            _check_gpu()
            # Full float32 in convolutions too, as everywhere else.
            torch.backends.cudnn.allow_tf32 = False
        self._device = torch.device("cuda" if gpu else "cpu")
        self._network = network
        self._dropout = dropout
        self._weights = {
            name: torch.tensor(array, device=self._device, requires_grad=True)
            for name, array in weights.items()
        }
        self._learning_rate = torch.zeros((), device=self._device)
        self._captured: _CapturedStep | None = None

    def place(self, values: Any) -> Any:
        if not isinstance(values, np.ndarray):
            return values
        dtype = np.float32 if values.dtype.kind == "f" else np.int64
        return torch.from_numpy(np.ascontiguousarray(values, dtype)).to(self._device)

    def train(
        self, inputs: Any, labels: Any, batches: np.ndarray, learning_rate: float, seed: int
    ) -> float:
        inputs, labels, order = (self.place(a) for a in (inputs, labels, np.asarray(batches)))
        torch.manual_seed(seed)
        self._learning_rate.fill_(learning_rate)
        read_on_demand = not isinstance(inputs, torch.Tensor)
        if read_on_demand or self._device.type == "cpu":
            losses = [
                self._step(
                    self.place(inputs[rows] if read_on_demand else inputs[batch]), labels[batch]
                )
                for rows, batch in zip(batches, order, strict=True)
            ]
            return float(torch.stack(losses).double().mean())
        if self._captured is None or not self._captured.reads(inputs, labels, order):
            kept = self.weights()
            self._captured = _CapturedStep(self._step, inputs, labels, order)
            self._set_weights(kept)
            torch.manual_seed(seed)
        return self._captured.replay(order)

    def gradients(self, inputs: np.ndarray, labels: np.ndarray) -> tuple[float, Weights]:
        loss, gradients = self._backward(self.place(inputs), self.place(labels))
        return float(loss), {
            name: gradient.cpu().numpy()
            for name, gradient in zip(self._weights, gradients, strict=True)
        }

    def probabilities(self, inputs: Any) -> np.ndarray:
        with torch.no_grad():
            parts = [
                functional.softmax(
                    self._scores(self.place(inputs[first : first + PREDICTION_BATCH]), False), dim=1
                )
                for first in range(0, len(inputs), PREDICTION_BATCH)
            ]
            return torch.cat(parts).cpu().numpy()

    def weights(self) -> Weights:
        return {
            name: weight.detach().cpu().numpy().copy() for name, weight in self._weights.items()
        }

    def _set_weights(self, weights: Weights) -> None:
        with torch.no_grad():
            for name, weight in self._weights.items():
                weight.copy_(torch.from_numpy(weights[name]))

    def _step(self, inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        loss, gradients = self._backward(inputs, labels)
        with torch.no_grad():
            for weight, gradient in zip(self._weights.values(), gradients, strict=True):
                weight.addcmul_(gradient, self._learning_rate, value=-1)
        return loss

    def _backward(
        self, inputs: torch.Tensor, labels: torch.Tensor
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        loss = functional.cross_entropy(self._scores(inputs, training=True), labels)
        return loss.detach(), torch.autograd.grad(loss, list(self._weights.values()))

    def _scores(self, inputs: torch.Tensor, training: bool) -> torch.Tensor:
        trunks = [
            _trunk(trunk, inputs, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])
            for name, trunk in self._network.trunks.items()
        ]
        values = torch.cat(trunks, dim=1) if len(trunks) > 1 else trunks[0]
        for layer in ("hidden", "output") if self._network.hidden else ("output",):
            values = functional.dropout(values, self._dropout, training)
            values = functional.linear(
                values, self._weights[f"{layer}.weight"], self._weights[f"{layer}.bias"]
            )
            values = functional.relu(values) if layer == "hidden" else values
        return values


ENGINE = TorchEngine


class _CapturedStep:
    """One step as a CUDA graph that reads and advances its position in the epoch by itself."""

    def __init__(
        self,
        step: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
        inputs: torch.Tensor,
        labels: torch.Tensor,
        order: torch.Tensor,
    ) -> None:
        self._step, self._inputs, self._labels = step, inputs, labels
        self._order = order.clone()
        self._position = torch.zeros(1, dtype=torch.int64, device=order.device)
        self._total = torch.zeros((), dtype=torch.float64, device=order.device)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                self._position.zero_()
                self._advance()
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._advance()

    def _advance(self) -> None:
        batch = self._order.index_select(0, self._position).view(-1)
        inputs, labels = (a.index_select(0, batch) for a in (self._inputs, self._labels))
        self._total.add_(self._step(inputs, labels))
        self._position.add_(1)

    def reads(self, inputs: torch.Tensor, labels: torch.Tensor, order: torch.Tensor) -> bool:
        """Whether the graph was captured for these segments and as many batches of this size."""
        same = self._inputs is inputs and self._labels is labels
        return same and self._order.shape == order.shape

    def replay(self, order: torch.Tensor) -> float:
        """One step for each row of `order`; returns the mean loss, the one wait for the device."""
        self._order.copy_(order)
        self._position.zero_()
        self._total.zero_()
        for _ in range(len(order)):
            self._graph.replay()
        return float(self._total) / len(order)


def _trunk(
    trunk: Trunk, inputs: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor
) -> torch.Tensor:
    # ReLU and a filter's bias commute with the maximum: after the pool there are fewer values.
    values = functional.max_pool2d(_convolution(trunk, inputs, weight), trunk.pool)
    return functional.relu(values + bias[:, None, None]).flatten(1)


def _convolution(trunk: Trunk, inputs: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """(segments, filters, height, width), without the bias."""
    if 1 not in trunk.filter:
        return functional.conv2d(inputs[:, None], weight[:, None])
    # A filter along one axis is a matrix product with the windows, which are few: faster than the
    # convolution on one input channel, with the filters as the last axis in memory.
    height, width = trunk.filter
    windows = inputs.unfold(1, height, 1).unfold(2, width, 1).flatten(3)
    return (windows @ weight.flatten(1).T).permute(0, 3, 1, 2)


def _check_gpu() -> None:
    """Raise UserError where PyTorch cannot use the GPU: otherwise its first kernel would fail."""
    if not torch.cuda.is_available():
        raise UserError(
            "PyTorch finds no GPU that it can use (its build may be without CUDA, or the driver "
            "too old for it); install another build, or train on the CPU with --resources gpu=0"
        )
    major, minor = torch.cuda.get_device_capability()
    # Machine code runs on its own and later minor versions; PTX on all that came later.
    kernels = [name.split("_") for name in torch.cuda.get_arch_list()]
    numbers = [(kind, divmod(int(n.rstrip("af")), 10)) for kind, n in kernels]
    if not any(
        (own_major, own_minor) <= (major, minor) and (kind == "compute" or own_major == major)
        for kind, (own_major, own_minor) in numbers
    ):
        raise UserError(
            f"this PyTorch has no kernels for {torch.cuda.get_device_name()} (compute capability "
            f"{major}.{minor}); install a build that has, or train on the CPU with "
            "--resources gpu=0"
        )
