"""Time the PyTorch engine on an NVIDIA GPU: one fold, folds in parallel, and folds side by side.

For each network of the paper: microseconds per step of plain torch.nn layers with optim.SGD and of
our engine, in turns, both with their data on the device; and the seconds that our engine takes for
2000 epochs of one fold of Ballroom, validation included, extrapolated from whole epochs on random
segments. Then several processes train a network in parallel, to find how many saturate the GPU; and
several folds are trained side by side, as one computation. Last, the hours that all of Table I
takes in each of these ways.

    python benchmarks/gpu.py [--rounds 7] [--json FILE]

Requires only NumPy and PyTorch.
"""

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import gpu_members, gpu_processes, plain_torch, projection
from benchmarks.table1 import (
    BATCH,
    DROPOUT,
    EPOCHS,
    FOLDS,
    OF_EACH_KIND,
    RATE,
    VARIANTS,
    random_segments,
)
from workflow_scripts.networks import training
from workflow_scripts.networks.architecture import Network
from workflow_scripts.networks.engine_torch import TorchEngine

STEPS = 200
PROCESSES, MEMBERS = (1, 2, 4, 8, 16), (1, 2, 5, 10)
# The GPU is saturated at this proportion of its highest speed.
SATURATED = 0.95


def engine_of(shape: Network) -> TorchEngine:
    """Our engine on the GPU."""
    return TorchEngine(shape, shape.initial_weights(np.random.default_rng(0)), DROPOUT, gpu=True)


def eager(shape: Network, device: str) -> plain_torch.Step:
    """A training step of eager torch.nn layers with optim.SGD."""
    return plain_torch.step_of(shape, device, DROPOUT, RATE)


def seconds(call: Callable[[], Any]) -> float:
    """Duration of the call, including its work on the device."""
    torch.cuda.synchronize()
    started = time.perf_counter()
    call()
    torch.cuda.synchronize()
    return time.perf_counter() - started


def time_steps(shape: Network, rounds: int) -> dict[str, float]:
    """Microseconds per step of eager PyTorch and of our engine."""
    inputs, labels = random_segments(shape, "train")
    engine, step = engine_of(shape), eager(shape, "cuda")
    placed = engine.place(inputs), engine.place(labels)
    rng = np.random.default_rng(0)
    order = rng.integers(0, len(inputs), (STEPS, BATCH))
    on_device = torch.from_numpy(order).cuda()

    def eagerly() -> None:
        for batch in on_device:
            step(placed[0][batch], placed[1][batch])

    contenders = {
        "pytorch_eager": eagerly,
        "torch": lambda: engine.train(*placed, order, RATE, 0),
    }
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds + 1):
        for name, contender in contenders.items():
            duration = seconds(contender)
            if turn:
                times[name].append(duration / STEPS * 1e6)
    return {name: statistics.median(durations) for name, durations in times.items()}


def time_epoch(shape: Network, rounds: int) -> float:
    """Seconds per epoch of one fold, validation and the protocol included."""
    engine = engine_of(shape)
    settings = training.Settings(RATE, BATCH, rounds + 1, DROPOUT, EPOCHS, 0)
    epochs = training.fit(
        engine,
        random_segments(shape, "train"),
        random_segments(shape, "validation"),
        settings,
        np.random.default_rng,
        training.Progress.start(engine.weights()),
    )
    next(epochs)
    return statistics.median(seconds(lambda: next(epochs)) for _ in range(rounds))


def measure_alone(rounds: int) -> list[dict[str, Any]]:
    """A row for each network; print them."""
    print(f"\n{'network':<20}{'eager us':>10}{'ours us':>10}{'ratio':>8}{'s per fold':>12}")
    rows = []
    for name, shape in VARIANTS.items():
        row = time_steps(shape, rounds) | {"fold_seconds": time_epoch(shape, rounds) * EPOCHS}
        rows.append({"network": name} | row)
        eager_us, ours, fold = row.values()
        print(f"{name:<20}{eager_us:>10.1f}{ours:>10.1f}{eager_us / ours:>8.2f}{fold:>12.0f}")
    return rows


def measure_processes() -> dict[str, dict[str, Any]]:
    """Steps per second in parallel processes, by network and number of processes; print them."""
    print("\nSteps per second of parallel processes in total, and how many saturate the GPU")
    print(f"{'network':<20}" + "".join(f"{n:>9}" for n in PROCESSES) + f"{'full at':>9}")
    paces = {}
    for name in OF_EACH_KIND:
        pace = {n: gpu_processes.steps_a_second(name, n) for n in PROCESSES}
        full = min(n for n in pace if pace[n] >= SATURATED * max(pace.values()))
        paces[name] = {"steps_a_second": pace, "full_at": full}
        print(
            f"{name:<20}" + "".join(f"{p:>9.0f}" for p in pace.values()) + f"{full:>9}", flush=True
        )
    return paces


def measure_side_by_side(rounds: int) -> dict[str, dict[int, float]]:
    """Microseconds per step and fold, by network and number of folds; print them."""
    print("\nMicroseconds per step and fold of folds side by side in one computation")
    print(f"{'network':<20}" + "".join(f"{n:>9}" for n in MEMBERS))
    times = {}
    for name in OF_EACH_KIND:
        times[name] = {n: gpu_members.time_steps(VARIANTS[name], n, rounds) for n in MEMBERS}
        print(f"{name:<20}" + "".join(f"{t:>9.1f}" for t in times[name].values()), flush=True)
    return times


def project(
    rows: list[dict[str, Any]], paces: dict[str, dict[str, Any]], rounds: int
) -> list[projection.Epochs]:
    """The epochs of all networks in each way; print the hours of Table I."""
    epochs = []
    for row in rows:
        name = row["network"]
        (kind,) = (k for k in OF_EACH_KIND if k.partition("_")[0] == name.partition("_")[0])
        pace = paces[kind]["steps_a_second"]
        speedup = max(pace.values()) / pace[1]
        together = gpu_members.time_epoch(VARIANTS[name], FOLDS, rounds)
        epochs.append(projection.Epochs(name, row["fold_seconds"] / EPOCHS, speedup, together))
    print("", *projection.lines(epochs), sep="\n")
    return epochs


def main() -> None:
    """Print the tables; with --json write all measurements."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, help="file for the measurements")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("error: PyTorch finds no GPU; run this on a machine with an NVIDIA GPU")
    device = torch.cuda.get_device_name()
    print(f"{device}, PyTorch {torch.__version__}")
    rows = measure_alone(options.rounds)
    paces = measure_processes()
    times = measure_side_by_side(options.rounds)
    epochs = project(rows, paces, options.rounds)
    if options.json:
        record = {
            "device": device,
            "versions": {
                "python": platform.python_version(),
                "numpy": np.__version__,
                "torch": torch.__version__,
            },
            "microseconds_a_step": rows,
            "processes": paces,
            "side_by_side_microseconds": times,
            "epochs": [asdict(row) for row in epochs],
            "hours_of_table1": projection.total(epochs),
        }
        options.json.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
