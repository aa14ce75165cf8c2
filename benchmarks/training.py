"""Time training steps and epochs on one CPU thread: frameworks' plain layers against our engines.

Steps: batches of 10 from one array of random segments, dropout 0.5, plain SGD. Contenders: Gluon's
layers with its Trainer (plain_gluon), torch.nn layers with optim.SGD (pytorch_eager), our engines
(mxnet, torch). They run in turns, block by block, and their medians are compared. Epochs: a whole
epoch of our training (shuffling, batches, validation, bookkeeping) against its steps alone, which
repeat one batch. Times are of the CPU, on which other work on the machine has less influence. lidy,
choi and musicnn_small are those of the presets, without plain_gluon.

    python benchmarks/training.py [--variants ...] [--rounds 15] [--json FILE]

Requires both frameworks: make env TORCH=1.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
import yaml

from benchmarks import gpu, table1
from benchmarks.table1 import BANDS, BATCH, CLASSES, DROPOUT, RATE
from workflow_scripts.networks import training
from workflow_scripts.networks.architecture import Network
from workflow_scripts.networks.engine import Engine, engine_class
from workflow_scripts.networks.loaded_mxnet import autograd, gluon, mx

ROOT = Path(__file__).parents[1]
VARIANTS = (
    "blackbox_12x8",
    "blackbox_12x200",
    "time_1x60",
    "time_1x200",
    "frequency_32x1",
    "timefrequency",
)
# By the name of their preset; musicnn's is of its small network.
OF_PRESETS = {"lidy": "lidy", "choi": "choi", "musicnn_small": "musicnn"}
STEPS = 10
# Numbers of segments in a timed epoch: eight folds train and one validates.
TRAIN, VALIDATION = 400, 50

Step = Callable[[np.ndarray, np.ndarray], Any]


def network_of_preset(name: str) -> Network:
    """The network of a preset from the literature."""
    preset = yaml.safe_load((ROOT / f"presets/{OF_PRESETS[name]}.yaml").read_text())
    bands = preset.get("front_end", {}).get("n_bands", BANDS)
    return Network.from_config({"hidden": 0} | preset["variants"][name], bands, CLASSES)


def plain_gluon(network: Network) -> Step:
    """Gluon's layers in sequence, hybridised, with its loss and its Trainer."""
    nn = gluon.nn
    trunks = gluon.contrib.nn.HybridConcurrent(axis=1)
    for trunk in network.trunks.values():
        layers = nn.HybridSequential()
        layers.add(
            nn.Conv2D(trunk.n_filters, trunk.filter, activation="relu", in_channels=1),
            nn.MaxPool2D(trunk.pool, trunk.pool),
            nn.Flatten(),
        )
        trunks.add(layers)
    net = nn.HybridSequential()
    net.add(trunks, nn.Dropout(DROPOUT))
    if network.hidden:
        net.add(nn.Dense(network.hidden, activation="relu"), nn.Dropout(DROPOUT))
    net.add(nn.Dense(network.n_classes))
    net.initialize(mx.init.Xavier())
    net.hybridize()
    loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": RATE})

    def step(inputs: np.ndarray, labels: np.ndarray) -> Any:
        batch, target = mx.nd.array(inputs[:, np.newaxis]), mx.nd.array(labels)
        with autograd.record():
            loss = loss_of(net(batch), target)
        loss.backward()
        trainer.step(len(inputs))
        return loss.wait_to_read

    return step


def pytorch_eager(network: Network) -> Step:
    """torch.nn layers in sequence, with optim.SGD."""
    step_of = gpu.eager(network, "cpu")

    def step(inputs: np.ndarray, labels: np.ndarray) -> Any:
        return step_of(torch.from_numpy(inputs), torch.from_numpy(labels)).item

    return step


def seconds(call: Callable[[], Any]) -> float:
    """CPU time of the call."""
    started = time.process_time()
    call()
    return time.process_time() - started


def block(step: Step, inputs: np.ndarray, labels: np.ndarray, order: np.ndarray) -> None:
    """Run the steps of a contender and wait for the last one."""
    for batch in order:
        wait = step(inputs[batch], labels[batch])
    wait()


