"""The PyTorch engine, for GPUs that are too new for MXNet, and to verify the MXNet engine.

On a GPU, one step is captured as a CUDA graph and replayed for each batch of an epoch. Segments,
positions, loss and learning rate are on the device, so the host waits for it once per epoch. The
module requires only NumPy and PyTorch 2.11 or newer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from workflow_scripts.errors import UserError
from workflow_scripts.networks.architecture import FACTORED, Network, Weights
from workflow_scripts.networks.torch_layers import Forward

PREDICTION_BATCH = 20
# Steps before the capture, in which PyTorch initialises its libraries and allocates memory.
WARM_UP = 3


@dataclass(frozen=True)
class _Step:
    """The forward and backward pass of one batch.

    `predicted` are the classes, `gradients` those of all trained arrays but FACTORED. `factors` of
    its gradient, if there is such a layer: the gradient at the layer's outputs, (segments, units),
    and the layer's inputs, (segments, inputs).
    """

    loss: torch.Tensor
    predicted: torch.Tensor
    gradients: dict[str, torch.Tensor]
    factors: tuple[torch.Tensor, torch.Tensor] | None


class TorchEngine:
    """See `Engine`."""

    NAME = "torch"
    VERSION: str = torch.__version__

    def __init__(
        self,
        network: Network,
        weights: Weights,
        dropout: float,
        gpu: bool,
        class_weights: np.ndarray | None = None,
    ) -> None:
        # One thread per training: parallel trainings use the cores better than parallel threads.
        torch.set_num_threads(1)
        if gpu:
            _check_gpu()
            # Convolutions would use TF32 by default.
            torch.backends.cudnn.allow_tf32 = False
        self._device = torch.device("cuda" if gpu else "cpu")
        self._class_weights = None if class_weights is None else self.place(class_weights)
        trained = network.parameter_shapes()
        self._weights = {
            name: torch.tensor(array, device=self._device, requires_grad=name in trained)
            for name, array in weights.items()
        }
        self._trained = {name: self._weights[name] for name in trained}
        self._forward = Forward(network, self._weights, dropout)
        self._learning_rate = torch.zeros((), device=self._device)
        self._captured: _CapturedStep | None = None

    def place(self, values: Any) -> Any:
        if not isinstance(values, np.ndarray):
            return values
        dtype = np.float32 if values.dtype.kind == "f" else np.int64
        return torch.from_numpy(np.ascontiguousarray(values, dtype)).to(self._device)

    def train(
        self, inputs: Any, labels: Any, batches: np.ndarray, learning_rate: float, seed: int
    ) -> tuple[float, np.ndarray]:
        inputs, labels, order = (self.place(a) for a in (inputs, labels, np.asarray(batches)))
        torch.manual_seed(seed)
        self._learning_rate.fill_(learning_rate)
        read_on_demand = not isinstance(inputs, torch.Tensor)
        if read_on_demand or self._device.type == "cpu":
            steps = [
                self._step(
                    self.place(inputs[rows] if read_on_demand else inputs[batch]), labels[batch]
                )
                for rows, batch in zip(batches, order, strict=True)
            ]
            losses, predicted = (torch.stack(values) for values in zip(*steps, strict=True))
            return float(losses.double().mean()), predicted.cpu().numpy()
        if self._captured is None or not self._captured.reads(inputs, labels, order):
            # The warm-up steps change the weights.
            weights = self.weights()
            self._captured = _CapturedStep(self._step, inputs, labels, order)
            self._set_weights(weights)
            torch.manual_seed(seed)
        return self._captured.replay(order)

    def gradients(self, inputs: np.ndarray, labels: np.ndarray) -> tuple[float, Weights]:
        step = self._backward(self.place(inputs), self.place(labels))
        gradients = dict(step.gradients)
        if step.factors:
            of_outputs, of_layer = step.factors
            gradients[FACTORED] = of_outputs.T @ of_layer
        return float(step.loss), {name: gradients[name].cpu().numpy() for name in self._trained}

    def probabilities(self, inputs: Any) -> np.ndarray:
        with torch.no_grad():
            parts = [
                functional.softmax(
                    self._forward(self.place(inputs[first : first + PREDICTION_BATCH]), False),
                    dim=1,
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

    def _step(
        self, inputs: torch.Tensor, labels: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Update the weights; return the loss and the predicted classes before that."""
        step = self._backward(inputs, labels)
        with torch.no_grad():
            for name, gradient in step.gradients.items():
                self._weights[name].addcmul_(gradient, self._learning_rate, value=-1)
            if step.factors:
                of_outputs, of_layer = step.factors
                changes = (of_outputs * self._learning_rate).T
                self._weights[FACTORED].addmm_(changes, of_layer, alpha=-1)
        return step.loss, step.predicted

    def _backward(self, inputs: torch.Tensor, labels: torch.Tensor) -> "_Step":
        scores = self._forward(inputs, training=True)
        if self._class_weights is None:
            loss = functional.cross_entropy(scores, labels)
        else:
            # The option `weight` of cross_entropy would divide by the weights of each batch, so a
            # batch of one class would not be weighted at all.
            losses = functional.cross_entropy(scores, labels, reduction="none")
            loss = (losses * self._class_weights.index_select(0, labels)).mean()
        predicted = scores.detach().argmax(dim=1)
        stored = {name: array for name, array in self._trained.items() if name != FACTORED}
        hidden, self._forward.hidden = self._forward.hidden, None
        if hidden is None:
            gradients = torch.autograd.grad(loss, list(stored.values()))
            factors = None
        else:
            of_layer, outputs = hidden
            *gradients, of_outputs = torch.autograd.grad(loss, [*stored.values(), outputs])
            factors = of_outputs, of_layer.detach()
        return _Step(loss.detach(), predicted, dict(zip(stored, gradients, strict=True)), factors)


