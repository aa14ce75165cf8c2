"""Several folds side by side in one computation. Requires only NumPy and PyTorch."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.table1 import BATCH, DROPOUT, EPOCHS, RATE, random_segments
from workflow_scripts.networks import side_by_side
from workflow_scripts.networks.architecture import Network, Weights
from workflow_scripts.networks.engine_torch import TorchEngine
from workflow_scripts.networks.side_by_side import Member
from workflow_scripts.networks.torch_side_by_side import TorchSideBySide
from workflow_scripts.networks.training import Progress, Settings

STEPS = 200


def time_steps(shape: Network, n_members: int, rounds: int, gpu: bool = True) -> float:
    """Microseconds per step and member, without validation."""
    segments = random_segments(shape, "train")
    together = TorchSideBySide(
        shape,
        _weights(shape, n_members),
        DROPOUT,
        gpu,
        [segments] * n_members,
        [segments[0][:1]] * n_members,
    )
    rng = np.random.default_rng(0)
    batches = [rng.integers(0, len(segments[1]), (STEPS, BATCH)) for _ in range(n_members)]
    own = [RATE] * n_members, list(range(n_members))
    return _median(lambda: together.train(batches, *own), rounds) / STEPS / n_members * 1e6


def time_epoch(shape: Network, n_members: int, rounds: int, gpu: bool = True) -> float:
    """Seconds per epoch of all members together, validation and the protocol included."""
    train, validation = (random_segments(shape, part) for part in ("train", "validation"))
    members = [
        Member(train, validation, np.random.default_rng, Progress.start(weights))
        for weights in _weights(shape, n_members)
    ]
    settings = Settings(RATE, BATCH, rounds + 1, DROPOUT, EPOCHS, 0)
    epochs = side_by_side.fit(TorchEngine, shape, members, settings, gpu)
    return _median(lambda: next(epochs), rounds)


def _weights(shape: Network, n_members: int) -> list[Weights]:
    return [shape.initial_weights(np.random.default_rng(member)) for member in range(n_members)]


def _median(call: Callable[[], Any], rounds: int) -> float:
    """The median duration of a call that waits for the device, after a first one."""
    durations = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        call()
        durations.append(time.perf_counter() - started)
    return statistics.median(durations[1:])
