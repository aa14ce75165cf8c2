"""The PyTorch engine, for GPUs that are too new for MXNet, and to verify the MXNet engine.

On a GPU, one step is captured as a CUDA graph and replayed for each batch of an epoch. Segments,
positions, loss and learning rate are on the device, so the host waits for it once per epoch. The
module requires only NumPy and PyTorch 2.11 or newer.
"""

from typing import Any

import numpy as np
import torch
from torch.nn import functional

from workflow_scripts.networks.architecture import FACTORED, Network, Weights
from workflow_scripts.networks.torch_device import device_of, placed
from workflow_scripts.networks.torch_gradients import Gradients, gradients_of, mean_loss
from workflow_scripts.networks.torch_layers import Forward
from workflow_scripts.networks.torch_side_by_side import PREDICTION_BATCH, TorchSideBySide
from workflow_scripts.networks.torch_steps import CapturedSteps


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
        loss, _, found = self._backward(self.place(inputs), self.place(labels))
        gradients = dict(found.stored)
        if found.factors:
            of_outputs, of_layer = found.factors
            gradients[FACTORED] = of_outputs.T @ of_layer
        return float(loss), {name: gradients[name].cpu().numpy() for name in self._trained}

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
        loss, predicted, gradients = self._backward(inputs, labels)
        with torch.no_grad():
            for name, gradient in gradients.stored.items():
                self._weights[name].addcmul_(gradient, self._learning_rate, value=-1)
            if gradients.factors:
                of_outputs, of_layer = gradients.factors
                changes = (of_outputs * self._learning_rate).T
                self._weights[FACTORED].addmm_(changes, of_layer, alpha=-1)
        return loss, predicted

    def _backward(
        self, inputs: torch.Tensor, labels: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, Gradients]:
        """The loss, the predicted classes, and the gradients."""
        scores = self._forward(inputs, training=True)
        loss = mean_loss(scores, labels, self._class_weights)
        hidden, self._forward.hidden = self._forward.hidden, None
        gradients = gradients_of(loss, self._trained, hidden or ())
        return loss.detach(), scores.detach().argmax(dim=1), gradients


ENGINE = TorchEngine
