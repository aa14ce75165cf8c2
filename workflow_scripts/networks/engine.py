"""What the workflow asks of a deep-learning framework. Above this seam all is NumPy."""

import importlib
from typing import Any, Protocol

import numpy as np

from workflow_scripts.errors import UserError
from workflow_scripts.networks.architecture import Network, Weights


class Engine(Protocol):
    """One network on one device, with its weights.

    Inputs are float32 (segments, bands, frames), an array or what gives arrays when it is indexed
    by positions or by a slice; labels are int (segments,). `gpu` chooses the first GPU that is
    visible instead of the CPU.
    """

    NAME: str
    VERSION: str

    def __init__(self, network: Network, weights: Weights, dropout: float, gpu: bool) -> None: ...

    def place(self, values: Any) -> Any:
        """Inputs or labels where the device reads them fastest, for many calls of `train`.

        What is no array stays as it is.
        """

    def train(
        self, inputs: Any, labels: Any, batches: np.ndarray, learning_rate: float, seed: int
    ) -> float:
        """One step of gradient descent for each row of `batches`, positions in `inputs`.

        `inputs` and `labels` are arrays or come from `place`; `seed` decides the dropout. Returns
        the mean of the batches' losses, dropout on.
        """

    def gradients(self, inputs: np.ndarray, labels: np.ndarray) -> tuple[float, Weights]:
        """Mean categorical cross-entropy of one batch and its gradients, as a step takes them."""

    def probabilities(self, inputs: Any) -> np.ndarray:
        """Class probabilities, dropout off, float32 (segments, classes)."""

    def weights(self) -> Weights:
        """A copy of the weights, in the paper's orientation."""


def engine_class(name: str) -> type[Engine]:
    """The engine of this name, "mxnet" or "torch"; importing it imports its framework.

    Raises UserError where the framework is not installed or its installation is broken.
    """
    try:
        return importlib.import_module(f"workflow_scripts.networks.engine_{name}").ENGINE
    except (ImportError, OSError) as failure:
        missing = isinstance(failure, ModuleNotFoundError) and failure.name == name
        reason, *_ = str(failure).splitlines() or [repr(failure)]
        state = "not installed here" if missing else f"cannot be imported here ({reason})"
        mend = {
            "mxnet": "install it with `make env`, or set engine: torch where it has no build",
            "torch": "install it with `make env TORCH=1`, or set engine: mxnet",
        }[name]
        raise UserError(f"engine: {name} is configured and {state}; {mend}") from None
