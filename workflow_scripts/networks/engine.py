"""What the workflow asks of a deep-learning framework. Above this seam all is NumPy."""

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from workflow_scripts.networks.architecture import Weights


class Engine(Protocol):
    """One network on one device, with its weights.

    Inputs are float32 (segments, bands, frames); labels are int (segments,).
    """

    def train(
        self,
        inputs: np.ndarray,
        labels: np.ndarray,
        batches: Iterable[np.ndarray],
        learning_rate: float,
        seed: int,
    ) -> float:
        """One step of gradient descent for each batch, an array of positions in `inputs`.

        `seed` decides the dropout. Returns the mean of the batches' losses, dropout on.
        """

    def gradients(self, inputs: np.ndarray, labels: np.ndarray) -> tuple[float, Weights]:
        """Mean categorical cross-entropy of one batch and its gradients, as a step takes them."""

    def probabilities(self, inputs: np.ndarray) -> np.ndarray:
        """Class probabilities, dropout off, float32 (segments, classes)."""

    def weights(self) -> Weights:
        """A copy of the weights, in the paper's orientation."""
