"""The PyTorch engine, for GPUs that are too new for MXNet, and to verify the MXNet engine.

On a GPU, one step is captured as a CUDA graph and replayed for each batch of an epoch. Segments,
positions, loss and learning rate are on the device, so the host waits for it once per epoch. The
module requires only NumPy and PyTorch 2.11 or newer.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from workflow_scripts.networks.architecture import FACTORED, Network, Weights
from workflow_scripts.networks.torch_device import device_of, placed
from workflow_scripts.networks.torch_layers import Forward, mean_loss
from workflow_scripts.networks.torch_side_by_side import PREDICTION_BATCH, TorchSideBySide
from workflow_scripts.networks.torch_steps import CapturedSteps


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
    SIDE_BY_SIDE = TorchSideBySide

    def __init__(
        self,
        network: Network,
        weights: Weights,
        dropout: float,
        gpu: bool,
        class_weights: np.ndarray | None = None,
    ) -> None:
        self._device = device_of(gpu)
        self._class_weights = None if class_weights is None else self.place(class_weights)
        trained = network.parameter_shapes()
        self._weights = {
            name: torch.tensor(array, device=self._device, requires_grad=name in trained)
            for name, array in weights.items()
        }
        self._trained = {name: self._weights[name] for name in trained}
        self._forward = Forward(network, self._weights, dropout)
        self._learning_rate = torch.zeros((), device=self._device)
        self._captured: CapturedSteps | None = None

    def place(self, values: Any) -> Any:
        return placed(values, self._device)

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
            self._captured = CapturedSteps(self._step, inputs, labels, order)
            self._set_weights(weights)
            torch.manual_seed(seed)
        total, predicted = self._captured.run(order)
        return float(total) / len(order), predicted

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
        loss = mean_loss(scores, labels, self._class_weights)
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
