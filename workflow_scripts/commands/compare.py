"""Compare the finished results of two or more runs, each with the first one.

Writes compare.html, compare.csv and compare.md into a folder and prints the last one.
"""

import argparse
import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts import checked_tables
from workflow_scripts.atomic_files import atomic
from workflow_scripts.commands.finished_results import FinishedResults
from workflow_scripts.errors import UserError, encodable, printable, reading
from workflow_scripts.paths import ModelPaths, SeedPaths
from workflow_scripts.process import run as run_command
from workflow_scripts.report import comparison_page
from workflow_scripts.results import checked_predictions, run_comparison, run_settings
from workflow_scripts.results.run_relation import relation
from workflow_scripts.results.runs import Repeat, Run
from workflow_scripts.workflow.training_settings import n_folds_of

# Beside results/, so that no experiment can have its name.
FOLDER = Path("comparisons")
# Characters of the name of a comparison; file systems allow 255 bytes.
LONGEST_NAME = 120
# What the comparison needs of fit.json; earlier versions of the workflow wrote less.
OF_FIT = (
    *("engine", "versions", "device", "commit", "uncommitted_changes", "seed", "seconds"),
    *("n_epochs", "best_epoch", "n_train_segments", "training"),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read results/A results/B ...; write the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, nargs="+", help="results/NAME of each run")
    parser.add_argument(
        "--output", type=Path, help=f"folder to write into; {FOLDER}/NAME+NAME by default"
    )
    options = parser.parse_args(arguments)
    folders = checked(options.results)
    names = names_of(folders)
    output = options.output or FOLDER / name_of(names)
    for folder in folders:
        if output.resolve().is_relative_to(folder.resolve()):
            raise UserError(f"{output} is in results that are compared; give a folder elsewhere")
    runs = [read(folder, name) for folder, name in zip(folders, names, strict=True)]
    write(output, runs)


def checked(folders: Sequence[Path]) -> Sequence[Path]:
    """These folders. Raises UserError unless they are two or more different ones."""
    if len(folders) < 2:
        raise UserError("one run cannot be compared; give the results of two or more")
    seen: dict[Path, Path] = {}
    for folder in folders:
        if other := seen.get(folder.resolve()):
            same = "twice" if other == folder else f"and is the same folder as {other}"
            raise UserError(f"{folder} is given {same}; give the results of different runs")
        seen[folder.resolve()] = folder
    return folders


def names_of(folders: Sequence[Path]) -> list[str]:
    """The name of each folder; where names are equal, with the folders above until they differ."""
    parts = [folder.resolve().parts for folder in folders]
    names = [encodable(own[-1]) for own in parts]
    for length in range(2, max(map(len, parts)) + 1):
        if len(set(names)) == len(names):
            break
        names = [
            encodable("/".join(own[-length:])) if names.count(name) > 1 else name
            for own, name in zip(parts, names, strict=True)
        ]
    return [printable(name) for name in names]


def name_of(names: Sequence[str]) -> str:
    """The name of the comparison of runs with these names."""
    name = "+".join(name.replace("/", "-") for name in names)
    if len(name.encode()) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name.encode()[:LONGEST_NAME].decode(errors='ignore')}-{digest}"


def read(folder: Path, name: str) -> Run:
    """The run in `folder`, shown as `name`. Raises UserError unless finished and undamaged."""
    results = FinishedResults.open(folder, only_read=True)
    models = results.all_models
    results.require(path for model in models for path in files_of(model))
    results.check_settings(models)
    repeats = [repeat(results, seed, paths) for seed, paths in sorted(results.seeds.items())]
    return Run(name, results.config, repeats)


def files_of(model: ModelPaths) -> list[Path]:
    """The files of a model that are compared."""
    return [model.fit, model.history, model.predictions]


def repeat(results: FinishedResults, seed: int, paths: SeedPaths) -> Repeat:
    """The predictions and trainings of a seed."""
    tracks = results.tracks_of(paths)
    position = {track_id: number for number, track_id in enumerate(tracks.track_id)}
    correct: dict[str, np.ndarray] = {}
    fits: dict[str, list[dict[str, Any]]] = {}
    histories: dict[str, list[pd.DataFrame]] = {}
    for model in paths.models(results.config["variants"], n_folds_of(results.config)):
        fit = results.fit_of(model)
        with reading(model.fit):
            fits.setdefault(model.variant, []).append({key: fit[key] for key in OF_FIT} | fit)
        history = checked_tables.read(model.history, results.key_of(model).history)
        histories.setdefault(model.variant, []).append(history)
        table = checked_predictions.read(model.predictions, tracks, results.origin_of(model))
        own = correct.setdefault(model.variant, np.zeros(len(tracks.track_id), bool))
        rows = table["track_id"].map(position).to_numpy()
        own[rows] = (table["predicted"] == table["label"]).to_numpy()
    return Repeat(seed, tracks, correct, fits, histories)


def write(output: Path, runs: Sequence[Run]) -> None:
    """Compare `runs`, write the files into `output`, print the Markdown."""
    same = run_settings.same_networks(runs)
    relations = {run.name: relation(runs[0], run) for run in runs[1:]}
    table = run_comparison.compare(runs, same)
    page = comparison_page.page(runs, table, relations)
    texts = {"compare.csv": table.to_csv(index=False), "compare.md": page.markdown()}
    for name, text in {**texts, "compare.html": page.html()}.items():
        with atomic(output / name) as path:
            path.write_text(text, encoding="utf-8")
    try:
        print(texts["compare.md"], flush=True)
    except BrokenPipeError:
        # The reader has closed the pipe, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    print(
        f"The page is {output / 'compare.html'}: open it in a browser. The numbers are in "
        f"{output / 'compare.csv'}.",
        file=sys.stderr,
    )


if __name__ == "__main__":
    run_command(main)
