"""Damage one file of finished results at a time and run the steps that read it.

    python -m tests.fuzz_results results/smoke [--rounds 400] [--seed 0]

RESULTS is a finished run, best a small one; it is copied. A round flips bits of a random file, cuts
it, appends to it, overwrites or deletes a part, or puts another file of the results or a folder in
its place. Then each step that reads the file runs in this process. Allowed outcomes are the outputs
of the undamaged results, byte by byte, and a refusal in one sentence that names the file. Anything
else is a failure, such as another exception or other outputs.
"""

import argparse
import json
import pickle
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from unittest import mock

import numpy as np

from tests.runs import shared_files
from workflow_scripts.commands import pack_model
from workflow_scripts.errors import FIXABLE_OS_ERRORS, UserError
from workflow_scripts.report import filter_texts, material
from workflow_scripts.steps import (
    assign_folds,
    evaluate,
    evaluate_baselines,
    fit_scaler,
    report,
    tabulate,
    tabulate_interventions,
    train,
)
from workflow_scripts.workflow import configuration
from workflow_scripts.workflow.training_settings import network_of, settings_of, training_of


@dataclass(frozen=True)
class Reader:
    """Something that reads files of results: `run` returns its outputs by name."""

    name: str
    reads: Callable[[Path], bool]
    run: Callable[[], dict[str, bytes]]


