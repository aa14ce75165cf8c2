"""The interface to a deep-learning framework; all other modules use NumPy only."""

import importlib
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from workflow_scripts.errors import UserError
from workflow_scripts.networks.architecture import Network, Weights


class Engine(Protocol):
    """A network with its weights on a device.

    Inputs are float32 (segments, bands, frames): an array, or an object that returns arrays when
    indexed by positions or a slice. Labels are int (segments,). `gpu` selects the first visible
    GPU instead of the CPU. `class_weights`, float32 (classes,), multiply the loss of each segment
    of a class in training; None is plain cross-entropy.
    """

    NAME: str
    VERSION: str
    # None if the engine has none.
    SIDE_BY_SIDE: "type[SideBySide] | None"

    def __init__(
        self,
        network: Network,
        weights: Weights,
        dropout: float,
        gpu: bool,
        class_weights: np.ndarray | None = None,
    ) -> None: ...

    def place(self, values: Any) -> Any:
        """Move inputs or labels to where `train` reads them fastest, to be used in many calls.

        Objects other than arrays are returned unchanged.
        """

    def train(
        self, inputs: Any, labels: Any, batches: np.ndarray, learning_rate: float, seed: int
    ) -> tuple[float, np.ndarray]:
        """Take one step of gradient descent for each batch.

        `batches` has one batch per row, as positions in `inputs`. `inputs` and `labels` are arrays
        or returned by `place`. `seed` determines the dropout.

        Returns the mean loss and the class that each segment is predicted as, int, in the shape of
        `batches`; both with dropout, and with the weights before the step of the batch.
        """

    def gradients(self, inputs: np.ndarray, labels: np.ndarray) -> tuple[float, Weights]:
        """Mean (weighted) categorical cross-entropy of one batch, dropout on, and its gradients."""

    def probabilities(self, inputs: Any) -> np.ndarray:
        """Class probabilities, float32 (segments, classes), dropout off."""

    def weights(self) -> Weights:
        """A copy of the weights (`Network.weight_shapes`)."""


class SideBySide(Protocol):
    """Several trainings of one network on a device, the members, whose steps are one computation.

    Each member has weights, class weights, and segments of its own: `train` has inputs and labels,
    `validation` inputs. Arguments and results with an item per member are in the order of members.
    """

    def __init__(
        self,
        network: Network,
        weights: Sequence[Weights],
        dropout: float,
        gpu: bool,
        train: Sequence[tuple[np.ndarray, np.ndarray]],
        validation: Sequence[np.ndarray],
        class_weights: Sequence[np.ndarray] | None = None,
    ) -> None: ...

    def train(
        self, batches: Sequence[np.ndarray], learning_rates: Sequence[float], seeds: Sequence[int]
    ) -> list[tuple[float, np.ndarray]]:
        """Take one step of gradient descent for each batch of each member, see `Engine.train`.

        Members may have different numbers of batches, at least one, of one size.
        """

    def probabilities(self) -> list[np.ndarray]:
        """Class probabilities of the validation segments, float32 (segments, classes)."""

    def weights(self) -> list[Weights]:
        """A copy of the weights."""

    def keep(self, members: Sequence[int]) -> None:
        """Reduce the members to those at these positions."""


def engine_class(name: str) -> type[Engine]:
    """The engine "mxnet" or "torch". Only the framework of this engine is imported.

    Raises UserError if the framework is not installed or its installation is broken.
    """
    try:
        return importlib.import_module(f"workflow_scripts.networks.engine_{name}").ENGINE
    except (ImportError, OSError) as failure:
        missing = isinstance(failure, ModuleNotFoundError) and failure.name == name
        reason, *_ = str(failure).splitlines() or [repr(failure)]
        state = "is not installed" if missing else f"cannot be imported ({reason})"
        fix = {
            "mxnet": "install it with `make env`, or set engine: torch if it has no build for this "
            "machine",
            "torch": "install it with `make env TORCH=1`, or set engine: mxnet",
        }[name]
        raise UserError(f"engine: {name} is configured, but {name} {state}; {fix}") from None
