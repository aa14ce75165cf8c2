"""The training protocol for several folds of one variant, computed together."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from workflow_scripts.networks.architecture import Network
from workflow_scripts.networks.engine import Engine
from workflow_scripts.networks.training import DivergedError, Progress, Settings, Training


@dataclass(frozen=True)
class Member:
    """The training of one fold.

    Segments are inputs, float32 (segments, bands, frames), and labels, int (segments,). Training
    continues from `progress`; members may be at different epochs. `class_weights` as in `Engine`.
    """

    train: tuple[np.ndarray, np.ndarray]
    validation: tuple[np.ndarray, np.ndarray]
    epoch_generator: Callable[[int], np.random.Generator]
    progress: Progress
    class_weights: np.ndarray | None = None


def gains(engine_type: type[Engine], gpu: bool) -> bool:
    """Whether the engine trains several members together faster than one after another.

    A CPU computes all the time in either case; only a GPU waits for the launches of small steps.
    """
    return gpu and engine_type.SIDE_BY_SIDE is not None


def fit(
    engine_type: type[Engine],
    network: Network,
    members: Sequence[Member],
    settings: Settings,
    gpu: bool,
) -> Iterator[list[Progress | DivergedError | None]]:
    """Train all members side by side; yield what came of each epoch, an item for each member.

    This is its new progress; or its DivergedError, after which it drops out; or None if it had
    ended before. Ends when all have ended. Each is trained as by `training.fit`. `seconds` of its
    epochs are its share of the common time.

    Raises UserError if there is no GPU that the engine can use, ValueError if the engine has no
    `SIDE_BY_SIDE`.
    """
    if engine_type.SIDE_BY_SIDE is None:
        raise ValueError(f"the engine {engine_type.NAME} does not train side by side")
    trainings = [
        Training((m.train[1], m.validation[1]), settings, m.epoch_generator, m.progress)
        for m in members
    ]
    running = [k for k, training in enumerate(trainings) if not training.has_ended]
    if not running:
        return
    engine = engine_type.SIDE_BY_SIDE(
        network,
        [members[k].progress.weights for k in running],
        settings.dropout,
        gpu,
        [members[k].train for k in running],
        [members[k].validation[0] for k in running],
        _class_weights([members[k] for k in running], network.n_classes),
    )
    while running:
        started = time.perf_counter()
        draws = [trainings[k].draw() for k in running]
        trained = engine.train(
            [draw.batches for draw in draws],
            [draw.learning_rate for draw in draws],
            [draw.seed for draw in draws],
        )
        probabilities = engine.probabilities()
        seconds = (time.perf_counter() - started) / len(running)
        results: list[Progress | DivergedError | None] = [None] * len(members)
        continuing = []
        for position, (k, weights) in enumerate(zip(running, engine.weights(), strict=True)):
            outcome = trained[position], probabilities[position], weights, seconds
            try:
                results[k] = trainings[k].finish(draws[position], *outcome)
            except DivergedError as reason:
                results[k] = reason
            else:
                if not trainings[k].has_ended:
                    continuing.append(position)
        yield results
        if 0 < len(continuing) < len(running):
            engine.keep(continuing)
        running = [running[position] for position in continuing]


def _class_weights(members: Sequence[Member], n_classes: int) -> list[np.ndarray] | None:
    """The class weights of each member; None if none has any."""
    if all(member.class_weights is None for member in members):
        return None
    ones = np.ones(n_classes, np.float32)
    return [ones if m.class_weights is None else m.class_weights for m in members]
