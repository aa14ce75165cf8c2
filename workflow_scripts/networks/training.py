"""The training protocol (paper, section III-A; where it is silent, its authors' script)."""

import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from workflow_scripts.networks.architecture import Weights
from workflow_scripts.networks.engine import Engine


@dataclass(frozen=True)
class Settings:
    """Gradient descent as config.yaml's `training` describes it."""

    learning_rate: float
    batch_size: int
    max_epochs: int
    dropout: float
    patience: int
    min_learning_rate: float


@dataclass(frozen=True)
class Epoch:
    """One row of history.csv. The accuracy is that of the validation segments, 0 to 1."""

    epoch: int
    learning_rate: float
    train_loss: float
    validation_loss: float
    validation_accuracy: float
    seconds: float


@dataclass(frozen=True)
class Fit:
    """A finished training: the weights of its best epoch, and every epoch."""

    weights: Weights
    best_epoch: int
    history: list[Epoch]


class DivergedError(Exception):
    """The training loss is no longer a finite number."""


class HalvingRate:
    """A learning rate divided by two each time the loss gets stuck.

    Stuck means: not below its lowest value for `patience` epochs since then or since the last
    halving (paper, section III-A).
    """

    def __init__(self, rate: float, patience: int) -> None:
        self.rate = rate
        self._patience = patience
        self._lowest = np.inf
        self._stuck = 0

    def update(self, loss: float) -> None:
        """Take one epoch's training loss into account."""
        if loss < self._lowest:
            self._lowest, self._stuck = loss, 0
            return
        self._stuck += 1
        if self._stuck == self._patience:
            self.rate, self._stuck = self.rate / 2, 0


def generator(seed: int, variant: str, fold: int, epoch: int) -> np.random.Generator:
    """The only source of randomness of this epoch; epoch 0 draws the initial weights."""
    return np.random.default_rng([seed, zlib.crc32(variant.encode()), fold, epoch])


def batches(n: int, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Shuffled positions 0 ... n - 1 in batches; an incomplete last batch is dropped."""
    order = rng.permutation(n)
    return (order[first : first + size] for first in range(0, n - size + 1, size))


def fit(
    engine: Engine,
    train: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    settings: Settings,
    epoch_generator: Callable[[int], np.random.Generator],
    report: Callable[[Epoch], None],
) -> Fit:
    """Train until `max_epochs` or until the learning rate falls below its floor.

    The first epoch of the highest validation accuracy keeps its weights. `train` and
    `validation` are (inputs, labels) as `Engine` takes them.

    Raises DivergedError when the training loss is not finite.
    """
    rate = HalvingRate(settings.learning_rate, settings.patience)
    history: list[Epoch] = []
    best_accuracy, best_epoch, best_weights = -1.0, 0, engine.weights()
    for number in range(1, settings.max_epochs + 1):
        if rate.rate < settings.min_learning_rate:
            break
        started = time.perf_counter()
        rng = epoch_generator(number)
        order = batches(len(train[0]), settings.batch_size, rng)
        seed = int(rng.integers(2**31))
        train_loss = engine.train(*train, order, rate.rate, seed)
        if not np.isfinite(train_loss):
            raise DivergedError(f"the training loss of epoch {number} is {train_loss}")
        loss, accuracy = evaluate(engine, *validation)
        epoch = Epoch(number, rate.rate, train_loss, loss, accuracy, time.perf_counter() - started)
        history.append(epoch)
        report(epoch)
        if accuracy > best_accuracy:
            best_accuracy, best_epoch, best_weights = accuracy, number, engine.weights()
        rate.update(train_loss)
    return Fit(best_weights, best_epoch, history)


def evaluate(engine: Engine, inputs: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Mean categorical cross-entropy and accuracy of the segments."""
    probabilities = engine.probabilities(inputs)
    tiny = np.finfo(probabilities.dtype).tiny
    loss = -np.log(np.maximum(probabilities[np.arange(len(labels)), labels], tiny))
    return float(loss.mean()), float(np.mean(probabilities.argmax(axis=1) == labels))
