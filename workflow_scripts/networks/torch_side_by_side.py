"""Several trainings of one network side by side in PyTorch: a step of all is one computation.

A step of one small network is mostly the launches of its kernels; the same launches compute several
networks in hardly more time. On a GPU, one step is captured as a CUDA graph, as in `engine_torch`.
The module requires only NumPy and PyTorch 2.11 or newer.
"""

from collections.abc import Sequence

import numpy as np
import torch

from workflow_scripts.networks.architecture import Network, Weights
from workflow_scripts.networks.torch_device import device_of, placed
from workflow_scripts.networks.torch_members import Members
from workflow_scripts.networks.torch_steps import CapturedSteps, Steps

PREDICTION_BATCH = 20


class TorchSideBySide:
    """See `engine.SideBySide`."""

    def __init__(
        self,
        network: Network,
        weights: Sequence[Weights],
        dropout: float,
        gpu: bool,
        train: Sequence[tuple[np.ndarray, np.ndarray]],
        validation: Sequence[np.ndarray],
        class_weights: Sequence[np.ndarray] | None = None,
    ) -> None:
        self._gpu, self._device = gpu, device_of(gpu)
        self._network, self._dropout = network, dropout
        self._class_weights = class_weights
        self._members = self._stacked(weights)
        self._inputs = _Joined([inputs for inputs, _ in train], self._device)
        self._labels = _Joined([labels for _, labels in train], self._device)
        self._validation = _Joined(validation, self._device)
        self._steps: Steps | None = None

    def train(
        self, batches: Sequence[np.ndarray], learning_rates: Sequence[float], seeds: Sequence[int]
    ) -> list[tuple[float, np.ndarray]]:
        n_steps = [len(own) for own in batches]
        # A member whose batches are used up gets its last one again, without effect.
        rows = np.arange(max(n_steps))
        repeated = [own[np.minimum(rows, len(own) - 1)] for own in batches]
        order = placed(self._inputs.positions(repeated).swapaxes(0, 1), self._device)
        segments = self._inputs.values, self._labels.values
        if self._steps is None or not self._steps.reads(*segments, order):
            self._steps = self._new_steps(*segments, order)
        self._members.start_epoch(n_steps, learning_rates, seeds)
        totals, predicted = self._steps.run(order)
        return [
            (float(total) / n, predicted[:n, member])
            for member, (total, n) in enumerate(zip(totals, n_steps, strict=True))
        ]

    def probabilities(self) -> list[np.ndarray]:
        sizes = self._validation.sizes
        parts = []
        for first in range(0, max(sizes), PREDICTION_BATCH):
            rows = np.arange(first, first + PREDICTION_BATCH)
            positions = self._validation.positions([np.minimum(rows, n - 1) for n in sizes])
            inputs = self._validation.values[placed(positions, self._device)]
            parts.append(self._members.probabilities(inputs))
        of_members = torch.cat(parts, dim=1).cpu().numpy()
        return [own[:n] for own, n in zip(of_members, sizes, strict=True)]

    def weights(self) -> list[Weights]:
        return self._members.weights()

    def keep(self, members: Sequence[int]) -> None:
        # A captured step has the shapes of all members.
        self._steps = None
        weights = self.weights()
        if self._class_weights is not None:
            self._class_weights = [self._class_weights[member] for member in members]
        self._members = self._stacked([weights[member] for member in members])
        for joined in (self._inputs, self._labels, self._validation):
            joined.keep(members)

    def _stacked(self, weights: Sequence[Weights]) -> Members:
        return Members(self._network, weights, self._dropout, self._class_weights, self._device)

    def _new_steps(self, inputs: torch.Tensor, labels: torch.Tensor, order: torch.Tensor) -> Steps:
        members = self._members
        if not self._gpu:
            return Steps(members.step, inputs, labels, order)
        # Of no steps, so that those before the capture have no effect.
        members.start_epoch(*([0] * len(members) for _ in range(3)))
        return CapturedSteps(members.step, inputs, labels, order, members.generators)


class _Joined:
    """Arrays of the members, (segments, ...), one after another in one tensor on the device."""

    def __init__(self, arrays: Sequence[np.ndarray], device: torch.device) -> None:
        self.sizes = [len(array) for array in arrays]
        ends = np.cumsum(self.sizes)
        self._first = [int(end) - size for end, size in zip(ends, self.sizes, strict=True)]
        # Not joined on the host, which would hold all of them twice.
        like = placed(arrays[0][:0], device)
        self.values = like.new_empty((int(ends[-1]), *like.shape[1:]))
        for first, array in zip(self._first, arrays, strict=True):
            self.values[first : first + len(array)] = placed(array, torch.device("cpu"))

    def positions(self, of_members: Sequence[np.ndarray]) -> np.ndarray:
        """Positions in `values` of positions in each member's array, (members, ...)."""
        pairs = zip(self._first, of_members, strict=True)
        return np.stack([first + positions for first, positions in pairs])

    def keep(self, members: Sequence[int]) -> None:
        """Reduce the members to these; `values` stay."""
        self.sizes = [self.sizes[member] for member in members]
        self._first = [self._first[member] for member in members]