class Results:
    """Finished results in a folder of their own, and the steps that read them."""

    def __init__(self, results, folder):
        self.folder = folder / "workflow/results/any"
        self.out = folder / "out"
        ignored = shutil.ignore_patterns("logs", "benchmarks", "figures")
        shutil.copytree(results, self.folder, ignore=ignored)
        features = Path("data/features")
        source, copy = results.absolute().parents[1], folder / "workflow"
        shutil.copytree(source / features, copy / features, ignore=ignored)
        self.config = configuration.read_complete(self.folder / "config.yaml")
        self.variants = list(self.config["variants"])
        # The variant with donors reads most files, the other is fast.
        self.variant = "timefrequency_init" if "timefrequency_init" in self.variants else None
        self.fast = "time_1x60"

    def files(self, pattern):
        """The files of a pattern, in order."""
        return sorted(self.folder.glob(pattern))

    def of_models(self, pattern):
        """The files of all models, variant by variant, fold by fold."""
        folds = range(self.config["folds"])
        return [self.folder / pattern.format(v, k) for v in self.variants for k in folds]

    def of_variants(self, pattern):
        """One file per variant."""
        return [self.folder / pattern.format(v) for v in self.variants]

    def data(self, scaler=True):
        """Options of `experiment_data.add_options`."""
        options = {
            "features": shared_files(self.folder, "[0-9]*/shard-*.npy"),
            "index": shared_files(self.folder, "[0-9]*/shard-*.csv"),
            "folds": self.folder / "folds.csv",
        }
        return options | ({"scaler": self.folder / "scaler.json"} if scaler else {})

    def of_fast(self, pattern):
        """The files of the models of the fast variant."""
        return [self.folder / pattern.format(self.fast, k) for k in range(self.config["folds"])]

    def readers(self):
        """Each reader once."""
        return [
            self.step(assign_folds, self.folds_options(), ["folds", "skipped"]),
            self.step(fit_scaler, self.scaler_options(), ["scaler"]),
            self.step(evaluate_baselines, self.baselines_options(), ["baselines"]),
            self.step(evaluate, self.evaluate_options(), ["predictions"]),
            self.step(tabulate, self.tabulate_options(), ["table"]),
            self.step(tabulate_interventions, self.interventions_options(), ["table"]),
            self.report(),
            self.packing(),
            *([self.training()] if self.variant else []),
        ]

    def step(self, module, options, written):
        """A step as a reader; options named in `written` are its outputs."""
        flat = [part for value in options.values() for part in as_list(value)]
        inputs = {path for path in flat if isinstance(path, Path) and self.out not in path.parents}

        def run():
            self.fresh()
            call(module, command_line(options))
            outputs = [path for name in written for path in as_list(options[name])]
            return {str(path.relative_to(self.out)): path.read_bytes() for path in outputs}

        return Reader(module.__name__.split(".")[-1], inputs.__contains__, run)

    def fresh(self):
        """Empty the folder of outputs."""
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir()

    def folds_options(self):
        """Options of assign_folds."""
        return {
            "tracks": self.folder / "tracks.csv",
            "index": shared_files(self.folder, "[0-9]*/shard-*.csv"),
            "pairs": self.folder / "replicas.csv",
            "excluded": self.folder / "excluded.csv",
            "inputs": json.dumps(
                {name: v["input_frames"] for name, v in self.config["variants"].items()}
            ),
            "on_bad_audio": self.config["on_bad_audio"],
            "replicas": self.config["replicas"],
            "n_folds": self.config["folds"],
            "seed": self.config["seed"],
            "folds": self.out / "folds.csv",
            "skipped": self.out / "skipped.csv",
        }

    def scaler_options(self):
        """Options of fit_scaler."""
        return {
            "index": shared_files(self.folder, "[0-9]*/shard-*.csv"),
            "folds": self.folder / "folds.csv",
            "normalisation": self.config["normalisation"],
            "scaler": self.out / "scaler.json",
        }

    def baselines_options(self):
        """Options of evaluate_baselines."""
        return self.data(scaler=False) | {
            "tempi": shared_files(self.folder, "tempi/*.csv"),
            "tracks": self.folder / "tracks.csv",
            "baselines": self.out / "baselines.csv",
        }

    def evaluate_options(self):
        """Options of evaluate, for the fast variant."""
        return self.data() | {
            "variant": self.fast,
            "network": json.dumps(network_of(self.config, self.fast)),
            "weights": self.of_fast("models/{}/fold-{}/weights.npz"),
            "fits": self.of_fast("models/{}/fold-{}/fit.json"),
            "settings": json.dumps(settings_of(self.config, self.fast)),
            "predictions": [self.out / f"fold-{k}.csv" for k in range(self.config["folds"])],
        }

    def tabulate_options(self):
        """Options of tabulate."""
        return {
            "folds": self.folder / "folds.csv",
            "skipped": self.folder / "skipped.csv",
            "replicas": self.folder / "replicas.csv",
            "baselines": self.folder / "baselines.csv",
            "variants": json.dumps(self.config["variants"]),
            "predictions": self.of_models("predictions/{}/fold-{}.csv"),
            "fits": self.of_models("models/{}/fold-{}/fit.json"),
            "histories": self.of_models("models/{}/fold-{}/history.csv"),
            "dataset": self.config["dataset"],
            "name": self.config["name"],
            "table": self.out / "table1.csv",
        }

    def interventions_options(self):
        """Options of tabulate_interventions."""
        return {
            "folds": self.folder / "folds.csv",
            "counts": self.of_variants("interventions/{}.csv"),
            "table": self.out / "interventions.csv",
        }

    def report(self):
        """What the page is made of: drawing it would take most of the time."""
        options = {
            "tracks": self.folder / "tracks.csv",
            "folds": self.folder / "folds.csv",
            "skipped": self.folder / "skipped.csv",
            "replicas": self.folder / "replicas.csv",
            "baselines": self.folder / "baselines.csv",
            "table": self.folder / "table1.csv",
            "predictions": self.of_models("predictions/{}/fold-{}.csv"),
            "histories": self.of_models("models/{}/fold-{}/history.csv"),
            "fits": self.of_models("models/{}/fold-{}/fit.json"),
            "counts": self.of_variants("interventions/{}.csv"),
            "interventions": self.folder / "interventions.csv",
            "filters": self.of_variants("filters/{}.csv"),
            "spectra": self.of_variants("filters/{}.npz"),
            "weights": self.of_variants("models/{}/fold-0/weights.npz"),
            "sounds": self.folder / "sounds",
            "dataset": self.config["dataset"],
            "name": self.config["name"],
            "configuration": json.dumps({"front_end": self.config["front_end"]}),
            "report": self.out / "report.html",
            "figures": self.out / "figures",
        }
        flat = [part for value in options.values() for part in as_list(value)]

        def reads(path):
            return path in flat or self.folder / "sounds" in path.parents

        def run():
            found = material.read(report.parse(command_line(options)))
            sounds = []
            players = filter_texts.sounds(self.folder / "sounds", found.tracks, 43, sounds.append)
            return {"material": pickle.dumps((found, players, sounds))}

        return Reader("report", reads, run)

    def packing(self):
        """Packing the models of the fast variant."""
        own = [
            *self.of_fast("onnx/{}/fold-{}.onnx"),
            self.folder / f"onnx/{self.fast}/MODEL_CARD.md",
        ]
        for file in ("weights.npz", "fit.json"):
            own += self.of_fast("models/{}/fold-{}/" + file)
        own += self.of_fast("predictions/{}/fold-{}.csv")
        own += [self.folder / "folds.csv", self.folder / "scaler.json"]
        file = self.out / "model.zip"

        def run():
            self.fresh()
            words = [self.folder, "--variants", self.fast, "--file", file]
            call(pack_model, words)
            return {"model.zip": file.read_bytes()}

        return Reader("pack_model", own.__contains__, run)

    def training(self):
        """A finished training that continues from its checkpoint."""
        folder = self.folder / "models" / self.variant / "fold-0"
        network = network_of(self.config, self.variant)
        donors = [self.folder / f"models/{v}/fold-0/weights.npz" for v in network["init"].values()]
        options = self.data() | {
            "variant": self.variant,
            "network": json.dumps(network),
            "training": json.dumps(training_of(self.config, self.variant)),
            "fold": 0,
            "seed": self.config["seed"],
            "augmentation": json.dumps(self.config["augmentation"]),
            "donors": donors,
            "checkpoint": folder / "checkpoint",
            "weights": self.out / "weights.npz",
            "history": self.out / "history.csv",
            "fit": self.out / "fit.json",
        }
        return self.step(train, options, ["weights", "history"])


