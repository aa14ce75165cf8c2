"""Time the PyTorch engine on an NVIDIA GPU against eager PyTorch, and folds in parallel.

For each network of the paper: microseconds per step of plain torch.nn layers with optim.SGD and of
our engine, in turns, both with their data on the device; and the seconds that our engine takes for
2000 epochs of one fold of Ballroom, validation included, extrapolated from whole epochs on random
segments. Then several processes train a network in parallel, to find how many saturate the GPU.

    python benchmarks/gpu.py [--rounds 7] [--json FILE]

Requires only NumPy and PyTorch.
"""

import argparse
import json
import multiprocessing
import multiprocessing.synchronize
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import plain_torch
from workflow_scripts.networks import training
from workflow_scripts.networks.architecture import Network
from workflow_scripts.networks.engine_torch import TorchEngine
from workflow_scripts.networks.layers import Shape

BANDS, CLASSES, BATCH, RATE, DROPOUT, EPOCHS = 40, 8, 10, 0.01, 0.5, 2000
STEPS = 200
# Ballroom has 698 tracks: eight folds of ten train and one validates.
TRACKS = {"train": 558, "validation": 70}
SEGMENTS_A_TRACK = {80: 16, 250: 5}
SIDE_BY_SIDE = (1, 2, 4, 8, 16)
SIDE_BY_SIDE_SECONDS = 3
# One of each architecture: the number of folds that saturate the GPU depends on the size.
SIDE_BY_SIDE_VARIANTS = ("blackbox_12x8", "time_1x60", "frequency_32x1", "timefrequency")
# The GPU is saturated at this proportion of its highest speed.
SATURATED = 0.95


def network(frames: int, hidden: int, **trunks: tuple[Shape, Shape]) -> Network:
    """A network with 32 filters per trunk; `trunks` has the filter and pool of each."""
    with_32_filters = {
        name: {"filter": filter_, "pool": pool, "n_filters": 32}
        for name, (filter_, pool) in trunks.items()
    }
    description = {"input_frames": frames, "trunks": with_32_filters, "hidden": hidden}
    return Network.from_config(description, BANDS, CLASSES)


def time_trunk(n: int) -> tuple[Shape, Shape]:
    """The filter (1, n) and its pool."""
    return (1, n), (40, 1)


def frequency_trunk(m: int) -> tuple[Shape, Shape]:
    """The filter (m, 1) and its pool."""
    return (m, 1), (1, 80)


BOTH = {"time": time_trunk(60), "frequency": frequency_trunk(32)}
# As in config.yaml; reading that would require a YAML library.
VARIANTS = {
    "blackbox_12x8": network(80, 200, rectangle=((12, 8), (4, 1))),
    "blackbox_12x200": network(250, 200, rectangle=((12, 200), (4, 1))),
    "time_1x60": network(80, 0, time=time_trunk(60)),
    "time_1x200": network(250, 0, time=time_trunk(200)),
    **{
        f"frequency_{m}x1": network(80, 0, frequency=frequency_trunk(m))
        for m in (30, 32, 34, 36, 38, 40)
    },
    "timefrequency": network(80, 200, **BOTH),
    "timefrequency_init": network(80, 200, **BOTH),
}


def random_segments(shape: Network, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Random inputs (segments, bands, frames) and labels, as many as a part of a Ballroom fold."""
    rng = np.random.default_rng(len(part))
    n = TRACKS[part] * SEGMENTS_A_TRACK[shape.frames]
    inputs = rng.standard_normal((n, shape.bands, shape.frames), dtype=np.float32)
    return inputs, rng.integers(0, CLASSES, n)


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


def time_fold(shape: Network, rounds: int) -> float:
    """Seconds for 2000 epochs of one fold."""
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
    return statistics.median(seconds(lambda: next(epochs)) for _ in range(rounds)) * EPOCHS


def work(name: str, barrier: multiprocessing.synchronize.Barrier, paces: Any) -> None:
    """Train in one of several processes after a common start; put the steps per second."""
    shape = VARIANTS[name]
    engine = engine_of(shape)
    inputs, labels = (engine.place(a) for a in random_segments(shape, "train"))
    order = np.arange(STEPS * BATCH).reshape(STEPS, BATCH) % len(inputs)
    engine.train(inputs, labels, order, RATE, 0)
    barrier.wait(timeout=300)
    started, n_steps = time.perf_counter(), 0
    while time.perf_counter() - started < SIDE_BY_SIDE_SECONDS:
        engine.train(inputs, labels, order, RATE, 0)
        n_steps += STEPS
    paces.put(n_steps / (time.perf_counter() - started))


def side_by_side(name: str, n_processes: int) -> float:
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
    print(f"\n{'network':<20}{'eager us':>10}{'ours us':>10}{'ratio':>8}{'s per fold':>12}")
    rows = []
    for name, shape in VARIANTS.items():
        row = time_steps(shape, options.rounds) | {"fold_seconds": time_fold(shape, options.rounds)}
        rows.append({"network": name} | row)
        eager_us, ours, fold = row.values()
        print(f"{name:<20}{eager_us:>10.1f}{ours:>10.1f}{eager_us / ours:>8.2f}{fold:>12.0f}")
    print("\nSteps per second of parallel folds in total, and how many saturate the GPU")
    print(f"{'network':<20}" + "".join(f"{n:>9}" for n in SIDE_BY_SIDE) + f"{'full at':>9}")
    paces = {}
    for name in SIDE_BY_SIDE_VARIANTS:
        pace = {n: side_by_side(name, n) for n in SIDE_BY_SIDE}
        full = min(n for n in pace if pace[n] >= SATURATED * max(pace.values()))
        paces[name] = {"steps_a_second": pace, "full_at": full}
        print(
            f"{name:<20}" + "".join(f"{p:>9.0f}" for p in pace.values()) + f"{full:>9}", flush=True
        )
    if options.json:
        record = {
            "device": device,
            "versions": {
                "python": platform.python_version(),
                "numpy": np.__version__,
                "torch": torch.__version__,
            },
            "microseconds_a_step": rows,
            "side_by_side": paces,
        }
        options.json.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