def take_turns(contenders: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Median CPU seconds of each contender; the first round is a warm-up."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds + 1):
        for name, contender in contenders.items():
            duration = seconds(contender)
            if turn:
                times[name].append(duration)
    return {name: float(np.median(durations)) for name, durations in times.items()}


def engines_of(network: Network) -> dict[str, Engine]:
    """Both engines with the same weights."""
    weights = network.initial_weights(np.random.default_rng(0))
    return {
        name: engine_class(name)(network, weights, DROPOUT, gpu=False)
        for name in ("mxnet", "torch")
    }


def random_segments(network: Network, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Random inputs (n, bands, frames) and labels (n,)."""
    rng = np.random.default_rng(1)
    inputs = rng.standard_normal((n, network.bands, network.frames), dtype=np.float32)
    return inputs, rng.integers(0, CLASSES, n)


def time_steps(network: Network, rounds: int, of_paper: bool) -> dict[str, float]:
    """CPU milliseconds per step of each contender; plain_gluon only for networks `of_paper`."""
    inputs, labels = random_segments(network, BATCH * STEPS)
    order = np.arange(len(inputs)).reshape(STEPS, BATCH)
    plain = {"pytorch_eager": pytorch_eager(network)}
    if of_paper:
        plain = {"plain_gluon": plain_gluon(network), **plain}
    contenders: dict[str, Callable[[], Any]] = {
        name: lambda step=step: block(step, inputs, labels, order) for name, step in plain.items()
    }
    for name, engine in engines_of(network).items():
        placed = engine.place(inputs), engine.place(labels)
        contenders[name] = lambda engine=engine, placed=placed: engine.train(
            *placed, order, RATE, 0
        )
    medians = take_turns(contenders, rounds)
    return {"plain_gluon": np.nan} | {name: s / STEPS * 1000 for name, s in medians.items()}


def time_epochs(network: Network, rounds: int) -> dict[str, float]:
    """CPU time of an epoch of each engine, divided by that of its steps alone."""
    train, validation = random_segments(network, TRAIN), random_segments(network, VALIDATION)
    settings = training.Settings(RATE, BATCH, rounds + 1, DROPOUT, 40, 0)
    repeated = np.tile(np.arange(BATCH), (TRAIN // BATCH, 1))
    contenders: dict[str, Callable[[], Any]] = {}
    for name, engine in engines_of(network).items():
        start = training.Progress.start(engine.weights())
        epochs = training.fit(engine, train, validation, settings, np.random.default_rng, start)
        placed = engine.place(train[0][:BATCH]), engine.place(train[1][:BATCH])
        contenders[f"{name} epoch"] = lambda epochs=epochs: next(epochs)
        contenders[f"{name} steps"] = lambda engine=engine, placed=placed: engine.train(
            *placed, repeated, RATE, 0
        )
    medians = take_turns(contenders, rounds)
    return {
        name: medians[f"{name} epoch"] / medians[f"{name} steps"] for name in ("mxnet", "torch")
    }


def main() -> None:
    """Print the tables; with --json write the rows of the first one."""
    names = (*VARIANTS, *OF_PRESETS)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variants", nargs="+", choices=names, default=names)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path, help="file for the milliseconds per step")
    options = parser.parse_args()
    torch.set_num_threads(1)
    networks = {
        name: table1.VARIANTS[name] if name in VARIANTS else network_of_preset(name)
        for name in options.variants
    }

    print("CPU milliseconds per step, and speed-up of the engines")
    print(
        f"{'network':<16}{'plain_gluon':>12}{'pytorch_eager':>14}{'mxnet':>8}{'torch':>8}", end=""
    )
    print(f"{'gluon/mxnet':>13}{'pytorch/mxnet':>15}{'pytorch/torch':>15}")
    rows = []
    for name, network in networks.items():
        row = time_steps(network, options.rounds, of_paper=name in VARIANTS)
        rows.append({"network": name} | row)
        gluon_ms, eager, mxnet, ours = row.values()
        print(f"{name:<16}{gluon_ms:>12.2f}{eager:>14.2f}{mxnet:>8.2f}{ours:>8.2f}", end="")
        print(f"{gluon_ms / mxnet:>13.2f}{eager / mxnet:>15.2f}{eager / ours:>15.2f}", flush=True)
    pairs = [("plain_gluon", "mxnet"), ("pytorch_eager", "mxnet"), ("pytorch_eager", "torch")]
    means = [np.exp(np.nanmean([np.log(r[a] / r[b]) for r in rows])) for a, b in pairs]
    print(f"{'geometric mean':<58}{means[0]:>13.2f}{means[1]:>15.2f}{means[2]:>15.2f}")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")

    print("\nCPU time of an epoch divided by that of its steps alone")
    print(f"{'network':<16}{'mxnet':>8}{'torch':>8}")
    for name, network in networks.items():
        ratios = time_epochs(network, min(options.rounds, 5))
        print(f"{name:<16}{ratios['mxnet']:>8.3f}{ratios['torch']:>8.3f}", flush=True)


if __name__ == "__main__":
    main()