def as_list(value):
    """A list of one or more values."""
    return value if isinstance(value, list) else [value]


def command_line(options):
    """The options as words."""
    words = []
    for name, value in options.items():
        words += [f"--{name.replace('_', '-')}", *map(str, as_list(value))]
    return words


def call(module, words):
    """Run a step or command in this process."""
    with (
        mock.patch.object(sys, "argv", ["step", *map(str, words)]),
        redirect_stdout(StringIO()),
        redirect_stderr(StringIO()),
    ):
        module.main()


def damage(rng, path, others):
    """Damage a file; return how. `others` are files of the same folder or kind."""
    content = path.read_bytes()
    size = max(len(content), 1)
    place, length = int(rng.integers(size)), int(2 ** rng.uniform(0, 10))
    changed = bytearray(content)
    match rng.integers(9):
        case 0 | 1:
            changed[place : place + 1] = bytes([(content or b"\0")[place] ^ 1 << rng.integers(8)])
            how = "flip"
        case 2:
            del changed[place:]
            how = "cut"
        case 3:
            changed += changed[-length:] if rng.random() < 0.5 else rng.bytes(length)
            how = "append"
        case 4:
            del changed[place : place + length]
            how = "delete"
        case 5:
            changed[place : place + length] = rng.bytes(length)
            how = "overwrite"
        case 6:
            lines = content.splitlines(keepends=True) or [b"\n"]
            lines.insert(int(rng.integers(len(lines) + 1)), lines[rng.integers(len(lines))])
            changed, how = b"".join(lines), "repeat a line"
        case 7:
            changed, how = others[rng.integers(len(others))].read_bytes(), "another file"
        case 8:
            path.unlink()
            path.mkdir()
            return "folder"
    path.write_bytes(changed)
    return how


def outcome(reader, path, expected):
    """The outcome of a reader in a word or two, and whether it is allowed."""
    try:
        outputs = reader.run()
    except UserError as reason:
        names = {path.name, path.with_suffix(".npy").name, path.parent.name}
        named = any(name in str(reason) for name in names)
        return ("refused", True) if named and "\n" not in str(reason) else (str(reason), False)
    except OSError as failure:
        return "refused", failure.errno in FIXABLE_OS_ERRORS and str(path) == failure.filename
    except Exception as failure:
        return f"{type(failure).__name__}: {failure}", False
    return ("same outputs", True) if outputs == expected else ("other outputs", False)


def fuzz(results, rounds, rng):
    """Counts by (reader, damage, outcome), and descriptions of the failures."""
    readers = results.readers()
    expected = {reader.name: reader.run() for reader in readers}
    paths = [*results.files("**/*"), *shared_files(results.folder, "**/*")]
    files = [p for p in paths if p.is_file() and not p.name.startswith(".")]
    files = {path: [r for r in readers if r.reads(path)] for path in files}
    used = [path for path, readers in files.items() if readers]
    # One file of a kind is as good as another: the large number of models would hide the rest.
    kinds = {}
    for path in used:
        kinds.setdefault(kind_of(results, path), []).append(path)
    counts, failures = Counter(), []
    for _ in range(rounds):
        kind = list(kinds)[rng.integers(len(kinds))]
        path = kinds[kind][rng.integers(len(kinds[kind]))]
        content = path.read_bytes()
        how = damage(rng, path, [p for p in kinds[kind] if p != path] or used)
        for reader in files[path]:
            result, allowed = outcome(reader, path, expected[reader.name])
            counts[kind, result if allowed else "FAILURE"] += 1
            if not allowed:
                failures.append(f"{reader.name}: {path}: {how}: {result}")
        if path.is_dir():
            path.rmdir()
        path.write_bytes(content)
    return counts, failures


def kind_of(results, path):
    """The kind of a file: its folder and suffix, or its name."""
    if results.folder not in path.parents:
        return f"features/*{path.suffix}"
    first, *rest = path.relative_to(results.folder).parts
    if first == "models":
        return path.name
    return f"{first}/*{path.suffix}" if rest else first


def main():
    """Run the rounds; print the counts; exit with code 1 after a failure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, help="finished results, results/NAME")
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = Results(options.results, Path(folder))
        counts, failures = fuzz(results, options.rounds, np.random.default_rng(options.seed))
    outcomes = sorted({result for _, result in counts})
    print(f"{'':<24}" + "".join(f"{name:>16}" for name in outcomes))
    for kind in sorted({kind for kind, _ in counts}):
        print(f"{kind:<24}" + "".join(f"{counts[kind, name]:>16}" for name in outcomes))
    if failures:
        sys.exit("\n".join(failures))


if __name__ == "__main__":
    main()
