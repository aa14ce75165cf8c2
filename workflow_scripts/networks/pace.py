"""Measure how fast this machine trains: a few steps of each network in parallel processes."""

import multiprocessing
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from threading import BrokenBarrierError
from typing import Any

import numpy as np

from workflow_scripts.devices.gpus import claim
from workflow_scripts.errors import UserError
from workflow_scripts.networks.architecture import Network
from workflow_scripts.networks.engine import engine_class

# Duration of the measurement of training steps; predictions take a quarter of it.
SECONDS = 1.0
STEPS, PREDICTIONS = 10, 100


@dataclass(frozen=True)
class Pace:
    """Seconds per training step and per predicted segment, with all processes running."""

    step: float
    prediction: float


@dataclass(frozen=True)
class Subject:
    """A network and the settings that determine the duration of a step."""

    network: Network
    batch_size: int
    dropout: float


def measure(
    subjects: Mapping[str, Subject], engine: str, n_processes: int, places_per_gpu: int
) -> tuple[float, dict[str, Pace]]:
    """Seconds until a process is ready to train, and the pace of each subject.

    Both are means over `n_processes` parallel processes. On GPUs, `places_per_gpu` of them share
    one; 0 is for CPUs. Raises UserError if there are too few GPUs or a process is killed.
    """
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(n_processes)
    with ProcessPoolExecutor(n_processes, context, _share, (barrier,)) as pool:
        submitted = time.time()
        futures = [
            pool.submit(_work, subjects, engine, places_per_gpu, submitted)
            for _ in range(n_processes)
        ]
        failures = [failure for future in futures if (failure := future.exception())]
        # A failed process breaks the barrier of the others; the cause is its own exception.
        for failure in sorted(failures, key=lambda f: isinstance(f, BrokenBarrierError)):
            if isinstance(failure, BrokenProcessPool):
                raise UserError(
                    f"one of {n_processes} timed processes was killed, perhaps for lack of "
                    "memory; use fewer cores"
                )
            raise failure
        results = [future.result() for future in futures]
    ready = float(np.mean([start for start, _ in results]))
    return ready, {
        name: Pace(
            float(np.mean([paces[name].step for _, paces in results])),
            float(np.mean([paces[name].prediction for _, paces in results])),
        )
        for name in subjects
    }


_barrier: Any = None


def _share(barrier: Any) -> None:
    # A barrier can be passed to a process only at its start.
    global _barrier
    _barrier = barrier


def _work(
    subjects: Mapping[str, Subject], engine: str, places_per_gpu: int, submitted: float
) -> tuple[float, dict[str, Pace]]:
    try:
        gpu = places_per_gpu > 0
        with claim(engine, int(gpu), places_per_gpu, wait=False):
            engine_type = engine_class(engine)
            start = time.time() - submitted
            paces = {}
            for name, subject in subjects.items():
                rng = np.random.default_rng(0)
                network = subject.network
                weights = network.initial_weights(rng)
                instance = engine_type(network, weights, subject.dropout, gpu)
                n = max(subject.batch_size * STEPS, PREDICTIONS)
                shape = (n, network.bands, network.frames)
                inputs = instance.place(rng.standard_normal(shape, dtype=np.float32))
                labels = instance.place(rng.integers(0, network.n_classes, n))
                order = rng.permutation(n)[: subject.batch_size * STEPS].reshape(STEPS, -1)
                step = _seconds(lambda i=instance, a=(inputs, labels, order, 0.01, 0): i.train(*a))
                some = inputs[:PREDICTIONS]
                prediction = _seconds(lambda i=instance, a=some: i.probabilities(a), 0.25)
                paces[name] = Pace(step / STEPS, prediction / PREDICTIONS)
            return start, paces
    except BaseException:
        _barrier.abort()
        raise


def _seconds(call: Any, share: float = 1.0) -> float:
    """Mean seconds of a call after one warm-up, while the other processes make the same call."""
    call()
    _barrier.wait()
    started, calls = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - started) < SECONDS * share:
        call()
        calls += 1
    return elapsed / calls
