"""The steps of an epoch with all data on the device, one by one or as replays of a CUDA graph."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

# Takes the inputs and labels of a batch; returns the loss and the predicted classes.
Step = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
# Steps before the capture, in which PyTorch initialises its libraries and allocates memory.
WARM_UP = 3


class Steps:
    """A step that takes the next batch of an epoch each time.

    `order` has the positions of a batch in each row, (batches, size), or of a batch for each of
    several members, (batches, members, size). `step` gets the segments at all positions of a row,
    one after another; it returns a loss, or a loss per member, and classes in the shape of a row.
    """

    def __init__(
        self, step: Step, inputs: torch.Tensor, labels: torch.Tensor, order: torch.Tensor
    ) -> None:
        self._step, self._inputs, self._labels = step, inputs, labels
        self._order = order.clone()
        self._predicted = torch.zeros_like(order)
        self._position = torch.zeros(1, dtype=torch.int64, device=order.device)
        self._total = torch.zeros(order.shape[1:-1], dtype=torch.float64, device=order.device)

    def reads(self, inputs: torch.Tensor, labels: torch.Tensor, order: torch.Tensor) -> bool:
        """Whether the steps read these segments, and an `order` of this shape."""
        same = self._inputs is inputs and self._labels is labels
        return same and self._order.shape == order.shape

    def run(self, order: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Take a step for each row of `order`; wait for the device.

        Return the sum of the losses, () or (members,), and the classes predicted before each step,
        int, in the shape of `order`.
        """
        self._order.copy_(order)
        self._position.zero_()
        self._total.zero_()
        for _ in range(len(order)):
            self._next()
        return self._total.cpu().numpy(), self._predicted.cpu().numpy()

    def _next(self) -> None:
        self._advance()

    def _advance(self) -> None:
        batch = self._order.index_select(0, self._position).view(-1)
        inputs, labels = (a.index_select(0, batch) for a in (self._inputs, self._labels))
        loss, predicted = self._step(inputs, labels)
        self._total.add_(loss)
        self._predicted.index_copy_(0, self._position, predicted[None])
        self._position.add_(1)


class CapturedSteps(Steps):
    """`Steps` of which one is captured as a CUDA graph, which `run` replays.

    The warm-up steps before the capture change the weights. `generators` are those that the step
    draws from, besides the default one.
    """

    def __init__(
        self,
        step: Step,
        inputs: torch.Tensor,
        labels: torch.Tensor,
        order: torch.Tensor,
        generators: Sequence[torch.Generator] = (),
    ) -> None:
        super().__init__(step, inputs, labels, order)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                self._position.zero_()
                self._advance()
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        for generator in generators:
            self._graph.register_generator_state(generator)
        with torch.cuda.graph(self._graph):
            self._advance()

    def _next(self) -> None:
        self._graph.replay()