ENGINE = TorchEngine


class _CapturedStep:
    """A step as a CUDA graph, which takes the next batch of the epoch at each replay."""

    def __init__(
        self,
        step: Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]],
        inputs: torch.Tensor,
        labels: torch.Tensor,
        order: torch.Tensor,
    ) -> None:
        self._step, self._inputs, self._labels = step, inputs, labels
        self._order = order.clone()
        self._predicted = torch.zeros_like(order)
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
        loss, predicted = self._step(inputs, labels)
        self._total.add_(loss)
        self._predicted.index_copy_(0, self._position, predicted[None])
        self._position.add_(1)

    def reads(self, inputs: torch.Tensor, labels: torch.Tensor, order: torch.Tensor) -> bool:
        """Whether the graph was captured for these segments and this shape of `order`."""
        same = self._inputs is inputs and self._labels is labels
        return same and self._order.shape == order.shape

    def replay(self, order: torch.Tensor) -> tuple[float, np.ndarray]:
        """Take a step for each row of `order`; wait for the device.

        Return the mean loss and the classes predicted before each step, int (batches, size).
        """
        self._order.copy_(order)
        self._position.zero_()
        self._total.zero_()
        for _ in range(len(order)):
            self._graph.replay()
        return float(self._total) / len(order), self._predicted.cpu().numpy()


def _check_gpu() -> None:
    """Raise UserError if PyTorch has no kernels for the GPU or finds none."""
    if not torch.cuda.is_available():
        raise UserError(
            "PyTorch finds no GPU that it can use (it may be built without CUDA, or the driver may "
            "be too old); install another build, or train on the CPU with --resources gpu=0"
        )
    major, minor = torch.cuda.get_device_capability()
    # Machine code (sm) runs on the same and later minor versions, PTX (compute) on all later ones.
    kernels = [name.split("_") for name in torch.cuda.get_arch_list()]
    versions = [(kind, divmod(int(n.rstrip("af")), 10)) for kind, n in kernels]
    if not any(
        built_for <= (major, minor) and (kind == "compute" or built_for[0] == major)
        for kind, built_for in versions
    ):
        raise UserError(
            f"this PyTorch has no kernels for {torch.cuda.get_device_name()} (compute capability "
            f"{major}.{minor}); install a build with such kernels, or train on the CPU with "
            "--resources gpu=0"
        )
