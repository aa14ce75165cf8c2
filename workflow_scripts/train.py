"""Train one variant on one fold."""

import argparse
import json
import platform
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.audio.parameters import N_BANDS
from workflow_scripts.dataset import segments, split
from workflow_scripts.dataset.features import Features
from workflow_scripts.networks import training, weights
from workflow_scripts.networks.architecture import Network, Weights, donated
from workflow_scripts.step import UserError, atomic, run


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=Path, nargs="+", required=True, help="shards")
    parser.add_argument("--labels", type=Path, required=True, help="labels.csv")
    parser.add_argument("--folds", type=Path, required=True, help="folds.csv")
    parser.add_argument("--scaler", type=Path, required=True, help="scaler.json")
    parser.add_argument("--variant", required=True, help="its name")
    parser.add_argument("--network", type=json.loads, required=True, help="its JSON description")
    parser.add_argument("--training", type=json.loads, required=True, help="settings as JSON")
    parser.add_argument("--fold", type=int, required=True, help="the fold to keep for the test")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--gpus", type=int, default=0, help="0 trains on the CPU")
    parser.add_argument(
        "--donors", type=Path, nargs="*", default=[], help="weights.npz, in the order of init"
    )
    parser.add_argument("--model", type=Path, required=True, help="folder to write into")
    return parser.parse_args()


def main() -> None:
    """Command line; Snakemake's rule of the same name calls it."""
    options = parse()
    settings = training.Settings(**options.training)
    tracks = split.read(options.labels, options.folds)
    network = Network.from_config(options.network, N_BANDS, len(tracks.classes))
    features = Features(options.features)
    scaler = segments.read_scaler(options.scaler, options.fold)

    def load(part: str) -> tuple[np.ndarray, np.ndarray]:
        held = tracks.part(options.fold, part)
        inputs, source = segments.load(features, tracks.digest[held], network.frames, scaler)
        return inputs, tracks.target[held][source]

    train, validation = load("train"), load("validation")
    if len(train[0]) < settings.batch_size:
        raise UserError(
            f"fold {options.fold} of {options.variant} has {len(train[0])} training segments, "
            f"fewer than one batch of {settings.batch_size}; lower training.batch_size or add "
            "tracks"
        )

    def rng(epoch: int) -> np.random.Generator:
        return training.generator(options.seed, options.variant, options.fold, epoch)

    start = initial_weights(network, rng(0), options.network["init"], options.donors)
    # Imported late: what can be wrong above is said without waiting for the framework.
    from workflow_scripts.networks.engine_mxnet import VERSION, MXNetEngine

    started = time.time()
    engine = MXNetEngine(network, start, settings.dropout, options.gpus > 0)
    try:
        fit = training.fit(engine, train, validation, settings, rng, print_epoch)
    except training.DivergedError as reason:
        raise UserError(
            f"training {options.variant}, fold {options.fold} diverged: {reason}; lower "
            "training.learning_rate"
        ) from None

    weights.write(options.model / "weights.npz", fit.weights)
    with atomic(options.model / "history.csv") as path:
        pd.DataFrame([asdict(epoch) for epoch in fit.history]).to_csv(path, index=False)
    record = {
        "variant": options.variant,
        "fold": options.fold,
        "seed": options.seed,
        "network": options.network,
        "training": options.training,
        "classes": tracks.classes,
        "n_parameters": network.n_parameters(),
        "n_train_segments": len(train[0]),
        "n_validation_segments": len(validation[0]),
        "n_epochs": len(fit.history),
        "best_epoch": fit.best_epoch,
        "validation_accuracy": fit.history[fit.best_epoch - 1].validation_accuracy,
        "engine": "mxnet",
        "device": "gpu" if options.gpus else "cpu",
        "started": started,
        "seconds": time.time() - started,
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "mxnet": VERSION,
        },
    }
    with atomic(options.model / "fit.json") as path:
        path.write_text(json.dumps(record, indent=2))


def initial_weights(
    network: Network, rng: np.random.Generator, init: dict[str, str], donors: list[Path]
) -> Weights:
    """Random weights; the trunks named in `init` (trunk: variant) come from their donors."""
    fresh = network.initial_weights(rng)
    trained = {trunk: weights.read(donor) for trunk, donor in zip(init, donors, strict=True)}
    return donated(fresh, trained)


def print_epoch(epoch: training.Epoch) -> None:
    """One line of the log."""
    print(
        f"epoch {epoch.epoch}: train loss {epoch.train_loss:.4f}, validation loss "
        f"{epoch.validation_loss:.4f}, validation accuracy {epoch.validation_accuracy:.4f}, "
        f"learning rate {epoch.learning_rate:g}, {epoch.seconds:.2f} s",
        file=sys.stderr,
        flush=True,
    )


if __name__ == "__main__":
    run(main)
