"""Time a training step of the MXNet engine with three forms of a pool that spans an axis.

The forms are one 2-D pool; one 1-D pool over the last axis; several short 2-D pools in sequence, as
in the engine. All three return the same values. One thread, batches of 10, random data. The forms
run in turns, and their medians are compared.

    python benchmarks/pools.py [--rounds 20]
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from workflow_scripts.networks import engine_mxnet, mxnet_layers  # noqa: E402
from workflow_scripts.networks.architecture import Network  # noqa: E402
from workflow_scripts.networks.layers import Shape  # noqa: E402
from workflow_scripts.workflow import configuration  # noqa: E402

VARIANTS = ("time_1x60", "time_1x200", "frequency_32x1", "timefrequency")
STEPS = 20


def one_2d(F: Any, values: Any, pool: Shape, kind: str) -> Any:  # noqa: N803 - Gluon's name
    """One 2-D pool."""
    return F.Pooling(values, kernel=pool, stride=pool, pool_type=kind)


def one_1d(F: Any, values: Any, pool: Shape, kind: str) -> Any:  # noqa: N803
    """A 1-D pool over the reshaped last axis; correct only if it spans that axis."""
    values = F.reshape(values, shape=(0, -3, 0))
    values = F.Pooling(values, kernel=pool[1:], stride=pool[1:], pool_type=kind)
    return F.reshape(values, shape=(0, -4, 32, -1, 0))


def engine_with(pool: Callable, network: Network) -> engine_mxnet.MXNetEngine:
    """An engine whose graph has this form of pool."""
    original, mxnet_layers.in_stages = mxnet_layers.in_stages, pool
    try:
        weights = network.initial_weights(np.random.default_rng(0))
        engine = engine_mxnet.MXNetEngine(network, weights, 0.5, gpu=False)
        # The graph is traced at its first use.
        engine.probabilities(np.zeros((1, network.bands, network.frames), np.float32))
        return engine
    finally:
        mxnet_layers.in_stages = original


def main() -> None:
    """Print one row per variant."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    configuration.complete(config, ROOT / "config.yaml")
    forms = {"one 2-D": one_2d, "one 1-D": one_1d, "several short": mxnet_layers.in_stages}
    print("ms per step     " + "".join(f"{form:>15}" for form in forms) + "  1-D / several")
    rng = np.random.default_rng(0)
    for variant in VARIANTS:
        network = Network.from_config(config["variants"][variant], 40, 8)
        engines = {name: engine_with(form, network) for name, form in forms.items()}
        inputs = rng.standard_normal((10 * STEPS, 40, network.frames)).astype(np.float32)
        labels = rng.integers(0, 8, len(inputs))
        batches = np.arange(len(inputs)).reshape(STEPS, 10)
        times: dict[str, list[float]] = {name: [] for name in forms}
        for turn in range(rounds + 1):
            for name, engine in engines.items():
                started = time.perf_counter()
                engine.train(inputs, labels, batches, 0.01, seed=0)
                if turn:
                    times[name].append((time.perf_counter() - started) / STEPS * 1000)
        medians = {name: float(np.median(taken)) for name, taken in times.items()}
        ratio = medians["one 1-D"] / medians["several short"]
        print(f"{variant:<16}" + "".join(f"{m:15.2f}" for m in medians.values()) + f"{ratio:15.2f}")


if __name__ == "__main__":
    main()
