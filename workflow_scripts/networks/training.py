"""The training protocol (paper, section III-A; its authors' script for all other details)."""

import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workflow_scripts.networks.architecture import Weights
from workflow_scripts.networks.engine import Engine


@dataclass(frozen=True)
class Settings:
    """Settings of gradient descent, as under `training` in config.yaml."""

    learning_rate: float
    batch_size: int
    max_epochs: int
    dropout: float
    patience: int
    min_learning_rate: float
    class_weights: str = "none"


@dataclass(frozen=True)
class Epoch:
    """A row of history.csv. Accuracies are shares of correct segments, 0 to 1.

    Those of training are of the steps of the epoch, with dropout, each before its update of the
    weights, as Keras logs them. With balanced class weights, losses and accuracies are weighted:
    each class has the same share.
    """

    epoch: int
    learning_rate: float
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    seconds: float


@dataclass(frozen=True)
class Progress:
    """The state of a training after some epochs, from which it continues to identical results."""

    weights: Weights
    best_weights: Weights
    history: tuple[Epoch, ...]

    @classmethod
    def start(cls, weights: Weights) -> "Progress":
        """The progress before the first epoch."""
        return cls(weights, weights, ())

    @property
    def best(self) -> Epoch:
        """The first epoch with the highest validation accuracy, that of `best_weights`."""
        return max(self.history, key=lambda epoch: epoch.validation_accuracy)


class DivergedError(Exception):
    """A loss is no longer a finite number."""


class HalvingRate:
    """A learning rate that is halved each time the training loss gets stuck (paper, section III-A).

    The loss is stuck if it has not fallen below its lowest value for `patience` epochs, counted
    from the lowest value or the last halving.
    """

    def __init__(self, rate: float, patience: int) -> None:
        self.rate = rate
        self._patience = patience
        self._lowest = np.inf
        self._stuck = 0

    def update(self, loss: float) -> None:
        """Update the rate with the training loss of an epoch."""
        if loss < self._lowest:
            self._lowest, self._stuck = loss, 0
            return
        self._stuck += 1
        if self._stuck == self._patience:
            self.rate, self._stuck = self.rate / 2, 0


def rate_after(losses: Iterable[float], settings: Settings) -> HalvingRate:
    """The learning rate after epochs with these training losses."""
    rate = HalvingRate(settings.learning_rate, settings.patience)
    for loss in losses:
        rate.update(loss)
    return rate


def lowest_rate(settings: Settings) -> float:
    """The rate below which a training ends: the minimum, or the smallest normal float32 number.

    MXNet refuses smaller rates.
    """
    return max(settings.min_learning_rate, float(np.finfo(np.float32).tiny))


def has_ended(losses: Sequence[float], settings: Settings) -> bool:
    """Whether a training with these losses, one per epoch, is finished."""
    if len(losses) >= settings.max_epochs:
        return True
    return rate_after(losses, settings).rate < lowest_rate(settings)


def generator(seed: int, variant: str, fold: int, epoch: int) -> np.random.Generator:
    """The only source of randomness of an epoch. Epoch 0 draws the initial weights."""
    return np.random.default_rng([seed, zlib.crc32(variant.encode()), fold, epoch])


