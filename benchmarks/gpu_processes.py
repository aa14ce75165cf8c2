"""Several processes that train on one GPU at a time. Requires only NumPy and PyTorch."""

import multiprocessing
import multiprocessing.synchronize
import time
from typing import Any

import numpy as np

from benchmarks.table1 import BATCH, DROPOUT, RATE, VARIANTS, random_segments
from workflow_scripts.networks.engine_torch import TorchEngine

STEPS, SECONDS = 200, 3


def work(name: str, barrier: multiprocessing.synchronize.Barrier, paces: Any) -> None:
    """Train in one of several processes after a common start; put the steps per second."""
    shape = VARIANTS[name]
    weights = shape.initial_weights(np.random.default_rng(0))
    engine = TorchEngine(shape, weights, DROPOUT, gpu=True)
    inputs, labels = (engine.place(a) for a in random_segments(shape, "train"))
    order = np.arange(STEPS * BATCH).reshape(STEPS, BATCH) % len(inputs)
    engine.train(inputs, labels, order, RATE, 0)
    barrier.wait(timeout=300)
    started, n_steps = time.perf_counter(), 0
    while time.perf_counter() - started < SECONDS:
        engine.train(inputs, labels, order, RATE, 0)
        n_steps += STEPS
    paces.put(n_steps / (time.perf_counter() - started))


def steps_a_second(name: str, n_processes: int) -> float:
    """Total steps per second of parallel processes."""
    context = multiprocessing.get_context("spawn")
    barrier, paces = context.Barrier(n_processes), context.Queue()
    processes = [
        context.Process(target=work, args=(name, barrier, paces), daemon=True)
        for _ in range(n_processes)
    ]
    for process in processes:
        process.start()
    total = sum(paces.get(timeout=300) for _ in processes)
    for process in processes:
        process.join()
    return total
