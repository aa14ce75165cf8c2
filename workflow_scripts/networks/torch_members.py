"""Networks of one architecture with weights of their own, the members, computed together.

`torch.vmap` maps the layers of the PyTorch engine over a first axis of weights, batches and masks
of dropout. The module requires only NumPy and PyTorch.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from workflow_scripts.networks.architecture import FACTORED, Network, Weights
from workflow_scripts.networks.torch_device import placed
from workflow_scripts.networks.torch_gradients import Gradients, gradients_of
from workflow_scripts.networks.torch_layers import Forward, mask_of_many


class Members:
    """The networks and what their steps of an epoch depend on; the first axis is the member.

    `class_weights` as in `Engine`, for each member; None is plain cross-entropy for all.
    """

    def __init__(
        self,
        network: Network,
        weights: Sequence[Weights],
        dropout: float,
        class_weights: Sequence[np.ndarray] | None,
        device: torch.device,
    ) -> None:
        self._network, self._dropout = network, dropout
        trained = network.parameter_shapes()
        self._weights = {
            name: placed(np.stack([own[name] for own in weights]), device).requires_grad_(
                name in trained
            )
            for name in weights[0]
        }
        self._trained = list(trained)
        self._class_weights = None
        if class_weights is not None:
            self._class_weights = placed(np.stack(class_weights), device)
        self.generators = [torch.Generator(device) for _ in weights]
        self._layouts: list[tuple[int, ...]] | None = None
        self._n_steps = torch.zeros(len(weights), dtype=torch.int64, device=device)
        self._n_taken = torch.zeros_like(self._n_steps)
        self._rates = torch.zeros(len(weights), device=device)

    def __len__(self) -> int:
        return len(self.generators)

    def start_epoch(
        self, n_steps: Sequence[int], learning_rates: Sequence[float], seeds: Sequence[int]
    ) -> None:
        """Prepare for steps; those of a member after the first `n_steps` have no effect on it."""
        self._n_steps.copy_(torch.tensor(n_steps))
        self._rates.copy_(torch.tensor(learning_rates))
        self._n_taken.zero_()
        for generator, seed in zip(self.generators, seeds, strict=True):
            generator.manual_seed(seed)

    def step(self, inputs: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Update the weights; return the losses, and the predicted classes before that.

        `inputs` are (members x size, bands, frames), labels (members x size); losses (members,),
        classes (members, size). The loss of a member that takes no step is 0.
        """
        inputs, labels = (a.unflatten(0, (len(self), -1)) for a in (inputs, labels))
        if self._layouts is None:
            self._layouts = self._layouts_of_dropout(inputs[0])
        takes_step = self._n_taken < self._n_steps
        statistics = {n: w.clone() for n, w in self._weights.items() if n not in self._trained}
        losses, predicted, gradients = self._backward(inputs, labels, self._layouts)
        rates = self._rates * takes_step
        with torch.no_grad():
            for name, gradient in gradients.stored.items():
                rate = rates.view(-1, *[1] * (gradient.dim() - 1))
                self._weights[name].addcmul_(gradient, rate, value=-1)
            if gradients.factors:
                of_outputs, of_layer = gradients.factors
                changes = (of_outputs * rates[:, None, None]).transpose(1, 2)
                self._weights[FACTORED].baddbmm_(changes, of_layer, alpha=-1)
            for name, before in statistics.items():
                after = self._weights[name]
                after.copy_(torch.where(takes_step[:, None], after, before))
            self._n_taken.add_(1)
        return torch.where(takes_step, losses, 0), predicted

    def probabilities(self, inputs: torch.Tensor) -> torch.Tensor:
        """Class probabilities (members, segments, classes); inputs (members, segments, ...)."""
        with torch.no_grad():
            scores = torch.vmap(
                lambda weights, own: Forward(self._network, weights, 0, mapped=True)(own, False)
            )
            return functional.softmax(scores(self._weights, inputs), dim=2)

    def weights(self) -> list[Weights]:
        """A copy of the weights of each member."""
        stacked = {name: weight.detach().cpu().numpy() for name, weight in self._weights.items()}
        return [
            {name: weight[member].copy() for name, weight in stacked.items()}
            for member in range(len(self))
        ]

    def _layouts_of_dropout(self, inputs: torch.Tensor) -> list[tuple[int, ...]]:
        """The strides of the values at each dropout of a separate training on the batch `inputs`.

        PyTorch draws a mask in the order of the values in memory.
        """
        layouts = []

        def record(values: torch.Tensor, rate: float, many: bool) -> torch.Tensor:
            layouts.append(torch.empty_like(values).stride())
            return values

        weights = {name: weight[0].detach().clone() for name, weight in self._weights.items()}
        with torch.no_grad():
            Forward(self._network, weights, self._dropout, record)(inputs, True)
        return layouts

    def _backward(
        self, inputs: torch.Tensor, labels: torch.Tensor, layouts: Sequence[tuple[int, ...]]
    ) -> tuple[torch.Tensor, torch.Tensor, Gradients]:
        """The losses, the predicted classes, and the gradients."""

        def drop(
            own: Iterator[tuple[int, ...]], values: torch.Tensor, rate: float, many: bool
        ) -> torch.Tensor:
            dropped: torch.Tensor = _Dropout.apply(values, rate, many, next(own), self.generators)
            return dropped

        def of_member(
            weights: dict[str, torch.Tensor], inputs: torch.Tensor
        ) -> tuple[torch.Tensor, ...]:
            own = partial(drop, iter(layouts))
            forward = Forward(self._network, weights, self._dropout, own, mapped=True)
            return forward(inputs, True), *(forward.hidden or ())

        scores, *hidden = torch.vmap(of_member)(self._weights, inputs)
        losses = self._losses(scores, labels)
        trained = {name: self._weights[name] for name in self._trained}
        # The loss of a member depends on no weights but its own.
        gradients = gradients_of(losses.sum(), trained, hidden)
        return losses.detach(), scores.detach().argmax(dim=2), gradients

    def _losses(self, scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The `mean_loss` of each member, in fewer kernels than `torch.vmap` would take."""
        losses = functional.cross_entropy(
            scores.flatten(0, 1), labels.flatten(), reduction="none"
        ).view_as(labels)
        if self._class_weights is not None:
            losses = losses * self._class_weights.gather(1, labels)
        return losses.mean(dim=1)


class _Dropout(torch.autograd.Function):
    """Dropout of members, each with a mask that its own generator draws."""

    @staticmethod
    def forward(
        values: torch.Tensor, rate: float, many: bool, layout: Any, generators: Any
    ) -> torch.Tensor:
        """Only `vmap` is called."""
        raise NotImplementedError

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Nothing: PyTorch differentiates what `vmap` does."""

    @staticmethod
    def vmap(
        info: Any,
        in_dims: Any,
        values: torch.Tensor,
        rate: float,
        many: bool,
        layout: Any,
        generators: Any,
    ) -> tuple[torch.Tensor, int]:
        """The values after dropout, and the axis of their members."""
        values = values.movedim(in_dims[0], 0)
        ones = torch.empty_strided(values.shape[1:], layout, device=values.device).fill_(1)
        return values * torch.stack([_mask(ones, rate, many, own) for own in generators]), 0


def _mask(ones: torch.Tensor, rate: float, many: bool, generator: torch.Generator) -> torch.Tensor:
    """What dropout multiplies values by: the mask that a separate training would draw.

    `ones` have the shape, layout and device of the values; `many` as in `drop_values`.
    """
    if ones.device.type == "cpu":
        if many:
            return mask_of_many(ones, rate, generator)
        return torch.empty_like(ones).bernoulli_(1 - rate, generator=generator).div_(1 - rate)
    # On a GPU, it draws and multiplies in one kernel, which knows only the default generator. That
    # shares the state of the member's meanwhile; a CUDA graph allows for this.
    default = torch.cuda.default_generators[ones.device.index]
    own = default.graphsafe_get_state()
    default.graphsafe_set_state(generator)
    mask = functional.dropout(ones, rate)
    default.graphsafe_set_state(own)
    return mask