def batches(n: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Shuffled positions 0 ... n - 1, shape (batches, size), without an incomplete last batch."""
    return rng.permutation(n)[: n // size * size].reshape(-1, size)


def balanced_weights(labels: np.ndarray, n_classes: int) -> np.ndarray:
    """Weights with which each class has the same share in a mean over segments, (classes,).

    `labels` are int (segments,). With n segments, n_c of them of class c, and K classes that have
    any, the weight of c is n / (K n_c), float64; 0 for a class without segments.
    """
    counts = np.bincount(labels, minlength=n_classes)
    present = counts > 0
    share = len(labels) / present.sum()
    return np.divide(share, counts, out=np.zeros(n_classes), where=present)


@dataclass(frozen=True)
class Draw:
    """What an epoch does: `batches` has positions of segments in rows, `seed` is of the dropout.

    `rng` is the generator of the epoch after the draws of both.
    """

    epoch: int
    learning_rate: float
    batches: np.ndarray
    seed: int
    rng: np.random.Generator


class Training:
    """One training by the protocol: what its next epoch does, and its progress after it.

    Labels, int (segments,), are those of the training and the validation segments. Training ends
    after `max_epochs` epochs or when the learning rate is below `lowest_rate`. With balanced class
    weights, the training accuracy has the same weights as the training loss, and the loss and
    accuracy of validation are means over its classes: otherwise an epoch that predicts only the
    largest class could be the best.
    """

    def __init__(
        self,
        labels: tuple[np.ndarray, np.ndarray],
        settings: Settings,
        epoch_generator: Callable[[int], np.random.Generator],
        progress: Progress,
    ) -> None:
        self._labels, self._held_out = labels
        self._settings, self._epoch_generator = settings, epoch_generator
        self.progress = progress
        self._rate = rate_after((epoch.train_loss for epoch in progress.history), settings)
        self._balanced = settings.class_weights == "balanced"
        self._weight_of = None
        if self._balanced:
            self._weight_of = balanced_weights(self._labels, self._labels.max() + 1)

    @property
    def has_ended(self) -> bool:
        """Whether no epoch follows."""
        if len(self.progress.history) >= self._settings.max_epochs:
            return True
        return self._rate.rate < lowest_rate(self._settings)

    def draw(self) -> Draw:
        """What the next epoch does."""
        epoch = len(self.progress.history) + 1
        rng = self._epoch_generator(epoch)
        order = batches(len(self._labels), self._settings.batch_size, rng)
        return Draw(epoch, self._rate.rate, order, int(rng.integers(2**31)), rng)

    def finish(
        self,
        draw: Draw,
        trained: tuple[float, np.ndarray],
        probabilities: np.ndarray,
        weights: Weights,
        seconds: float,
    ) -> Progress:
        """The progress after the epoch `draw`.

        `trained` is what `Engine.train` returned, `probabilities` are those of the validation
        segments after it. Raises DivergedError if a loss is not finite.
        """
        train_loss, predicted = trained
        if not np.isfinite(train_loss):
            raise DivergedError(f"the training loss of epoch {draw.epoch} is {train_loss}")
        loss, accuracy = loss_and_accuracy(probabilities, self._held_out, self._balanced)
        if not np.isfinite(loss):
            # The last step of the epoch may be the one that overflows.
            raise DivergedError(f"the validation loss of epoch {draw.epoch} is {loss}")
        correct = share_of_correct(predicted, self._labels[draw.batches], self._weight_of)
        epoch = Epoch(draw.epoch, draw.learning_rate, train_loss, correct, loss, accuracy, seconds)
        self._rate.update(train_loss)
        last = self.progress
        better = not last.history or accuracy > last.best.validation_accuracy
        best_weights = weights if better else last.best_weights
        self.progress = Progress(weights, best_weights, (*last.history, epoch))
        return self.progress


def fit(
    engine: Engine,
    train: tuple[Any, np.ndarray],
    validation: tuple[Any, np.ndarray],
    settings: Settings,
    epoch_generator: Callable[[int], np.random.Generator],
    progress: Progress,
    augmented: Callable[[np.random.Generator], Any] | None = None,
) -> Iterator[Progress]:
    """Continue training from `progress`; yield the progress after each epoch, see `Training`.

    `engine` has the weights of `progress`. `train` and `validation` are (inputs, labels) as in
    `Engine`. `augmented` returns the training inputs of an epoch from the generator of the epoch.

    Raises DivergedError if a loss is not finite.
    """
    training = Training((train[1], validation[1]), settings, epoch_generator, progress)
    inputs, labels = engine.place(train[0]), engine.place(train[1])
    held_out = engine.place(validation[0])
    while not training.has_ended:
        started = time.perf_counter()
        draw = training.draw()
        if augmented is not None:
            inputs = augmented(draw.rng)
        trained = engine.train(inputs, labels, draw.batches, draw.learning_rate, draw.seed)
        probabilities = engine.probabilities(held_out)
        seconds = time.perf_counter() - started
        yield training.finish(draw, trained, probabilities, engine.weights(), seconds)


def share_of_correct(
    predicted: np.ndarray, labels: np.ndarray, class_weights: np.ndarray | None = None
) -> float:
    """The share of segments whose predicted class is their label, 0 to 1.

    `predicted` and `labels` are int of one shape. A segment counts with the weight of its label in
    `class_weights`, float (classes,); None counts each the same.
    """
    weights = None if class_weights is None else class_weights[labels]
    return float(np.average(predicted == labels, weights=weights))


def loss_and_accuracy(
    probabilities: np.ndarray, labels: np.ndarray, balanced: bool = False
) -> tuple[float, float]:
    """Mean categorical cross-entropy and accuracy (0 to 1) of the segments.

    `probabilities` are (segments, classes). With `balanced`, both are means over the classes of
    `labels`.
    """
    tiny = np.finfo(probabilities.dtype).tiny
    loss = -np.log(np.maximum(probabilities[np.arange(len(labels)), labels], tiny))
    correct = probabilities.argmax(axis=1) == labels
    if balanced:
        weights = balanced_weights(labels, probabilities.shape[1])[labels]
        return float(np.mean(weights * loss)), float(np.mean(weights * correct))
    return float(loss.mean()), float(np.mean(correct))
